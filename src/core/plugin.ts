// What a plugin is. All of this is public: third parties know it as `sluice/plugin`.

import { type output, type ZodType, z } from 'zod';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../lib/duration.ts';
import type { McpNotification, McpRequest, McpResult } from '../protocol/message.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { Principal } from './client.ts';
import type { CallerToken, Exchange } from './exchange.ts';
import type { Emit } from './handler.ts';
import type { IntegrityError } from './integrity.ts';
import type { Log } from './log.ts';
import type { Outbound, Refusal } from './outbound.ts';
import type { Page, PageRequest, ServedEndpoint } from './page.ts';

/** The version of this interface. */
const API = 1;

// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing, at once or later, passes
type Maybe<T> = T | undefined | void | Promise<T | undefined | void>;

/** The gateway as one entry of a pipeline sees it. */
export interface PluginHost {
  /** The `id` of the entry in gateway.yaml. */
  readonly id: string;
  /** The upstream's name inside `upstreams.NAME.pipeline`, else undefined. */
  readonly upstream: string | undefined;
  /** In `shadow` nothing that a hook returns has an effect; a hook must not hold up a call there either. */
  readonly mode: 'enforce' | 'shadow';
  readonly log: Log;
  /** Milliseconds since the epoch. Use it instead of Date.now, so that tests can turn the clock. */
  now(): number;
  /** Where the gateway keeps files of its own, absolute; undefined where it has no such place. */
  readonly stateDir: string | undefined;
  /**
   * Counts something: `sluice_plugin_events_total`. Each of these texts is one of a few that are known beforehand, and
   * none is made from what a client sent.
   * @param by how often, 1 unless it is said
   */
  count(event: string, labels?: { readonly kind?: string; readonly reason?: string }, by?: number): void;
  /** How much there is of something now, such as what waits: `sluice_plugin_level`. Texts as for `count`. */
  level(what: string, value: number): void;
  /** How long something took, in milliseconds: `sluice_plugin_seconds`. Texts as for `count`. */
  took(what: string, ms: number): void;
  /**
   * A value that outlives a reload: made once per key and entry id, given to every later generation, and
   * disposed when no generation asks for it any more.
   */
  keep<T>(key: string, make: () => T, dispose?: (value: T) => void | Promise<void>): T;
  /**
   * Aborts when another configuration has taken over, or this one is undone: what was let in by this entry alone is
   * let in no more. Calls at work go on here, and may still ask its hooks, until `dispose`.
   */
  readonly replaced: AbortSignal;
  /**
   * Takes a secret that the plugin has got, such as a token, out of logs, errors and pages until that time, in
   * milliseconds since the epoch. What stands in its options is taken out anyway.
   */
  hide(value: string, until: number): void;
  /** Counts that a limit of the plugin's options kept something out: `sluice_limit_hits_total{limit}`. */
  limitHit(limit: string): void;
  /**
   * The gateway must not go on: it logs why, lets calls at work end, and its process exits with code 10. From `setup`
   * throw the same error instead: it refuses the start with that code, and a reload.
   */
  fail(fault: IntegrityError): void;
  /**
   * Puts headers into the HTTP answer that carries what `x` is answered: JSON or a stream, a result or an error. Does
   * nothing where none carries it, or where its head is out, or in shadow. With a `rank`, the least one of an answer
   * stays, such as the tightest of all limits that a batch met.
   * @throws Error for headers of the connection, the content, CORS or MCP
   */
  answerHeaders(x: Exchange, headers: Readonly<Record<string, string>>, rank?: number): void;
}

/** Who calls, as a plugin has found out. */
export interface Caller {
  readonly principal: Principal;
  /** What proves it, for plugins that exchange it for another. */
  readonly token?: CallerToken | undefined;
}

