// A plugin in a pipeline of its own: the real runner around a scripted upstream, with a clock that is turned.
// Must not know any plugin.

import { type input, type ZodType, z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { checkAnswerHeaders } from '../core/http-answer.ts';
import type { IntegrityError } from '../core/integrity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Page, PageRequest, ServedEndpoint } from '../core/page.ts';
import { asHooks, asPlugin, type Hooks, type Plugin, type PluginHost } from '../core/plugin.ts';
import type { Step } from '../core/step.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { Call, LogLine, Outcome, Running } from './call.ts';
import { Clock, realTimeout } from './clock.ts';
import { Keeps, recordingLog } from './host.ts';
import { type Stage, startCall } from './running.ts';

/** What stands beside the plugin's options in gateway.yaml. */
export interface TestEntry {
  /** Default: the plugin's name. */
  readonly id?: string;
  readonly mode?: 'enforce' | 'shadow';
  readonly on_error?: 'refuse' | 'pass';
  /** Milliseconds a hook may take. Default: 5000. */
  readonly timeout?: number;
  /** `host.stateDir`. Default: there is none. */
  readonly stateDir?: string;
  /** Puts the plugin into this upstream's own pipeline. */
  readonly upstream?: string;
  /** What `check` is told of that upstream. */
  readonly urls?: readonly string[];
  /** Real milliseconds after which `call` gives up a call that waits for the clock. Default: 1000. */
  readonly patience?: number;
}

/** A plugin, set up. `await using` disposes it at the end of the test. */
export interface Harness extends AsyncDisposable {
  /** Makes a call and waits for its end. */
  call(call: Call): Promise<Outcome>;
  /** Makes a call and goes on, so that the clock can be turned or the call cancelled meanwhile. */
  start(call: Call): Running;
  /** Turns the clock that `host.now`, setTimeout and setInterval go by. */
  advance(ms: number): Promise<void>;
  /** Milliseconds since the epoch, by that clock. */
  now(): number;
  /** Timers that wait for that clock. */
  readonly timers: number;
  /** All that was logged so far. */
  readonly log: readonly LogLine[];
  /** How often it has counted something: `count('hit', { kind: 'a' })` is under `hit{kind=a}`. */
  readonly counts: ReadonlyMap<string, number>;
  /** How much there is of something, as it said last. */
  readonly levels: ReadonlyMap<string, number>;
  /** With what it has said that the gateway must not go on. */
  readonly faults: readonly IntegrityError[];
  /** What the plugin serves at a path that is no endpoint. */
  page(
    path: string,
    options?: Partial<PageRequest> & { endpoints?: readonly ServedEndpoint[] },
  ): Promise<Page | undefined>;
  /** What the plugin tells the operator. @param asked the query of the request */
  report(asked?: Readonly<Record<string, string>>): Promise<JsonValue | undefined>;
  /** The value the plugin keeps under a key. @throws Error when there is none */
  kept(key: string): unknown;
  /** Sets the plugin up anew, as a reload with these options does; calls on their way stay with the old hooks. */
  reload(options?: unknown): Promise<void>;
  /** Calls the plugin's `dispose`. */
  dispose(): Promise<void>;
}

/** 2027-01-15T08:00:00Z. */
const START = 1_800_000_000_000;

/**
 * Sets a plugin up for a test, as an entry of gateway.yaml does.
 * @param options as they would be written in gateway.yaml
 * @throws Error when it is no plugin, when its schema or its check refuses the options, or when its setup throws
 */
export async function testPlugin<S extends ZodType>(
  plugin: Plugin<S>,
  options?: input<S>,
  entry: TestEntry = {},
): Promise<Harness> {
  const bench = benchOf(checked(plugin), entry);
  const { clock, log, keeps } = bench;
  let hooks = await setUp(bench, options);
  let calls = 0;
  const start = (call: Call): Running =>
    startCall(call, `call-${++calls}`, { ...bench, step: stepOf(bench, hooks) });
  const dispose = async (): Promise<void> => {
    bench.replaced.abort();
    await clock.run(async () => hooks.dispose?.());
    keeps.forget();
    await keeps.sweep();
  };
  return {
    start,
    call: (call) => impatiently(start(call).outcome, clock, entry.patience ?? 1_000),
    advance: (ms) => clock.advance(ms),
    now: bench.host.now,
    get timers() {
      return clock.waiting.length;
    },
    log,
    counts: bench.counts,
    levels: bench.levels,
    faults: bench.faults,
    page: (path, { endpoints = ENDPOINTS, ...request } = {}) =>
      clock.run(async () => (await hooks.onHttp?.({ ...GET, ...request, path }, endpoints)) ?? undefined),
    report: (asked = {}) => clock.run(async () => hooks.report?.(asked)),
    kept: (key) => keeps.get(key),
    async reload(next = options) {
      const old = hooks;
      const { replaced } = bench;
      hooks = await setUp(bench, next);
      await clock.run(async () => replaced.abort());
      await clock.run(async () => old.dispose?.());
      await keeps.sweep();
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** All that stays the same over reloads. */
interface Bench extends Omit<Stage, 'step'> {
  readonly plugin: Plugin;
  readonly id: string;
  readonly entry: TestEntry;
  readonly keeps: Keeps;
  /** Of the last setup: `host.replaced`. */
  replaced: AbortController;
  readonly counts: Map<string, number>;
  readonly levels: Map<string, number>;
  readonly faults: IntegrityError[];
}

const GET = { method: 'GET', query: '', headers: new Headers() };
const ENDPOINTS: readonly ServedEndpoint[] = [
  { path: '/mcp', url: 'https://gateway.example/mcp', endpoint: '/mcp' },
];

/** `host.count`, into a map. */
function counting(counts: Map<string, number>): PluginHost['count'] {
  return (event, labels = {}, by = 1) => {
    const said = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const key = said.length > 0 ? `${event}{${said.join(',')}}` : event;
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
}

/** Figures that nobody reads; their library would be most of the kit. */
const UNCOUNTED = new Proxy({}, { get: () => ({ inc() {}, dec() {}, set() {}, observe() {} }) }) as Metrics;

function benchOf(plugin: Plugin, entry: TestEntry): Bench {
  const clock = new Clock(START);
  const log: LogLine[] = [];
  const host: Host = { log: recordingLog(log), metrics: UNCOUNTED, now: () => clock.now() };
  const { id = plugin.name, upstream } = entry;
  const fresh = {
    keeps: new Keeps(),
    replaced: new AbortController(),
    failures: new WeakMap<Exchange, unknown[]>(),
    counts: new Map<string, number>(),
    levels: new Map<string, number>(),
    faults: [],
  };
  return { plugin, id, entry, upstream, clock, log, host, ...fresh };
}

async function setUp(bench: Bench, raw: unknown): Promise<Hooks> {
  const { plugin, id, entry, upstream, clock, host, keeps, counts: counted, levels, faults } = bench;
  const options = optionsOf(plugin, raw ?? {});
  const log = host.log.with({ plugin: id });
  const keep: PluginHost['keep'] = (key, make, dispose) => keeps.keep(key, make, dispose);
  keeps.forget();
  const replaced = new AbortController();
  const { now } = host;
  const count = counting(counted);
  const limitHit = (limit: string): void => count(limit);
  const fail = (fault: IntegrityError): void => void faults.push(fault);
  const level = (what: string, value: number): void => void levels.set(what, value);
  const answerHeaders: PluginHost['answerHeaders'] = ({ inbound }, headers, rank) => {
    if (mode === 'shadow') checkAnswerHeaders(headers);
    else inbound.answer?.offer(headers, id, rank);
  };
  const { mode = 'enforce', stateDir } = entry;
  const counts = { count, level, took() {}, limitHit, hide() {} };
  const given = {
    id,
    upstream,
    mode,
    log,
    now,
    stateDir,
    ...counts,
    fail,
    keep,
    answerHeaders,
    replaced: replaced.signal,
  };
  const place = { upstream, urls: entry.urls ?? [], stateDir, now };
  const problems = await clock.run(async () => (await plugin.check?.(options, place)) ?? []);
  const wrong = problems.find(({ severity }) => severity !== 'warning');
  if (wrong) throw new Error([wrong.message, wrong.hint].filter(Boolean).join(': '));
  const hooks = asHooks(await clock.run(() => plugin.setup(options, given)));
  bench.replaced = replaced;
  return hooks;
}

function stepOf({ id, entry, failures }: Bench, hooks: Hooks): Step {
  return {
    id,
    hooks: recording(hooks, failures),
    mode: entry.mode ?? 'enforce',
    onError: entry.on_error ?? 'refuse',
    timeout: entry.timeout ?? 5_000,
    applies: () => true,
  };
}

function checked<S extends ZodType>(plugin: Plugin<S>): Plugin {
  try {
    return asPlugin(plugin);
  } catch (error) {
    throw new TypeError(`testPlugin takes the default export of a plugin file; this ${messageOf(error)}`);
  }
}

function optionsOf(plugin: Plugin, given: unknown): unknown {
  const parsed = plugin.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(`The options do not fit the schema of "${plugin.name}":\n${z.prettifyError(parsed.error)}`);
}

/** The hooks, with what they throw noted under the exchange it was thrown for. */
function recording(hooks: Hooks, failures: WeakMap<Exchange, unknown[]>): Hooks {
  const noted = (hook: (...args: unknown[]) => unknown) =>
    function (this: unknown, ...args: unknown[]): unknown {
      const note = (error: unknown): never => {
        for (const x of args) if (x instanceof Exchange) failures.get(x)?.push(error);
        throw error;
      };
      try {
        const value = hook.apply(hooks, args);
        return value instanceof Promise ? value.catch(note) : value;
      } catch (error) {
        return note(error);
      }
    };
  const entries = Object.entries(hooks).map(([name, hook]) => [
    name,
    typeof hook === 'function' ? noted(hook) : hook,
  ]);
  return Object.fromEntries(entries) as Hooks;
}

/** A call that waits for a clock nobody turns would run into the time limit of the test, which says nothing. */
async function impatiently(outcome: Promise<Outcome>, clock: Clock, patience: number): Promise<Outcome> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = realTimeout(() => {
    const [next] = clock.waiting;
    if (next === undefined) return;
    const why = `The call has not ended and the next timer is due in ${next} ms, but call() does not turn the clock.`;
    reject(new Error(`${why} Use start(), then advance(${next}), then await its outcome.`));
  }, patience);
  try {
    return await Promise.race([outcome, promise]);
  } finally {
    stop();
  }
}
