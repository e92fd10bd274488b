// Opens links of one upstream's kind: embedded, HTTP or a child process.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { pause } from '../lib/pause.ts';
import type { Seal } from '../lib/seal.ts';
import type { Era, McpNotification } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Call, Question } from './call.ts';
import { createCertificates } from './certificates.ts';
import { CLOSED } from './child.ts';
import { createFetchClient } from './fetch-client.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpOpening, Openings } from './http-opening.ts';
import { createHttpClient } from './http1-client.ts';
import type { Link } from './link.ts';
import type { Names } from './names.ts';
import { openHttp } from './open-http.ts';
import { openStdio } from './open-stdio.ts';
import type { Own, Whose } from './own.ts';
import { type Probing, probe } from './probe.ts';
import type { Reaper } from './reaper.ts';
import { createRestarts } from './restarts.ts';
import type { Slot } from './sharing.ts';
import type { UpstreamSpec } from './spec.ts';
import type { Target } from './targets.ts';

export interface UpstreamParts {
  readonly spec: UpstreamSpec;
  readonly host: Host;
  readonly seal: Seal;
  readonly reaper: Reaper;
  readonly names: Names;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  readonly userAgent: string;
}

/** What an open link has to say to its pool. */
export interface Told {
  ended(why: string): void;
  /** What was begun is of no use; it takes a place until it has ended. */
  leaving(ended: Promise<unknown>): void;
  callOver(): void;
  asked(question: Question, via: Call | undefined, link: Link): void;
  /** A question is taken back, by its id's key. */
  withdrawn(questionKey: string, link: Link): void;
  unsolicited(note: McpNotification, link: Link): void;
  inCall(note: McpNotification, link: Link): void;
  missed(link: Link): void;
}

/** Opens links of this upstream's kind. */
export function createOpener(parts: UpstreamParts, ownOf: (whose?: Whose) => Own, reconnects: () => boolean) {
  const { spec, host } = parts;
  const builtin = spec.kind === 'builtin' ? spec.start() : undefined;
  const certificates =
    spec.kind === 'url' && spec.tls ? createCertificates(spec.name, spec.tls, host) : undefined;
  const client: HttpClient | undefined =
    builtin !== undefined
      ? createFetchClient(builtin.fetch, spec.name)
      : spec.kind === 'url'
        ? createHttpClient({
            upstream: spec.name,
            timeouts: spec.timeouts,
            lookup: parts.names.for(spec.name, spec.network),
            tls: certificates?.options,
            late: (kind) => host.metrics.timeouts.inc({ kind, upstream: spec.name }),
          })
        : undefined;
  const choice = { wanted: spec.kind === 'url' ? spec.transport : ('http' as const), older: false };
  let died = false;
  const restarts = spec.kind === 'command' ? createRestarts(spec.name, spec.restart, host) : undefined;

  return {
    /** @throws when the signal aborts: then nothing is left of what was begun */
    async link(slot: Slot, target: Target, told: Told, signal: AbortSignal): Promise<Link> {
      const ready = Promise.withResolvers<Link>();
      const to = openings(ready.promise, slot.era, told);
      const link = await (client ? overHttp(slot, target.url, to, signal) : overStdio(slot, to, signal));
      restarts?.opened();
      to.stand();
      ready.resolve(link);
      host.log.info('link open', { upstream: spec.name, era: link.era, version: link.hello.version });
      return link;
    },
    /** Whether a target works. @throws when it does not */
    probe: (target: Target, signal: AbortSignal, known: Pick<Probing, 'stateless' | 'link'>) =>
      probe(opening(target.url, signal), { ...known, ...spec.targets.health }),
    /** Looks whether certificates have changed. */
    look: () => certificates?.look(),
    async close() {
      certificates?.stop();
      client?.close();
      await builtin?.close();
    },
  };

  /** What comes before the link stands waits for it. */
  function openings(ready: Promise<Link>, era: Era, told: Told): Openings & { stand(): void } {
    let stands = false;
    return {
      stand() {
        stands = true;
      },
      events: {
        unsolicited: (note) => void ready.then((link) => told.unsolicited(note, link)),
        inCall: (note) => void ready.then((link) => told.inCall(note, link)),
        missed: () => void ready.then((link) => told.missed(link)),
        ended(why) {
          if (why !== CLOSED) {
            const greeting = stands || spec.era !== 'auto' ? undefined : era;
            if (restarts?.died(why, greeting)) died = true;
          }
          told.ended(why);
        },
        callOver: told.callOver,
      },
      question: (question, via) => void ready.then((link) => told.asked(question, via, link)),
      withdrawn: (key) => void ready.then((link) => told.withdrawn(key, link)),
      leaving: told.leaving,
    };
  }

  function overHttp(slot: Slot, url: string, to: Openings, signal: AbortSignal): Promise<Link> {
    return openHttp(slot.era, opening(url, signal, slot.whose), slot.profile, to);
  }

  function opening(url: string, signal: AbortSignal, whose?: Whose): HttpOpening {
    return {
      name: spec.name,
      client: client as HttpClient,
      transport: spec.kind === 'builtin' ? ('builtin' as const) : ('http' as const),
      url: spec.kind === 'url' ? url : 'http://demo.internal/mcp',
      headers: spec.kind === 'url' ? spec.headers : {},
      limits: spec.limits,
      timeouts: spec.timeouts,
      host,
      gateway: parts.gateway,
      userAgent: parts.userAgent,
      signal,
      own: ownOf(whose),
      reconnects,
      choice,
    };
  }

  async function overStdio(slot: Slot, to: Openings, signal: AbortSignal): Promise<Link> {
    if (spec.kind !== 'command') throw new GatewayError('INTERNAL');
    await pause(restarts?.wait(slot.era) ?? 0, signal);
    if (died) host.metrics.upstreamRestarts.inc({ upstream: spec.name });
    died = false;
    return openStdio(
      slot.era,
      { spec, host, reaper: parts.reaper, gateway: parts.gateway, signal, own: ownOf(slot.whose) },
      slot.profile,
      to,
    );
  }
}
