// What a test says of one call, and what came of it. Types, and how they become messages.

import { ANONYMOUS, type Client, type Principal } from '../core/client.ts';
import { Exchange, type Inbound, type Thing } from '../core/exchange.ts';
import type { Fact } from '../core/facts.ts';
import { HttpAnswer } from '../core/http-answer.ts';
import type { LogFields } from '../core/log.ts';
import type { Outbound } from '../core/outbound.ts';
import type { Route } from '../core/route.ts';
import { McpNotification, McpRequest, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';

/** A JSON object, or its text where the bytes matter: `'{"progress": 1.0}'`. */
export type Json = JsonObject | string;

export interface Note {
  readonly method: string;
  readonly params?: Json;
}

/** One call of a client, and what the upstream does with it. */
export interface Call {
  readonly method: string;
  readonly params?: Json;
  /** What the client wants progress under. */
  readonly progressToken?: string | number;
  /** Least severe log message the client wants. */
  readonly logLevel?: string;
  /** Who calls: an id, or more of it. Default: `anonymous`. */
  readonly principal?: string | Partial<Principal>;
  readonly client?: Partial<Pick<Client, 'era' | 'version' | 'transport'>> & {
    readonly info?: JsonObject;
    readonly capabilities?: JsonObject;
  };
  /** HTTP headers of the client's request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The client's address. */
  readonly remote?: string;
  /** What else the listener says of how it came. Default: a POST to `https://gateway.example/mcp`. */
  readonly inbound?: Partial<Inbound>;
  /** Where the call goes. Default: to the upstream called `upstream`. */
  readonly route?: Route;
  /** Runs first; the place to set facts that another plugin would have set. */
  readonly before?: (x: Exchange) => void;
  /** What the upstream sends before its result. */
  readonly notes?: readonly (Note | McpNotification)[];
  /** The upstream's result. Default: `{ content: [] }`. */
  readonly result?: JsonObject | McpResult;
  /** The upstream as a function, in the place of `notes` and `result`, where its timing matters. */
  readonly upstream?: (upstream: ScriptedUpstream) => Answer | Promise<Answer>;
  /** How often the message leaves for the upstream; 2 is a retry. Default: 1. */
  readonly attempts?: number;
  /** How the client takes a notification: a promise is a client that takes its time. Default: at once. */
  readonly take?: (note: McpNotification) => Promise<void> | undefined;
}

export type Answer = JsonObject | McpResult;

export interface ScriptedUpstream {
  /** The request as the pipeline left it. */
  readonly request: McpRequest;
  /** Aborts when the client cancels. */
  readonly signal: AbortSignal;
  /** Sends a notification to the client; awaiting it waits for the client. */
  emit(note: Note | McpNotification): Promise<void>;
  /** Waits until the clock has been turned so far. */
  wait(ms: number): Promise<void>;
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** What came of a call. */
export interface Outcome {
  /** What the client gets. */
  readonly result: McpResult;
  /** What the client got before it, in order. */
  readonly notes: readonly McpNotification[];
  /** What plugins put into the head of the HTTP answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** What was sent after the result. Always a mistake: nobody reads it. */
  readonly late: readonly McpNotification[];
  /** The request as it reached the upstream; undefined when a plugin answered or refused. */
  readonly request: McpRequest | undefined;
  /** What left for the upstream, after onSend. */
  readonly sent: readonly Outbound[];
  /** Log lines of the plugin and of the pipeline during the call. */
  readonly log: readonly LogLine[];
  /** What hooks threw. The pipeline tells the client only that the plugin failed. */
  readonly failures: readonly unknown[];
  /** A fact of the exchange. */
  get<T>(fact: Fact<T>): T | undefined;
  /** Whether the plugin lets a thing exist for this call: what `x.narrow` comes to. */
  shows(thing: Thing): boolean;
}

/** A call on its way. */
export interface Running {
  /** What the client got so far. */
  readonly notes: readonly McpNotification[];
  readonly outcome: Promise<Outcome>;
  /** The client cancels, or goes away. */
  cancel(): void;
}

const LIMITS = { depth: 512, keys: 1_000_000, string: 2 ** 28 };

/** @throws JsonError when a text is no JSON object */
function objectOf(json: Json): RawObject {
  return typeof json === 'string' ? RawObject.parse(json, LIMITS) : RawObject.of(json);
}

export function requestOf({ method, params, progressToken, logLevel }: Call): McpRequest {
  const token = progressToken === undefined ? {} : { progressToken: JSON.stringify(progressToken) };
  const meta = { ...token, ...(logLevel === undefined ? {} : { logLevel }) };
  return new McpRequest(method, params === undefined ? undefined : objectOf(params), meta);
}

export function noteOf(note: Note | McpNotification): McpNotification {
  if (note instanceof McpNotification) return note;
  return new McpNotification(note.method, note.params === undefined ? undefined : objectOf(note.params));
}

export function resultOf(answer: Answer): McpResult {
  return answer instanceof McpResult ? answer : McpResult.complete(answer);
}

const CAME = { method: 'POST', url: 'https://gateway.example/mcp', query: '' };

/** The exchange a listener would open for the call. */
export function exchangeOf(call: Call, id: string, signal: AbortSignal, now: number): Exchange {
  const request = requestOf(call);
  const name = request.params.name ?? request.params.uri;
  const named = typeof name === 'string' ? { name, asked: name } : {};
  const { era = '2026', transport = 'http', info, capabilities = {} } = call.client ?? {};
  const principal = typeof call.principal === 'string' ? { id: call.principal } : call.principal;
  return new Exchange({
    id,
    client: {
      era,
      version: call.client?.version ?? (era === '2026' ? '2026-07-28' : '2025-11-25'),
      transport,
      info: info && RawObject.of(info),
      capabilities: RawObject.of(capabilities),
      principal: { ...ANONYMOUS, ...principal },
    },
    inbound: {
      listener: 'test',
      endpoint: '/mcp',
      headers: new Headers(call.headers),
      remote: () => call.remote,
      ...(transport === 'http' && { ...CAME, answer: new HttpAnswer() }),
      ...call.inbound,
    },
    request,
    route: call.route ?? { kind: 'one', upstream: 'upstream', ...named },
    signal,
    now,
  });
}

/** The message as it would leave for an upstream over HTTP. */
export function outboundOf(request: McpRequest, id: number): Outbound {
  const { method, raw } = request;
  const params = raw === undefined ? '' : `,"params":${raw.text}`;
  return {
    transport: 'http',
    method: 'POST',
    url: 'https://upstream.example/mcp',
    headers: { 'content-type': 'application/json', 'mcp-method': method },
    body: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${params}}`,
  };
}
