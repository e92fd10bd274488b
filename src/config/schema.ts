// The one schema of gateway.yaml and the shape the program gets. Each section's text is in sections/.
// Reads nothing and resolves nothing: relations between fields are in relations.ts, paths and secrets in settle.ts.
import { z } from 'zod';
import type { NameTemplate } from '../lib/name-template.ts';
import type { JsonObject } from '../protocol/values.ts';
import { fault } from './fields.ts';
import type { ListenAddress } from './listen.ts';
import type { Secret } from './secret.ts';
import type { Cache } from './sections/cache.ts';
import type { Concurrency } from './sections/concurrency.ts';
import { endpoints } from './sections/endpoints.ts';
import { listeners } from './sections/listeners.ts';
import type { ParsedPin } from './sections/pin.ts';
import { type Mode, type OnError, pipeline, type When } from './sections/pipeline.ts';
import type { Retry } from './sections/retry.ts';
import { admin, drain, type Limits, type Log, limits, state, telemetry } from './sections/service.ts';
import type { BalanceField, BreakerField, HealthField, NetworkField } from './sections/targets.ts';
import {
  type Era,
  type Instances,
  type Restart,
  type Sessions,
  type Timeouts,
  upstreams,
} from './sections/upstreams.ts';

export const schema = z
  .strictObject({
    version: z
      .literal(1, {
        error: fault('VERSION_UNKNOWN', 'this version of the format is not known', 'write version: 1'),
      })
      .meta({ description: 'Version of this file’s format.', examples: [1] })
      .optional(),
    listeners,
    endpoints,
    upstreams,
    pipeline,
    admin,
    state,
    telemetry,
    limits,
    drain,
  })
  .meta({ title: 'gateway.yaml', description: 'Configuration of the Sluice MCP gateway.' });

/** What the schema makes of a document, before paths, secrets and relations are settled. */
export type Parsed = z.output<typeof schema>;

/** Place of a value in the document: keys and list positions from the top. */
export type Path = readonly (string | number)[];

export type { ListenAddress } from './listen.ts';
export type { Mode, OnError, When } from './sections/pipeline.ts';
export type { Limits, Log } from './sections/service.ts';
export type { Era, Instances, Kind, Restart, Sessions, Timeouts } from './sections/upstreams.ts';

/** The whole configuration. Durations are milliseconds, sizes bytes, file paths absolute. */
export interface Config {
  readonly listeners: readonly Listener[];
  readonly endpoints: readonly Endpoint[];
  readonly upstreams: readonly Upstream[];
  readonly pipeline: readonly Entry[];
  readonly admin: {
    readonly listen: ListenAddress | 'off';
    /** `undefined`: the caller chooses. */
    readonly socket: string | 'off' | undefined;
  };
  /** `dir` undefined: the caller chooses. */
  readonly state: {
    readonly dir: string | undefined;
    /** Absolute; undefined: in `dir`. */
    readonly pins: string | undefined;
    readonly size: number;
    readonly lists: number;
    readonly busy: number;
  };
  readonly telemetry: { readonly log: Log };
  readonly limits: Limits;
  readonly drain: number;
}

export type Listener = HttpListener | { readonly kind: 'stdio' };

export interface HttpListener {
  readonly kind: 'http';
  readonly listen: ListenAddress;
  /** The public URL, without a slash at its end. */
  readonly url: string | undefined;
  /** Accepted Host headers beside the address itself. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  /** Mode bits of the socket file; only with a unix address. */
  readonly mode: number | undefined;
  readonly tls: ListenerTls | undefined;
}

export interface ListenerTls extends PairSource {
  /** By server name. */
  readonly hosts: Readonly<Record<string, PairSource>>;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly client: { readonly ca: PemSource; readonly require: boolean } | undefined;
  /** Between two looks at the files, milliseconds. */
  readonly look: number;
}

export interface UpstreamTls {
  readonly ca: PemSource | undefined;
  readonly pair: PairSource | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly serverName: string | undefined;
  /** Between two looks at the files, milliseconds. */
  readonly look: number;
}

export interface PairSource {
  readonly cert: PemSource;
  readonly key: PemSource;
}

/** A file by its absolute path, or the text itself. */
export type PemSource = { readonly path: string } | { readonly text: Secret };

