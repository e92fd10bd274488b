// Where an HTTP listener is bound. A plain TCP port of this machine is the HTTP server's own; elsewhere a front stands
// before it. docs/decisions/0016 has why.

import { messageOf } from '../core/errors.ts';
import type { Peer } from '../core/peer.ts';
import { settledWithin } from '../lib/settled.ts';
import { refusalResponse } from './edge.ts';
import { type Front, openFront, type Visit } from './front.ts';
import type { Serving } from './serving.ts';
import type { TlsMaterial, TlsSettings } from './tls.ts';

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type HttpTls = Omit<TlsSettings, 'handshake'> & { readonly material: TlsMaterial };

/** Who sends a request; asked for only when needed. */
export interface Remote {
  readonly remote: () => string | undefined;
  readonly peer: () => Peer | undefined;
}

export interface SocketOptions {
  readonly name: string;
  readonly address: SocketAddress;
  readonly tls: HttpTls | undefined;
  readonly fetch: (request: Request, remote: Remote) => Promise<Response>;
  /** Seconds without a byte, for streams and for everything else. */
  readonly idle: { stream(): number; other(): number };
  readonly serving: Pick<Serving, 'host' | 'limits' | 'refused'>;
}

export interface HttpSocket {
  readonly port: number | undefined;
  renew(material: TlsMaterial): void;
  /** Stops accepting; what runs goes on. */
  drain(): void;
  stop(): Promise<void>;
}

/** How long answers already given may take to leave once the listener closes: a moment, nothing to be set. */
const LAST_BYTES_MS = 1_000;

type Server = Bun.Server<undefined>;

/** @throws Error when the address is taken or not ours to bind, or the certificates cannot be used */
export async function openSocket(options: SocketOptions): Promise<HttpSocket> {
  const { address, tls } = options;
  if (address.kind === 'tcp' && !tls && isLoopback(address.host)) return direct(address, options);
  return fronted(options);
}

function direct({ host, port }: { host: string; port: number }, options: SocketOptions): HttpSocket {
  const server = bind({ hostname: host, port }, options, (request, by) => {
    const remote = () => by.requestIP(request)?.address;
    return options.fetch(request, { remote, peer: () => ({ address: remote() }) });
  });
  let drained: Promise<void> | undefined;
  return {
    port: server.port,
    renew() {},
    drain() {
      drained = server.stop();
    },
    stop: () => ended(server, drained),
  };
}

async function fronted({ name, address, tls, serving, ...options }: SocketOptions): Promise<HttpSocket> {
  let front: Front | undefined;
  const server = bind({ hostname: '127.0.0.1', port: 0 }, { ...options, serving }, async (request, by) => {
    const from = by.requestIP(request);
    const visit = from?.address === '127.0.0.1' ? front?.visit(from.port) : undefined;
    return visit ? visited(visit, request, options.fetch) : foreign();
  });
  try {
    const { host, limits, refused } = serving;
    front = await openFront({
      name,
      address: address.kind === 'tcp' ? address : { path: address.path },
      behind: server.port as number,
      tls: tls && { ...tls, handshake: limits().handshake },
      head: () => limits().head,
      host,
      refused,
    });
  } catch (error) {
    await server.stop(true);
    throw error;
  }
  const opened = front;
  let drained: Promise<void> | undefined;
  return {
    port: opened.port,
    renew: opened.renew,
    drain() {
      opened.close();
      drained = server.stop();
    },
    async stop() {
      opened.close();
      await ended(server, drained);
      await opened.stop();
    },
  };
}

async function visited(visit: Visit, request: Request, fetch: SocketOptions['fetch']): Promise<Response> {
  visit.began();
  const response = await fetch(request, { remote: () => visit.peer().address, peer: visit.peer });
  visit.answered(isStream(response));
  return response;
}

/** Of somebody who found the port behind a front, and is nobody that the front has seen. */
function foreign(): Response {
  const headers = { connection: 'close' };
  return refusalResponse('HOST_REFUSED', 'This port is for the gateway itself.', undefined, headers);
}

/** What has been answered just now is still on its way out. */
async function ended(server: Server, drained: Promise<void> | undefined): Promise<void> {
  if (drained) await settledWithin(drained, LAST_BYTES_MS);
  await server.stop(true);
}

function bind(
  at: { readonly hostname: string; readonly port: number },
  { idle, serving }: Pick<SocketOptions, 'idle' | 'serving'>,
  fetch: (request: Request, by: Server) => Promise<Response>,
): Server {
  return Bun.serve({
    ...at,
    // As it is at the start; where a request has come, as it is then.
    idleTimeout: idle.other(),
    development: false,
    // Which development: false would turn on (Bun 1.4.5): a second gateway would share the port, unnoticed.
    reusePort: false,
    // http-body.ts counts, can say what is wrong, and goes by the limit of the day.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request, by) {
      // A call takes as long as it takes. Its body has a deadline of its own, its head one of the runtime's.
      by.timeout(request, 0);
      const response = await fetch(request, by);
      by.timeout(request, isStream(response) ? idle.stream() : idle.other());
      return response;
    },
    error(error) {
      serving.host.log.error('request failed', { error: messageOf(error) });
      return refusalResponse('INTERNAL', undefined, null);
    },
  });
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type') === 'text/event-stream';
}

/** The port of a wildcard or of another host of the network is everybody's. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