/** All optional. Requests run down the file's order; notifications and results run back up. */
export interface Hooks {
  /**
   * Who calls: says it, refuses with an error, or returns nothing where it cannot tell. Asked once for all that one
   * HTTP request brings, before anything is looked up for it, so a refusal is given before any upstream hears of it;
   * plugins above this one see the refusal. On pipes it is asked for each request.
   */
  onCaller?(x: Exchange): Maybe<Caller | McpResult>;
  /** A request: return another one, or a result to answer now, or nothing to pass it on. Throwing refuses. */
  onRequest?(request: McpRequest, x: Exchange, emit: Emit): Maybe<McpRequest | McpResult>;
  /** A notification on its way to the client: another one, null to drop it, or nothing to pass it on. */
  onNotification?(note: McpNotification, x: Exchange, emit: Emit): Maybe<McpNotification | null>;
  /** The result, exactly once, for every request this plugin let pass. */
  onResult?(result: McpResult, x: Exchange, emit: Emit): Maybe<McpResult>;
  /**
   * Set where `onResult` needs no more of a result than that it comes. Results that are passed on as they come are
   * given to it then (`result.streams`; `raw` has its first short members alone); else they are held for it, up to
   * `limits.response`.
   */
  readonly streams?: boolean;
  /**
   * The last bytes to an upstream: return them with headers added, or nothing, or an error result, with which the
   * message is not sent. Runs again on a retry. In an upstream's pipeline it runs for what the gateway says by itself
   * as well, on an exchange of the gateway's own.
   */
  onSend?(outbound: Outbound, x: Exchange): Maybe<Outbound | McpResult>;
  /**
   * The upstream turned a message away with 401. True where `onSend` gives something else now: then the message is
   * sent once more, and never a third time.
   */
  onRefused?(refusal: Refusal, x: Exchange): boolean | Promise<boolean>;
  /**
   * The headers of the caller's request that what `onSend` adds depends on, beside the principal; lower case. Callers
   * that differ in nothing else share answers. Absent: it may depend on any.
   */
  readonly passesOn?: readonly string[];
  /**
   * Headers of a caller's request that the plugin itself reads, such as one that proves who calls; lower case. Pages of
   * allowed origins may send them.
   */
  readonly takes?: readonly string[];
  /** Set where what `onSend` adds is each caller's own: then no link to the upstream serves two principals. */
  readonly perCaller?: boolean;
  /**
   * Once, after the last byte to the client; in an upstream's pipeline, after that upstream's result. Changes
   * nothing: the place to clear timers and to count.
   */
  onClose?(x: Exchange, result: McpResult): void;
  /**
   * Answers an HTTP request for a path that is no endpoint, to anybody: it passes no pipeline.
   * @param endpoints those this entry is for; of each listener that the request has come to
   */
  onHttp?(request: PageRequest, endpoints: readonly ServedEndpoint[]): Maybe<Page>;
  /**
   * What the operator is told: `GET /plugins/ID` on the admin socket.
   * @param asked the query of that request
   */
  report?(asked: Readonly<Record<string, string>>): JsonValue | Promise<JsonValue>;
  /** After the last exchange of this generation. */
  dispose?(): void | Promise<void>;
}

/** Where an entry stands, as far as its options may be judged by it. */
export interface EntryPlace {
  /** The upstream's name inside `upstreams.NAME.pipeline`, else undefined. */
  readonly upstream: string | undefined;
  /** The URLs of that upstream; none where it is a process. */
  readonly urls: readonly string[];
  /** As `PluginHost` has it. */
  readonly stateDir: string | undefined;
  now(): number;
  /** Whether servers that the options name may be asked: for `sluice check --connect` alone. */
  readonly connect?: boolean | undefined;
}

/** What is wrong with options that the schema takes. */
export interface OptionProblem {
  /** One line that repeats no value. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string | undefined;
  /** Where, from the options on: `['keys', 0]`. Default: the entry. */
  readonly path?: readonly (string | number)[];
  /** A warning refuses nothing. Default: `error`. */
  readonly severity?: 'error' | 'warning';
}

export interface Plugin<S extends ZodType = ZodType> {
  /** How gateway.yaml names a built-in; for a file only a label. */
  readonly name: string;
  /** The version of this interface the plugin was written for. */
  readonly api: 1;
  /** One sentence for `sluice explain` and the reference page. */
  readonly about: string;
  /** The options of an entry, as a zod schema; wrong options refuse the configuration at their line. */
  readonly schema: S;
  /**
   * What only a look at the world can tell: keys that are past their time, a file that is not there. Run by
   * `sluice check`, and before each `setup`. May look, and opens and changes nothing.
   */
  check?(options: output<S>, place: EntryPlace): readonly OptionProblem[] | Promise<readonly OptionProblem[]>;
  /** May open things. Throwing refuses the configuration at the entry's line. */
  setup(options: output<S>, host: PluginHost): Hooks | Promise<Hooks>;
}

