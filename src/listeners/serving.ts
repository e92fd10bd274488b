// What a listener gets from the gateway: endpoints of the current generation, and word of a change.

import type { Client, Principal } from '../core/client.ts';
import type { Exchange, Inbound } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { LiveCalls } from '../core/live-calls.ts';
import type { Page, PageRequest } from '../core/page.ts';
import type { SessionStore } from '../core/session-store.ts';
import type { Seal } from '../lib/seal.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { TellRefused } from './refusals.ts';

export interface Endpoint {
  readonly path: string;
  /** The path of its HTTP+SSE listener, if it has one. */
  readonly sse: string | undefined;
  /** Headers that its plugins read, lower case: pages of allowed origins may send them. */
  readonly takes: readonly string[];
  /** Says that something runs on it, until the returned function is first called: its generation stays that long. */
  hold(): () => void;
  /** Begins an exchange. */
  open(client: Client, inbound: Inbound, request: McpRequest, signal: AbortSignal, id: string): Exchange;
  /** Begins the next round of an exchange. */
  again(x: Exchange, request: McpRequest): Exchange;
  /**
   * Asks those plugins that know who calls, and no other. What they say holds for all that came with `inbound`.
   * @returns why it is not let in, or as whom
   */
  recognise(
    client: Client,
    inbound: Inbound,
    request: McpRequest,
    id: string,
  ): Promise<{ readonly refusal: McpResult | undefined; readonly principal: Principal }>;
  /**
   * Lets plugins look at what never reaches the router, such as DELETE of a session.
   * @returns why it is refused: a plugin said so, or the session is another principal's
   */
  admit(client: Client, inbound: Inbound, request: McpRequest, id: string): Promise<McpResult | undefined>;
  /** The pipeline and all behind it. */
  readonly handle: Handler;
  /** The input schema of a tool as listed to the caller, for headers that mirror arguments. */
  toolSchema(x: Exchange, tool: string, fresh: boolean): Promise<RawObject | undefined>;
}

/** Sizes in bytes, durations in milliseconds. */
export interface ListenerLimits {
  /** Until a TLS handshake is done, and until the head of a request has come. */
  readonly handshake: number;
  readonly head: number;
  readonly body: number;
  readonly bodyTimeout: number;
  readonly bodyIdle: number;
  /** Bytes per second. */
  readonly bodyRate: number;
  readonly json: { readonly depth: number; readonly keys: number; readonly string: number };
  readonly streamBuffer: number;
  readonly line: number;
  /** Most messages of a batch. */
  readonly batch: number;
  readonly inFlight: number;
  readonly streams: number;
  readonly sessions: number;
  readonly sessionIdle: number;
  readonly sessionRest: number;
  /** Most resources that one client watches. */
  readonly subscriptions: number;
  readonly keepAlive: number;
  /** How long a client may take to answer a question. */
  readonly parkTtl: number;
  /** How often one call may ask a client something. */
  readonly rounds: number;
  /** Most events outside of calls that wait for a client, beside one for each thing it watches. */
  readonly events: number;
  /** How long an upstream may take to say whether it watches a resource. */
  readonly subscribeTimeout: number;
  /** How long nothing may move on a connection. */
  readonly connectionIdle: number;
  /** Longest URI that a client watches, in characters. */
  readonly uri: number;
  /** How long calls may run on when the input of their pipe has ended. */
  readonly linger: number;
  /** How old the news may be that a session was ended by another gateway on the same store. */
  readonly sessionCheck: number;
  /** What is kept for clients that reconnect: notifications of one stream, bytes of all, bytes of one session. */
  readonly resumeEvents: number;
  readonly resumeBytes: number;
  readonly resumeSessionBytes: number;
  /** How long it is kept without a reader, and how long a client is asked to wait before it comes back. */
  readonly resumeTtl: number;
  readonly resumeRetry: number;
}

/** Which lists a client sees differently since a reload. */
export type Changed = ReadonlySet<'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged'>;

export interface Serving {
  readonly host: Host;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  readonly seal: Seal;
  /** What outlives sessions in memory. */
  readonly store: SessionStore;
  /** What is at work, for those who look on. */
  readonly live: LiveCalls;
  /** Counts and logs a request that is refused before there is an exchange. */
  readonly refused: TellRefused;
  /** Of the current generation, so that a reload changes them. */
  limits(): ListenerLimits;
  /** @param request continued where it waits, if it continues a parked call: its generation may be an older one */
  endpoint(path: string, request?: McpRequest): Endpoint | undefined;
  /** The endpoint whose HTTP+SSE listener has this path. */
  endpointBySse(path: string): Endpoint | undefined;
  /** What a plugin serves at a path that is no endpoint. @param base the public URL of the listener */
  page(request: PageRequest, base: string | undefined): Promise<Page | undefined>;
  /** False while stopping: new calls are refused. */
  accepting(): boolean;
  /** Calls `renew` after each swap of generations, until the returned function is called. */
  onSwap(renew: (changedFor: (client: Client, path: string) => Promise<Changed>) => void): () => void;
  /** Calls `end` when the gateway begins to stop, until the returned function is called. */
  onStop(end: () => void): () => void;
  /** Calls `cut` when what still runs has had its time, until the returned function is called. */
  onCut(cut: () => void): () => void;
}
