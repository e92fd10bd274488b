// A sink that is a syslog server, or the machine's own syslog: RFC 5424 with structured data, over UDP, TCP, TLS or a
// Unix socket.

import { createSocket, type Socket } from 'node:dgram';
import { hostname } from 'node:os';
import { z } from '../../../src/plugin.ts';
import { authorities } from '../../remote/authorities.ts';
import { isLoopback } from '../../remote/fetch.ts';
import type { Outlet } from '../delivery/delivery.ts';
import { sinkFields } from '../delivery/options.ts';
import { FACILITIES, type SyslogForm, syslogMessage } from './syslog-message.ts';
import { SyslogStream } from './syslog-stream.ts';
import { type Datagrams, openDatagrams } from './unix-datagram.ts';

const ADDRESS = /^(?:(udp|tcp|tls):\/\/(?:\[([\da-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?|unix:(\/.+))$/;

/** RFC 5426, RFC 5425; TCP has none of its own, and everybody takes this one. */
const PORTS = { udp: 514, tcp: 514, tls: 6514 } as const;

type Place =
  | { readonly way: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly way: 'unix'; readonly path: string };

const facilities = Object.keys(FACILITIES) as [keyof typeof FACILITIES, ...(keyof typeof FACILITIES)[]];

export const syslogSchema = z
  .strictObject({
    kind: z.literal('syslog'),
    ...sinkFields,
    to: z
      .string()
      .max(300)
      .refine((text) => parsePlace(text) !== undefined, {
        error: 'write udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:/dev/log',
      })
      .meta({
        description: '`tls://HOST:PORT`, `tcp://…`, `udp://…`, or the path of a Unix socket.',
        examples: ['tls://logs.example.com:6514', 'unix:/dev/log'],
      }),
    unencrypted: z
      .boolean()
      .meta({
        description:
          'Lets `udp` and `tcp` lead to another machine: everybody on the way reads the entries then.',
        examples: [true],
      })
      .prefault(false),
    ca: authorities.optional(),
    facility: z
      .enum(facilities)
      .meta({ description: 'Whose messages they are.', examples: ['audit'] })
      .prefault('audit'),
    hostname: z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
      .meta({ description: 'What this machine is called. Default: its own name.' })
      .optional(),
    enterprise: z
      .int()
      .min(1)
      .meta({
        description:
          'Your private enterprise number, for the name of the structured data. Default: the one that is meant for examples (RFC 5612).',
        examples: [32_473],
      })
      .prefault(32_473),
    longest: z
      .int()
      .min(480)
      .max(65_000)
      .meta({
        description: 'Most bytes of a message. A longer one has the fields as structured data alone.',
        examples: [8_192],
      })
      .prefault(8_192),
  })
  .refine(({ to, unencrypted }) => unencrypted || isSafe(parsePlace(to)), {
    path: ['to'],
    error: 'leads to another machine without TLS: write tls://, or set `unencrypted: true` beside it',
  });

export type SyslogOptions = z.output<typeof syslogSchema>;

function parsePlace(text: string): Place | undefined {
  const [, way, six, name, port, path] = ADDRESS.exec(text) ?? [];
  if (path !== undefined) return { way: 'unix', path };
  const host = six ?? name;
  if (way === undefined || host === undefined) return undefined;
  const known = way as keyof typeof PORTS;
  const number = port === undefined ? PORTS[known] : Number(port);
  return number >= 1 && number <= 65_535 ? { way: known, host, port: number } : undefined;
}

function isSafe(place: Place | undefined): boolean {
  return place === undefined || place.way === 'tls' || place.way === 'unix' || isLoopback(place.host);
}

export function syslogSink(options: SyslogOptions): Outlet<string> {
  const { to, ca, facility, enterprise, longest } = options;
  const form: SyslogForm = { facility, enterprise, longest, hostname: options.hostname ?? hostname() };
  const place = parsePlace(to) as Place;
  const transport = transportTo(place, ca);
  return {
    kind: 'syslog',
    place: place.way === 'unix' ? place.path : `${place.host}:${place.port}`,
    send: (lines, signal) =>
      transport.send(
        lines.map((line) => syslogMessage(line, form)),
        signal,
      ),
    close: () => transport.close(),
  };
}

interface Transport {
  send(messages: readonly Buffer[], signal: AbortSignal): Promise<void>;
  close(): void;
}

function transportTo(place: Place, ca: string | undefined): Transport {
  if (place.way === 'unix') return overUnix(place.path);
  if (place.way === 'udp') return overUdp(place);
  return new SyslogStream({ ...place, ...(place.way === 'tls' && { tls: { ca } }) });
}

/** One datagram each; nobody says whether it arrived. */
function overUdp({ host, port }: { host: string; port: number }): Transport {
  let socket: Socket | undefined;
  return {
    async send(messages) {
      socket ??= createSocket(host.includes(':') ? 'udp6' : 'udp4')
        .unref()
        .on('error', () => {});
      const from = socket;
      for (const message of messages)
        await new Promise<void>((resolve, reject) =>
          from.send(message, port, host, (error) => (error ? reject(error) : resolve())),
        );
    },
    close: () => socket?.close(),
  };
}

function overUnix(path: string): Transport {
  let datagrams: Datagrams | undefined;
  const close = () => {
    datagrams?.close();
    datagrams = undefined;
  };
  return {
    async send(messages) {
      try {
        datagrams ??= openDatagrams(path);
        for (const message of messages) datagrams.send(message);
      } catch (error) {
        // Whoever listened may be gone, and another be there at the next attempt.
        close();
        throw error;
      }
    },
    close,
  };
}