/** Any plugin, whatever its options. */
// biome-ignore lint/suspicious/noExplicitAny: the options' type is the plugin's own affair; its schema guards it
export type AnyPlugin = Plugin<any>;

/** Types a plugin. `export default definePlugin({ … })` is all a plugin file needs. */
export function definePlugin<S extends ZodType>(plugin: Plugin<S>): Plugin<S> {
  return plugin;
}

/**
 * What a plugin file exports by default, checked.
 * @throws Error with the rest of a sentence about the file: `exports no default plugin (…)`
 */
export function asPlugin(value: unknown): AnyPlugin {
  const how = 'use `export default definePlugin({...})`';
  if (value === undefined || value === null) throw new Error(`exports no default plugin (${how})`);
  if (typeof value !== 'object')
    throw new Error(`exports a ${typeof value} by default, not a plugin (${how})`);
  const { name, api, about, schema, setup, check } = value as Partial<Record<keyof AnyPlugin, unknown>>;
  if (typeof api === 'number' && api !== API)
    throw new Error(`is written for plugin api ${api}, this is ${API}`);
  const members: [string, boolean][] = [
    ['name (text)', typeof name === 'string' && name !== ''],
    [`api (${API})`, api === API],
    ['about (text)', typeof about === 'string'],
    ['schema (a zod 4 schema)', typeof schema === 'object' && schema !== null && '_zod' in schema],
    ['setup (a function)', typeof setup === 'function'],
    ['check (a function)', check === undefined || typeof check === 'function'],
  ];
  const missing = members.filter(([, isThere]) => !isThere).map(([member]) => member);
  if (missing.length > 0) throw new Error(`exports a plugin without ${missing.join(', ')} (${how})`);
  return value as AnyPlugin;
}

/**
 * What `setup` returned, checked: a hook whose name is misspelt would never run.
 * @throws Error with the rest of a sentence about the plugin
 */
export function asHooks(value: unknown): Hooks {
  if (typeof value !== 'object' || value === null) throw new Error('returns no hooks from setup');
  for (const [name, hook] of Object.entries(value)) {
    const known: readonly string[] = HOOKS;
    if (!known.includes(name) && (name.startsWith('on') || typeof hook === 'function')) {
      throw new Error(
        `returns a hook "${name}" from setup, which nobody calls (there are ${HOOKS.join(', ')})`,
      );
    }
    if (known.includes(name) && hook !== undefined && typeof hook !== 'function') {
      throw new Error(`returns "${name}" from setup, which is not a function`);
    }
  }
  return value as Hooks;
}

const HOOKS = [
  'onHttp',
  'onCaller',
  'onRequest',
  'onNotification',
  'onResult',
  'onSend',
  'onRefused',
  'onClose',
  'report',
  'dispose',
] as const;

/** The longest wait a timer can hold: 2^31 - 1 ms. */
const LONGEST = 2_147_483_647;

/**
 * An option that is a duration with a unit: `duration('100ms', { description: '…' })`. Gives milliseconds.
 * @param preset the default, as it would be written
 * @param min least number of milliseconds
 * @param max most of them
 */
export function duration(
  preset: string,
  about: { description: string; examples?: unknown[] },
  min = 0,
  max = LONGEST,
) {
  const wrong = 'not a duration: write a number with ms, s, m, h or d, such as 250ms';
  const problem = (ms: number | undefined): string | undefined => {
    if (ms === undefined) return wrong;
    if (ms < min) return `must be at least ${formatDuration(min)}`;
    return ms > max ? `must be at most ${max === LONGEST ? '24d' : formatDuration(max)}` : undefined;
  };
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number' ? `${input} has no unit: write ${input}ms or ${input}s` : wrong,
    })
    .meta({ pattern: DURATION_PATTERN, examples: [preset], ...about })
    .refine((text) => problem(parseDuration(text)) === undefined, {
      error: ({ input }) => problem(parseDuration(String(input))),
    })
    .transform((text) => parseDuration(text) ?? 0)
    .prefault(preset);
}
