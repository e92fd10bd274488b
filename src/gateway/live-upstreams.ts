// Upstreams that run, over generations: one whose configuration did not change keeps its processes, connections
// and sessions.

import { sameUpstream } from '../config/same.ts';
import type {
  Limits,
  PemSource,
  Upstream as UpstreamConfig,
  UpstreamTls as UpstreamTlsConfig,
} from '../config/schema.ts';
import type { SendersOf } from '../core/exchange.ts';
import { createDemo } from '../demo/demo.ts';
import { anyGlob } from '../lib/glob.ts';
import type { UpstreamTls } from '../upstreams/certificates.ts';
import type { CacheSpec, UpstreamLimits, UpstreamSpec } from '../upstreams/spec.ts';
import type { TargetOptions } from '../upstreams/targets.ts';
import { createUpstream, type Upstream, type UpstreamParts } from '../upstreams/upstream.ts';
import type { World } from './types.ts';

interface Live {
  readonly config: UpstreamConfig;
  readonly upstream: Upstream;
  holders: number;
  /** What its own messages pass: plugins of the latest generation that took over. */
  senders: SendersOf | undefined;
  readonly closed: PromiseWithResolvers<void>;
}

export const NOTHING = { tools: undefined, prompts: undefined, resources: undefined, overrides: {} };

export interface LiveUpstreams {
  /** The running upstream of this configuration, started if there is none. */
  hold(config: UpstreamConfig): Upstream;
  /** What the gateway itself says to it passes these from now on. */
  speakThrough(upstream: Upstream, senders: SendersOf): void;
  /**
   * Closed when no generation holds it any more.
   * @param senders of the generation that lets go; they are of no more use when this resolves
   */
  release(upstream: Upstream, senders: SendersOf): Promise<void>;
  all(): readonly Upstream[];
}

export type Shared = Omit<UpstreamParts, 'spec'> & {
  /** Of the current generation. */
  readonly limits: () => Limits;
  readonly childEnv: Readonly<Record<string, string>>;
  readonly readFile: World['readFile'];
};

export function createLiveUpstreams(shared: Shared): LiveUpstreams {
  const live: Live[] = [];
  // The leg's own pipeline, what is offered of it and the judgement of its tools belong to a generation; the links
  // below them do not.
  const bare = (config: UpstreamConfig): UpstreamConfig => ({
    ...config,
    offer: NOTHING,
    pin: { onDrift: 'allow', onNew: 'allow', recheck: 0 },
    uris: 'keep',
    owns: [],
    pipeline: [],
  });
  return {
    hold(config) {
      const there = live.find((each) => sameUpstream(bare(each.config), bare(config)));
      if (there) {
        there.holders++;
        there.upstream.look();
        return there.upstream;
      }
      const upstream = createUpstream({ ...shared, spec: specOf(config, shared) });
      live.push({ config, upstream, holders: 1, senders: undefined, closed: Promise.withResolvers() });
      return upstream;
    },
    speakThrough(upstream, senders) {
      const each = live.find((one) => one.upstream === upstream);
      if (each) each.senders = senders;
      upstream.speakThrough(senders);
    },
    async release(upstream, senders) {
      const index = live.findIndex((each) => each.upstream === upstream);
      const each = live[index];
      if (!each) return;
      each.holders--;
      // At a stop an older generation may let go last, and the last words still pass these.
      if (each.holders > 0) return each.senders === senders ? each.closed.promise : undefined;
      live.splice(index, 1);
      await upstream.close().finally(each.closed.resolve);
    },
    all: () => live.map(({ upstream }) => upstream),
  };
}

function specOf(config: UpstreamConfig, shared: Shared): UpstreamSpec {
  const { name, era, timeouts, concurrency, retry } = config;
  const limits = liveLimits(shared.limits);
  const common = {
    name,
    era,
    timeouts,
    concurrency,
    retry,
    cache: cacheOf(config),
    targets: targetsOf(config),
    limits,
  };
  switch (config.kind) {
    case 'builtin':
      return { ...common, kind: 'builtin', start: createDemo };
    case 'url':
      return {
        ...common,
        kind: 'url',
        urls: config.urls,
        network: config.network,
        tls: config.tls && tlsOf(config.tls, shared.readFile),
        transport: config.transport,
        headers: revealed(config.headers, (key) => key.toLowerCase()),
        sessions: config.sessions,
      };
    case 'command': {
      const { command, args, cwd, instances, restart, stop, kill } = config;
      const own = revealed(config.env);
      const env = { ...shared.childEnv, ...own };
      const secrets = Object.values(own);
      return { ...common, kind: 'command', command, args, cwd, instances, restart, stop, kill, env, secrets };
    }
  }
}

function tlsOf(tls: UpstreamTlsConfig, readFile: World['readFile']): UpstreamTls {
  const { ca, pair, minVersion, serverName, look } = tls;
  const text = (source: PemSource): string =>
    'path' in source ? readFile(source.path) : source.text.reveal();
  const read = () => ({
    ca: ca && text(ca),
    pair: pair && { cert: text(pair.cert), key: text(pair.key) },
  });
  return { read, minVersion, serverName, look };
}

/** Only a server reached over HTTP can be asked how it is without starting it. */
function targetsOf(config: UpstreamConfig): TargetOptions {
  const { breaker, timeouts } = config;
  if (config.kind === 'url') {
    const { balance, health } = config;
    return { balance, breaker, health: { ...health, path: health.path } };
  }
  return { balance: 'first', breaker, health: { probe: 'off', timeout: timeouts.start, path: undefined } };
}

function cacheOf({ cache }: UpstreamConfig): CacheSpec | 'off' {
  if (cache === 'off') return cache;
  const { tools } = cache;
  return { ...cache, tools: tools && { for: tools.for, has: anyGlob(tools.names) } };
}

function revealed(
  secrets: Readonly<Record<string, { reveal(): string }>>,
  key = (name: string): string => name,
): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [key(name), secret.reveal()]));
}

/** Limits are not part of an upstream's identity: a reload changes them under running links. */
function liveLimits(limits: () => Limits): UpstreamLimits {
  return {
    get json() {
      const { depth, keys, response } = limits();
      // What an upstream may answer is bounded as a whole; a picture is one long string.
      return { depth, keys: keys * 100, string: response };
    },
    get response() {
      return limits().response;
    },
    get streamFrom() {
      return limits().streamFrom;
    },
    get result() {
      return limits().result;
    },
    get streamBuffer() {
      return limits().streamBuffer;
    },
    get event() {
      return limits().event;
    },
    get line() {
      return limits().line;
    },
    get stderr() {
      return limits().stderr;
    },
    get parked() {
      return limits().parked;
    },
    get parkTtl() {
      return limits().parkTtl;
    },
    get notifications() {
      return limits().notifications;
    },
    get taskTokens() {
      return limits().taskTokens;
    },
    get taskPoll() {
      return limits().taskPoll;
    },
    get taskPollLeast() {
      return limits().taskPollLeast;
    },
    get taskPollMost() {
      return limits().taskPollMost;
    },
    get keepAlive() {
      return limits().keepAlive;
    },
    get pages() {
      return limits().pages;
    },
    get upstreamBatch() {
      return limits().upstreamBatch;
    },
    get eraMemory() {
      return limits().eraMemory;
    },
    get cacheBytes() {
      return limits().cacheBytes;
    },
    get cacheEntries() {
      return limits().cacheEntries;
    },
    get cacheTtl() {
      return limits().cacheTtl;
    },
    get helloAge() {
      return limits().helloAge;
    },
  };
}
