// What every live connection to an upstream can do, whatever its transport and era.

import type { Client } from '../core/client.ts';
import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Era, McpNotification, McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Call, Question, Settled } from './call.ts';

/** What the upstream said of itself when the link was made. */
export interface Hello {
  readonly version: string;
  readonly capabilities: RawObject;
  readonly info: RawObject | undefined;
  readonly instructions: string | undefined;
  /** How long it is good, where it says so. */
  readonly ttlMs?: number;
}

/** What is answered to a question of the upstream. */
export type Reply = { readonly result: RawObject } | { readonly error: RawObject };

/** Whom a link speaks for toward an initialize-era upstream. */
export interface Profile {
  readonly version: string;
  readonly info: RawObject | undefined;
  readonly capabilities: RawObject;
}

export interface LinkEvents {
  /** A notification that belongs to no call. */
  unsolicited(note: McpNotification): void;
  /** One that came within a call, which is told of it, too. */
  inCall?(note: McpNotification): void;
  /** Of what was sent outside of calls some may be lost. */
  missed?(): void;
  /** The connection is gone; calls have been failed. Called once. */
  ended(why: string): void;
  /** A call is over, in whatever way. */
  callOver(): void;
}

export interface StandingStream {
  /** It has been asked for: what is sent from now on comes later. Never rejects. */
  readonly asked: Promise<void>;
  /** Whether the server has one, as far as it says so soon. */
  readonly stands: Promise<boolean>;
}

export interface Link {
  readonly era: Era;
  readonly hello: Hello;
  /** Sends the exchange's request. Never throws: what goes wrong settles the call. */
  start(x: Exchange, emit: Emit): Call;
  /** Takes a parked call over for a new exchange. */
  resume(call: Call, x: Exchange, emit: Emit): void;
  /** Tells the upstream that nobody waits any more, in its era's way, and forgets the call. */
  cancel(call: Call, reason: string): void;
  /** Answers a question of the upstream. @param call the one it is for, as far as it is still somebody's */
  answer(question: Question, reply: Reply, call?: Call): Promise<void>;
  /** Sends a notification of ours, which nothing answers. */
  notify(x: Exchange): Promise<void>;
  /** The result of a settled call in the neutral shape. */
  decode(x: Exchange, settled: Settled): McpResult;
  /** Initialize era: begins to receive what is sent outside of calls, where that takes a stream of its own. */
  listen?(): StandingStream;
  /** Nothing uses it any more. */
  close(): Promise<void>;
  /** Whether it is being closed, or is gone: the server forgets by itself what it knows of it. */
  readonly closing: boolean;
  /** Calls in flight, oldest first. */
  calls(): Iterable<Call>;
  readonly size: { readonly calls: number; readonly tokens: number };
  /** Whether all calls share one channel, so that nothing tells which of them a question is for. */
  readonly shared?: boolean;
  /** Whether the server may yet ask something for a call that was given up, and nothing would tell. */
  readonly doubtful?: boolean;
  /** The same, where a question could then reach somebody else than who gave up. */
  doubtfulFor?(x: Exchange): boolean;
  /**
   * How long it may still take, in milliseconds, until calls of this principal that others may have given up are
   * certainly over at the server.
   */
  unsettled?(client: Client): number;
}

/** The session, the process or the path is gone, and nothing of the request was processed. */
export function isLost(settled: Settled): boolean {
  return settled.kind === 'failed' && settled.error instanceof SessionLost;
}

export class SessionLost extends GatewayError {
  constructor(upstream: string, why = 'does not know the session or the path any more') {
    super('UPSTREAM_UNAVAILABLE', `The upstream "${upstream}" ${why}.`, { upstream });
  }
}
