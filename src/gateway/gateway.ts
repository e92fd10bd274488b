// Owns the current generation: starts it, swaps it for another, stops it. Lends it to the listeners.

import type { Diagnostic } from '../config/diagnostic.ts';
import { type Plan, planReload } from '../config/diff.ts';
import type { Loaded } from '../config/load.ts';
import type { Config, Limits } from '../config/schema.ts';
import { LiveCalls } from '../core/live-calls.ts';
import { openParked } from '../core/parked.ts';
import { ofLatest } from '../lib/remembered.ts';
import { createSeal } from '../lib/seal.ts';
import { settledWithin } from '../lib/settled.ts';
import type { HttpListener } from '../listeners/http.ts';
import { createRefusals } from '../listeners/refusals.ts';
import type { Serving } from '../listeners/serving.ts';
import { serveStdio } from '../listeners/stdio.ts';
import type { McpRequest } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import { Stock, type StockLimits } from '../router/stock.ts';
import { Names } from '../upstreams/names.ts';
import { createReaper } from '../upstreams/reaper.ts';
import { type ChangedFor, Comparisons, UNCHANGED } from './changed.ts';
import { explain } from './explain.ts';
import { buildGeneration, type Generation } from './generation.ts';
import { Keeper } from './keep.ts';
import { createLiveUpstreams } from './live-upstreams.ts';
import { openListeners } from './open-listeners.ts';
import { fileChanges } from './own-code.ts';
import { pluginReport, pluginRows } from './plugin-reports.ts';
import { report } from './report.ts';
import { teardownTime } from './teardown.ts';
import type { Gateway, ReloadResult, World } from './types.ts';
import { warm } from './warm.ts';

export type Started = { ok: true; gateway: Gateway } | { ok: false; diagnostics: readonly Diagnostic[] };

