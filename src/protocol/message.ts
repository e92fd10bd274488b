// The neutral model: a request, its notifications, its result, in the shape of revision 2026-07-28.
// Every message keeps the JSON text it came with; `params` and `value` are parsed when somebody looks.
// Knows nothing of transports, sessions or the initialize handshake.

import { type RawJson, RawObject } from './raw.ts';
import type { Rest } from './rest.ts';
import type { JsonObject, JsonValue } from './values.ts';

/** Two behaviour families of the wire: with the initialize handshake, and without it. */
export type Era = '2025' | '2026';

/** Members to replace; `undefined` removes one. What is not named keeps its bytes. */
export interface Changes {
  readonly [member: string]: JsonValue | RawJson | RawObject | undefined;
}

const EMPTY = RawObject.trusted('{}');

/** What the client said about this one request, beside its parameters. */
export interface RequestMeta {
  /** The caller's progress token as JSON text (`7`, `"a"`), absent when it wants no progress. */
  readonly progressToken?: string | undefined;
  /** Least severe log message the caller wants; absent means none. */
  readonly logLevel?: string | undefined;
}

/** One client request. Immutable: `with` makes another. */
export class McpRequest {
  /** @param raw the params object, or undefined where the message had none */
  constructor(
    readonly method: string,
    readonly raw: RawObject | undefined,
    readonly meta: RequestMeta = {},
  ) {}

  /** The parameters, parsed and frozen; `{}` where there were none. */
  get params(): JsonObject {
    return (this.raw ?? EMPTY).value;
  }

  /** A copy with some parameters replaced. */
  with(changes: Changes): McpRequest {
    return new McpRequest(this.method, (this.raw ?? EMPTY).with(changes), this.meta);
  }
}

/** One notification on its way to a client. Immutable. */
export class McpNotification {
  constructor(
    readonly method: string,
    readonly raw: RawObject | undefined,
  ) {}

  get params(): JsonObject {
    return (this.raw ?? EMPTY).value;
  }

  with(changes: Changes): McpNotification {
    return new McpNotification(this.method, (this.raw ?? EMPTY).with(changes));
  }

  static of(method: string, params: JsonObject): McpNotification {
    return new McpNotification(method, RawObject.of(params));
  }
}

/**
 * How a request ended.
 * `complete`: `raw` is the result object · `input_required`: the result object with `inputRequests` and
 * `requestState` (2026-07-28, patterns/mrtr) · `error`: the JSON-RPC error object `{ code, message, data? }`.
 */
export class McpResult {
  constructor(
    readonly kind: 'complete' | 'input_required' | 'error',
    readonly raw: RawObject,
    /** HTTP status for a gateway-made error that reaches an HTTP client before any byte is out. */
    readonly http?: number | undefined,
    /** Response headers that belong to that status, such as WWW-Authenticate or Retry-After. */
    readonly headers?: Readonly<Record<string, string>> | undefined,
    /** Whether who made it is settled: `_meta` says so, or its server chose not to. */
    readonly signed = false,
    /**
     * Set where the result is too long to be held and is passed on as it comes: its bytes. `raw` then has no more
     * than those of its first members that are short.
     */
    readonly rest?: Rest | undefined,
    /** Why it is an error, for the log of the gateway alone: words of a closed list, and nothing of a credential. */
    readonly why?: Readonly<Record<string, string>> | undefined,
  ) {}

  get value(): JsonObject {
    return this.raw.value;
  }

  /** Whether it is passed on as it comes, and `raw` and `value` are not the whole of it. */
  get streams(): boolean {
    return this.rest !== undefined;
  }

  with(changes: Changes): McpResult {
    const raw = this.raw.with(changes);
    if (raw === this.raw && !this.rest) return this;
    return new McpResult(
      this.kind,
      raw,
      this.http,
      this.headers,
      this.signed,
      this.rest?.with(changes),
      this.why,
    );
  }

  /** The same with response headers beside those it has, such as WWW-Authenticate. */
  withHeaders(headers: Readonly<Record<string, string>>): McpResult {
    const all = { ...this.headers, ...headers };
    return new McpResult(this.kind, this.raw, this.http, all, this.signed, this.rest, this.why);
  }

  /** The same with what the log says of it beside its code, as `{ reason: 'expired' }`. */
  withWhy(why: Readonly<Record<string, string>>): McpResult {
    return new McpResult(this.kind, this.raw, this.http, this.headers, this.signed, this.rest, why);
  }

  /** The same, of which more is to come. */
  followedBy(rest: Rest | undefined): McpResult {
    return rest ? new McpResult(this.kind, this.raw, this.http, this.headers, this.signed, rest) : this;
  }

  static complete(value: JsonObject | RawObject): McpResult {
    return new McpResult('complete', value instanceof RawObject ? value : RawObject.of(value));
  }

  static error(error: { code: number; message: string; data?: JsonValue }, http?: number): McpResult {
    return new McpResult('error', RawObject.of({ ...error }), http);
  }

  /** The JSON-RPC error code, or undefined when this is no error. */
  get code(): number | undefined {
    const code = this.kind === 'error' ? this.raw.get('code') : undefined;
    return typeof code === 'number' ? code : undefined;
  }
}

/** The members of `params._meta` that belong to a revision, not to the application (2026-07-28 basic §_meta). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  progressToken: 'progressToken',
} as const;

/**
 * `object` with members of its `_meta` replaced. A `_meta` that ends up empty is removed, and none is made
 * when there is nothing to put into it.
 */
export function withMeta(object: RawObject | undefined, changes: Changes): RawObject | undefined {
  const before = object?.object('_meta');
  const after = (before ?? EMPTY).with(changes);
  if (after.keys().length === 0) {
    return before === undefined || object === undefined ? object : object.with({ _meta: undefined });
  }
  return after === before ? object : (object ?? EMPTY).with({ _meta: after });
}

/** A result with who made it (2026-07-28 basic §_meta), unless that is settled. Errors have no place for it. */
export function signedBy(result: McpResult, info: RawObject): McpResult {
  const { kind, raw, http, headers, signed, rest } = result;
  if (signed || kind === 'error') return result;
  // What has not come yet may have a `_meta` of its own.
  if (rest && !raw.has('_meta')) return result;
  const isSaid = raw.object('_meta')?.has(META.serverInfo) ?? false;
  const told = isSaid ? raw : (withMeta(raw, { [META.serverInfo]: info }) ?? raw);
  const rested = told === raw ? rest : rest?.with({ _meta: told.object('_meta') });
  return new McpResult(kind, told, http, headers, true, rested);
}