export interface Endpoint {
  /** Begins with `/`. */
  readonly path: string;
  /** Names, `'*'` already replaced by all of them in the order of the file. */
  readonly upstreams: readonly string[];
  /** How names are made; undefined where they stay as the upstreams have them. `auto` already decided. */
  readonly template: NameTemplate | undefined;
  /** Whether names that some clients do not take get a short form. `auto` already decided. */
  readonly shortNames: boolean;
  /** Names for single tools, which stand for any other of theirs. */
  readonly aliases: readonly Alias[];
  readonly collisions: 'first' | 'refuse' | 'prefix';
  readonly tools: Rules | undefined;
  readonly prompts: Rules | undefined;
  readonly resources: Rules | undefined;
  readonly maxTools: number | undefined;
  /** How tools are shown; undefined: all of them, listed. */
  readonly search: { readonly hits: number; readonly also: readonly string[] | undefined } | undefined;
  /** Empty: everybody sees everything. */
  readonly views: readonly View[];
  /** Path of its HTTP+SSE listener, unlike any other path. `auto` already decided; undefined where there is none. */
  readonly sse: string | undefined;
}

export interface Alias {
  readonly name: string;
  readonly upstream: string;
  /** The upstream's own name for the tool. */
  readonly own: string;
}

/** Patterns with `*`. */
export interface Rules {
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

export interface View {
  readonly for?: Callers | undefined;
  readonly tools?: Rules | undefined;
  readonly prompts?: Rules | undefined;
  readonly resources?: Rules | undefined;
}

/** All that is given must match. */
export interface Callers {
  readonly principals?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** What of an upstream is there, and how it is changed, on every endpoint. */
export interface Offer {
  readonly tools: Rules | undefined;
  readonly prompts: Rules | undefined;
  readonly resources: Rules | undefined;
  /** By the upstream's own names. */
  readonly overrides: Readonly<Record<string, Override>>;
}

export interface Override {
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly arguments?: JsonObject | undefined;
}

interface UpstreamBase {
  readonly name: string;
  readonly offer: Offer;
  readonly era: Era;
  readonly timeouts: Timeouts;
  readonly concurrency: Concurrency;
  readonly cache: Cache;
  readonly breaker: BreakerField;
  readonly retry: Retry;
  /** What becomes of tools whose definition is not the approved one. */
  readonly pin: ParsedPin;
  /** Whether clients are given its URIs as they are. */
  readonly uris: 'keep' | 'wrap';
  /** Beginnings of URIs that are its own. */
  readonly owns: readonly string[];
  readonly pipeline: readonly Entry[];
  readonly path: Path;
}

export interface BuiltinUpstream extends UpstreamBase {
  readonly kind: 'builtin';
  readonly builtin: 'demo';
}

export interface UrlUpstream extends UpstreamBase {
  readonly kind: 'url';
  /** One at least: absolute http(s) URLs without user name, password or fragment. */
  readonly urls: readonly string[];
  /** Where the names of `urls` may lead. */
  readonly network: NetworkField;
  readonly tls: UpstreamTls | undefined;
  readonly balance: BalanceField;
  readonly health: HealthField;
  /** Streamable HTTP, HTTP+SSE, or whichever it turns out to be. */
  readonly transport: 'auto' | 'http' | 'sse';
  /** Names as written, unique whatever their case. */
  readonly headers: Readonly<Record<string, Secret>>;
  readonly sessions: Sessions;
}

export interface CommandUpstream extends UpstreamBase {
  readonly kind: 'command';
  /** A program to look up in PATH, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, Secret>>;
  readonly cwd: string | undefined;
  readonly instances: Instances;
  readonly restart: Restart;
  /** Milliseconds between closing stdin and TERM. */
  readonly stop: number;
  /** Milliseconds between TERM and KILL. */
  readonly kill: number;
}

export type Upstream = BuiltinUpstream | UrlUpstream | CommandUpstream;

/** One plugin of a pipeline. */
export interface Entry {
  /** Name of a built-in, or absolute path of a plugin file. */
  readonly plugin: string;
  /**
   * As written, references read; checked by the plugin's own schema (`readOptions` in options.ts). A dump of it
   * (JSON.stringify, inspect) shows references instead of what they stand for.
   */
  readonly options: JsonObject | null;
  /** Unique in its pipeline; the plugin's name unless given. */
  readonly id: string;
  readonly when: When | undefined;
  readonly mode: Mode;
  readonly onError: OnError;
  /** Longest one hook may take, milliseconds. */
  readonly timeout: number;
  /** Place of the entry in the document, for later errors. */
  readonly path: Path;
}