/** Reads the configuration, builds the first generation and opens the listeners; or undoes all of it. */
export async function startGateway(world: World): Promise<Started> {
  const { host } = world;
  const first = await world.read();
  if (!first.ok) return first;
  const seal = createSeal(world.sealKey);
  const gateway = RawObject.of({ name: 'sluice', version: world.version });
  const reaper = createReaper(host.log, world.platform);
  const keeper = new Keeper();
  let current: Generation | undefined;
  const limits = () => (current?.loaded ?? first).config.limits;
  const listenerLimits = ofLatest((all: Limits) => ({ ...all, json: all }));
  const userAgent = `sluice/${world.version}`;
  const live = createLiveUpstreams({
    host,
    seal,
    reaper,
    names: new Names(world.lookUp, host),
    gateway,
    userAgent,
    limits,
    childEnv: world.childEnv,
    readFile: world.readFile,
  });
  const calls = new LiveCalls(host, () => limits().keepAlive);
  const stock = new Stock({ host, shelf: world.shelf, limits: () => stockLimits(limits()) });
  const build = (loaded: typeof first, number: number) =>
    buildGeneration({ number, loaded, world, keeper, live, gateway, seal, stock });

  const built = await build(first, 1);
  if (!built.ok) return built;
  current = built.generation;
  current.takeOver();
  host.metrics.generation.set(1);
  const startedAt = host.now();
  const swaps = new Set<(changed: ChangedFor) => void>();
  const stops = new Set<() => void>();
  const cuts = new Set<() => void>();
  const draining = new Set<Generation>();
  const comparisons = new Comparisons(host);
  /** Ends with the first generation: what is said of it then would be said too late. */
  const warming = new AbortController();
  let accepting = true;
  let pinsSeen = world.pins.version();
  let listeners: HttpListener[] = [];
  let follow: (config: Config) => void = () => {};
  let reloading: Promise<unknown> = Promise.resolve();
  /** Whether what the running text refers to could not be read the last time. */
  let isAway = false;

  const serving: Serving = {
    host,
    gateway,
    seal,
    store: world.sessions,
    live: calls,
    refused: createRefusals(host),
    limits: () => listenerLimits(limits()),
    endpoint: (path, request) => waitingOn(request)?.endpoints.get(path) ?? current?.endpoints.get(path),
    endpointBySse: (path) => [...(current?.endpoints.values() ?? [])].find(({ sse }) => sse === path),
    page: async (request, base) => current?.page(request, base),
    accepting: () => accepting,
    onSwap: (renew) => registered(swaps, renew),
    onStop: (end) => registered(stops, end),
    onCut: (cut) => registered(cuts, cut),
  };

  if (world.listen) {
    const opened = await openListeners(first, serving, world.readFile);
    if (!opened.ok) {
      await current.dispose();
      reaper.close();
      return opened;
    }
    listeners = opened.listeners;
    follow = opened.follow;
  }

  /**
   * The older generation on which the call is parked that this request continues. What can be no call that was parked
   * is judged by the rules of now, whatever state it has.
   */
  function waitingOn(request: McpRequest | undefined): Generation | undefined {
    if (!request || methodRow(request.method)?.asks !== true) return undefined;
    const parked = openParked(seal, request.raw?.string('requestState'));
    return parked && [...draining].find(({ number }) => number === parked.generation);
  }

  async function reload(dryRun: boolean, again: boolean): Promise<ReloadResult> {
    const began = performance.now();
    const before = current as Generation;
    const refused = (diagnostics: readonly Diagnostic[]): ReloadResult => {
      if (again) isAway = true;
      if (!dryRun) host.metrics.lastReloadOk.set(0);
      if (!dryRun) host.metrics.reloads.inc({ outcome: 'refused' });
      return { ok: false, diagnostics, generation: before.number };
    };
    const loaded = await world.read(again ? before.loaded : undefined);
    if (!loaded.ok) return refused(loaded.diagnostics);
    const unread = world.pins.problem();
    if (unread !== undefined)
      return refused([loaded.document.at(['state', 'pins'], { code: 'PINS_UNREADABLE', message: unread })]);
    const planned = planReload(before.loaded, loaded);
    const done = (number: number, plan: Plan): ReloadResult => {
      const ms = performance.now() - began;
      return { ok: true, plan, before: before.number, generation: number, ms, dryRun };
    };
    // A file was written, and says what it said: nobody asked for a reload.
    if (again && planned.changes.length === 0) {
      if (isAway) host.metrics.lastReloadOk.set(1);
      isAway = false;
      return done(before.number, planned);
    }
    const number = before.number + 1;
    const next = await build(loaded, number);
    if (!next.ok) return refused(next.diagnostics);
    const plan = { ...planned, changes: [...planned.changes, ...fileChanges(before, next.generation)] };
    if (dryRun || !accepting) await next.generation.dispose();
    else swap(before, next.generation, plan.changes.length > 0 || hasOwnCode(loaded));
    return done(number, plan);
  }

  /** A plugin's file may have changed although its entry did not. */
  function hasOwnCode({ config }: Loaded): boolean {
    const entries = [...config.pipeline, ...config.upstreams.flatMap(({ pipeline }) => pipeline)];
    return entries.some(({ plugin }) => world.plugins[plugin] === undefined);
  }

  function swap(before: Generation, next: Generation, differs: boolean): void {
    current = next;
    next.takeOver();
    before.handOver();
    follow(next.loaded.config);
    host.metrics.generation.set(next.number);
    host.metrics.lastReloadOk.set(1);
    isAway = false;
    host.metrics.reloads.inc({ outcome: 'taken' });
    // Subscriptions begin anew on the new generation before the old one is asked to go.
    const compared = differs ? comparisons.between(before, next) : UNCHANGED;
    const pins = world.pins.version();
    const changed = pins === pinsSeen ? compared : withTools(compared);
    pinsSeen = pins;
    for (const renew of swaps) renew(changed);
    draining.add(before);
    void retire(before).finally(() => draining.delete(before));
  }

  /** No call is dropped for a reload: one that takes longer than `drain` is named in the log, and waited for. */
  async function retire(old: Generation): Promise<void> {
    old.leave();
    await settledWithin(old.quiet(), old.loaded.config.drain);
    const { number, active } = old;
    if (active > 0)
      host.log.warn('an old generation stays for the calls at work on it', {
        generation: number,
        calls: active,
      });
    await old.quiet();
    await old.dispose();
  }

  let stopping: Promise<void> | undefined;
  async function stop(): Promise<void> {
    accepting = false;
    warming.abort();
    await reloading.catch(() => {});
    for (const end of [...stops]) end();
    for (const listener of listeners) listener.drain();
    for (const upstream of live.all()) upstream.stopping();
    const last = current as Generation;
    last.leave();
    const drained = Promise.all([last, ...draining].map((each) => each.quiet()));
    const { drain } = last.loaded.config;
    if (!(await settledWithin(drained, drain))) {
      host.metrics.timeouts.inc({ kind: 'drain' });
      const calls = [last, ...draining].reduce((sum, { active }) => sum + active, 0);
      host.log.warn('calls took longer than drain allows and are ended', { drain, calls });
    }
    for (const cut of [...cuts]) cut();
    await settledWithin(teardown(last), teardownTime(last.loaded.config));
    world.sessions.close();
    stock.close();
    world.shelf.close();
    reaper.close();
  }

  async function teardown(last: Generation): Promise<void> {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await Promise.all([last, ...draining].map((each) => each.dispose()));
  }

  return {
    ok: true,
    gateway: {
      reload({ dryRun, again = false }) {
        // One at a time: the second sees what the first has made.
        const turn = reloading.then(() => reload(dryRun, again));
        reloading = turn.catch(() => {});
        return turn;
      },
      explain: (method, name, endpoint) => explain(current as Generation, method, name, endpoint),
      plugins: () => pluginRows(current as Generation),
      plugin: (name, asked) => pluginReport(current as Generation, name, asked, host),
      report: () =>
        report({
          generation: current as Generation,
          pins: world.pins,
          startedAt,
          listeners,
          ...host.metrics.load,
          draining: draining.size,
        }),
      calls: (most) => calls.report(most),
      warm: (told) => warm(current as Generation, host, warming.signal, told),
      ready: () => accepting,
      serveStdio: (input, write, peer) =>
        serveStdio(input, write, { path: firstPath(current as Generation), peer }, serving),
      stop() {
        stopping ??= stop();
        return stopping;
      },
    },
  };
}

function stockLimits(limits: Limits): StockLimits {
  const { lists, listAudiences, listTimeout, listPatience, listRetry, listGrace, listRefresh } = limits;
  return {
    size: lists,
    audiences: listAudiences,
    timeout: listTimeout,
    patience: listPatience,
    retry: listRetry,
    grace: listGrace,
    refresh: listRefresh,
  };
}

/** Approvals hold for the generation before, too, so that it shows the same tools by now. */
function withTools(compared: ChangedFor): ChangedFor {
  return async (client, path) => new Set([...(await compared(client, path)), 'toolsListChanged']);
}

function registered<T>(all: Set<T>, one: T): () => void {
  all.add(one);
  return () => void all.delete(one);
}

/** A client on pipes names no path: it gets the first endpoint. */
function firstPath({ endpoints }: Generation): string {
  return endpoints.keys().next().value ?? '/mcp';
}
