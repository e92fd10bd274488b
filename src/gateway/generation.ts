// Everything built from one reading of gateway.yaml: plugins, legs, routers, endpoints. Undone in reverse.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { Loaded } from '../config/load.ts';
import type { Endpoint as EndpointConfig, Limits } from '../config/schema.ts';
import { createRecognition } from '../core/callers.ts';
import { concealing } from '../core/conceal.ts';
import { messageOf } from '../core/errors.ts';
import { Exchange, type ExchangeInit } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import { ownSessionOnly } from '../core/own-session.ts';
import { type Page, type PageRequest, pageOf, type ServedEndpoint } from '../core/page.ts';
import { pipeline, sendersOf } from '../core/pipeline.ts';
import type { Seal } from '../lib/seal.ts';
import type { Endpoint } from '../listeners/serving.ts';
import { McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { createOffering, type Offering } from '../router/offering.ts';
import { pinned } from '../router/pins.ts';
import { createRouter, type Router, type RouterLimits } from '../router/router.ts';
import type { Source } from '../router/source.ts';
import type { Stock } from '../router/stock.ts';
import { wrapperOf } from '../router/wrapped.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { Advertised } from './advertised.ts';
import type { Keeper } from './keep.ts';
import type { LiveUpstreams } from './live-upstreams.ts';
import { sourceOf } from './source.ts';
import { type SetUp, setUp } from './steps.ts';
import type { World } from './types.ts';

export interface BuiltEndpoint extends Endpoint {
  readonly config: EndpointConfig;
  readonly router: Router;
  readonly offering: Offering;
}

export interface Generation {
  readonly number: number;
  readonly loaded: Loaded;
  readonly endpoints: ReadonlyMap<string, BuiltEndpoint>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The same, each behind its own pipeline. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly steps: readonly SetUp[];
  readonly legSteps: ReadonlyMap<string, readonly SetUp[]>;
  /** Calls, subscriptions and lists that run on it. */
  readonly active: number;
  /** What a plugin serves at a path that is no endpoint. @param base the public URL of the listener */
  page(request: PageRequest, base: string | undefined): Promise<Page | undefined>;
  /** Resolves when nothing runs on it any more. */
  quiet(): Promise<void>;
  /** From now on what the gateway itself says to upstreams passes its plugins. */
  takeOver(): void;
  /** Another has taken over: plugins are told that what they let in is let in no more. */
  handOver(): void;
  /** It is to go: what runs on it and nobody waits for ends. */
  leave(): void;
  dispose(): Promise<void>;
}

export interface Building {
  readonly number: number;
  readonly loaded: Loaded;
  readonly world: World;
  readonly keeper: Keeper;
  readonly live: LiveUpstreams;
  readonly gateway: RawObject;
  readonly seal: Seal;
  readonly stock: Stock;
}

/** Builds a whole generation, or nothing: what was made before a fault is undone. */
export async function buildGeneration(
  building: Building,
): Promise<{ ok: true; generation: Generation } | { ok: false; diagnostics: Diagnostic[] }> {
  const { loaded, world, keeper, live, number } = building;
  const { config, document } = loaded;
  const undo: (() => void | Promise<void>)[] = [];
  const scope = keeper.scope();
  const replaced = new AbortController();
  const undoAll = async (): Promise<void> => {
    replaced.abort();
    for (const step of [...undo.reverse(), () => scope.release()]) {
      // What one of them fails to give back must not keep the others from it.
      await Promise.resolve()
        .then(step)
        .catch((error: unknown) =>
          world.host.log.error('not undone', { generation: number, error: messageOf(error) }),
        );
    }
  };
  let disposed: Promise<void> | undefined;
  const dispose = (): Promise<void> => {
    disposed ??= undoAll();
    return disposed;
  };
  const parts = {
    document,
    plugins: world.plugins,
    host: world.host,
    stateDir: world.stateDir,
    scope,
    replaced: replaced.signal,
    setupTime: config.limits.pluginSetup,
    onDispose: (step: () => void | Promise<void>) => void undo.push(step),
  };

  const top = await setUp(config.pipeline, undefined, parts);
  const diagnostics = [...top.diagnostics];
  const legSteps = new Map<string, SetUp[]>();
  for (const upstream of config.upstreams) {
    const leg = await setUp(upstream.pipeline, upstream.name, parts);
    diagnostics.push(...leg.diagnostics);
    legSteps.set(upstream.name, leg.steps);
  }
  if (diagnostics.length > 0) {
    await dispose();
    return { ok: false, diagnostics };
  }

  const counter = createCounter();
  const upstreams = new Map<string, Upstream>();
  const sources = new Map<string, Source>();
  const voices: (() => void)[] = [];
  for (const each of config.upstreams) {
    const upstream = live.hold(each);
    const steps = legSteps.get(each.name) ?? [];
    const senders = sendersOf(steps, world.host);
    voices.push(() => live.speakThrough(upstream, senders));
    undo.push(() => live.release(upstream, senders));
    upstreams.set(each.name, upstream);
    const { pages, pins: most, listAgain: again } = config.limits;
    const common = { store: world.pins, host: world.host, pages, most, again };
    const pinning = { upstream: each.name, policy: each.pin, ...common };
    // What is built in changes with the gateway alone.
    const own = each.kind === 'builtin' ? upstream.handle : pinned(pinning, upstream.handle);
    const handle = pipeline(steps, own, world.host);
    const { hello } = upstream;
    const parts = { config: each, steps, handle, hello, key: world.sealKey };
    sources.set(each.name, sourceOf({ ...parts, pages: { most: pages, host: world.host } }));
  }
  const leaving = new AbortController();
  undo.push(() => leaving.abort());
  const endpoints = new Map<string, BuiltEndpoint>();
  for (const each of config.endpoints) {
    const own = each.upstreams.map((name) => sources.get(name)).filter((source) => source !== undefined);
    endpoints.set(each.path, buildEndpoint(each, own, top.steps, counter, leaving.signal, building));
  }
  const generation: Generation = {
    number,
    loaded,
    endpoints,
    upstreams,
    sources,
    steps: top.steps,
    legSteps,
    get active() {
      return counter.count;
    },
    page: (request, base) => pageOf(top.steps, request, placesOf(endpoints.values(), base), world.host),
    quiet: counter.quiet,
    takeOver() {
      for (const speak of voices) speak();
    },
    handOver: () => replaced.abort(),
    leave: () => leaving.abort(),
    dispose,
  };
  return { ok: true, generation };
}

function buildEndpoint(
  config: EndpointConfig,
  sources: readonly Source[],
  steps: readonly SetUp[],
  counter: Counter,
  leaving: AbortSignal,
  { number, world, gateway, seal, loaded, stock }: Building,
): BuiltEndpoint {
  const { host } = world;
  const runsOn = { generation: number, hold: counter.enter };
  const { limits } = loaded.config;
  const offers = new Map(
    loaded.config.upstreams.map(({ name, offer, uris }) => [
      name,
      uris === 'wrap' ? { ...offer, wrapper: wrapperOf(name) } : offer,
    ]),
  );
  const offering = createOffering({ ...config, offers }, host);
  const router = createRouter({
    sources,
    offering,
    gateway,
    stock,
    limits: () => routerLimits(limits),
    leaving,
    host,
    seal,
    search: config.search,
  });
  const recognition = createRecognition(steps, host);
  /** Upstreams are asked nothing for anybody who is not let in. */
  const decide: Router['decide'] = async (x) => (await recognition(x)) ?? router.decide(x);
  const ways = { follow: router.follow, decide };
  const around = (next: Handler): Handler => pipeline(steps, next, host, ways);
  const handle = concealing(ownSessionOnly(around, router.handle), host);
  const door = concealing(
    ownSessionOnly(around, async () => McpResult.complete({})),
    host,
  );
  const opened = (init: Pick<ExchangeInit, 'id' | 'client' | 'inbound' | 'request' | 'signal'>): Exchange =>
    new Exchange({ ...init, route: { kind: 'local' }, now: host.now(), runsOn });
  const routed = (x: Exchange): Exchange => {
    x.reroute(router.route(x));
    return x;
  };
  const knowsCallers = steps.some(({ hooks }) => hooks.onCaller);
  const recognise: Endpoint['recognise'] = async (client, inbound, request, id) => {
    if (!knowsCallers) return { refusal: undefined, principal: client.principal };
    const { signal } = new AbortController();
    const x = opened({ id, client, inbound, request, signal });
    const refusal = await recognition(x);
    return { refusal, principal: x.principal };
  };
  const admit: Endpoint['admit'] = async (client, inbound, request, id) => {
    if (steps.length === 0) return undefined;
    const { signal } = new AbortController();
    const x = opened({ id, client, inbound, request, signal });
    const leave = counter.enter();
    try {
      const result = await door(x, () => undefined);
      x.close(result);
      return result.kind === 'error' ? result : undefined;
    } finally {
      leave();
    }
  };
  const open: Endpoint['open'] = (client, inbound, request, signal, id) =>
    routed(opened({ id, client, inbound, request, signal }));
  const again: Endpoint['again'] = (before, request) => routed(before.again(request, { kind: 'local' }));
  const advertised = new Advertised({
    tool: router.tool,
    around: steps.length > 0 ? (next) => ownSessionOnly(around, next) : undefined,
    hold: counter.enter,
    now: host.now,
    limits: { fresh: limits.listFresh, again: limits.listAgain },
  });
  return {
    config,
    path: config.path,
    sse: config.sse,
    takes: takenBy(steps, config.path),
    router,
    offering,
    hold: counter.enter,
    open,
    again,
    recognise,
    admit,
    handle,
    toolSchema: (x, tool, fresh) => advertised.schema(x, tool, fresh),
  };
}

/** Headers that the plugins of an endpoint read of its callers. */
function takenBy(steps: readonly SetUp[], path: string): readonly string[] {
  const own = steps.filter(({ covers }) => covers?.(path) ?? true);
  return [...new Set(own.flatMap(({ hooks }) => hooks.takes ?? []))];
}

/** Where endpoints are served, each with the place of its older transport. */
function placesOf(endpoints: Iterable<BuiltEndpoint>, base: string | undefined): ServedEndpoint[] {
  return [...endpoints].flatMap(({ path: endpoint, sse }) =>
    [endpoint, sse]
      .filter((path) => path !== undefined)
      .map((path) => ({ path, url: base && base + path, endpoint })),
  );
}

function routerLimits(limits: Limits): RouterLimits {
  const { listTimeout: patience, listFresh: fresh, listAgain: again } = limits;
  const {
    page,
    cursor,
    listDebounce: debounce,
    listRetry: retry,
    instructions,
    taskId,
    query,
    events,
  } = limits;
  return { patience, fresh, again, page, cursor, debounce, retry, instructions, taskId, query, events };
}

interface Counter {
  readonly count: number;
  enter(): () => void;
  quiet(): Promise<void>;
}

function createCounter(): Counter {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    get count() {
      return count;
    },
    enter() {
      count++;
      let left = false;
      return () => {
        if (left) return;
        left = true;
        count--;
        if (count > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      };
    },
    quiet: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
