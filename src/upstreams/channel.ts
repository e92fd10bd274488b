// A connection on which everything comes back, whatever call it belongs to: the pipes of a process, or the one
// stream of HTTP+SSE. Moves texts; what they mean is the link's affair.

import type { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Outbound } from '../core/outbound.ts';
import type { Sink } from '../lib/flow.ts';

/** Nothing of the message was sent: the other side was gone before, or does not know us any more. */
export class Unwritten extends Error {}

export interface ChannelHooks {
  /** The text of one message. Never waited for: one slow client must not stop the others. */
  text(text: string): void;
  /** Where the rest of a message goes that is too long to be held, if it may be passed on. @param head what there is */
  long(head: Uint8Array): Sink | undefined;
  /** The same for one that is longer than is held: its call fails, and nothing else. Nowhere if it is no answer. */
  tooLong(head: Uint8Array): Sink | undefined;
  /**
   * Waits for the client of such a message while everything else waits behind it, and no longer than others have to
   * bear it.
   */
  room(sink: Sink): Promise<void> | undefined;
  /** Something arrived that is no text of a message. */
  garbage(what: string): void;
  /**
   * It is over; `why` goes on a sentence that begins with what it is. Called once.
   * @param fault what its calls end with, where that is not just that it is over
   */
  gone(why: string, fault?: GatewayError): void;
}

export interface Channel {
  /** What a sentence about its end begins with: `its process`. */
  readonly what: string;
  /** A message as it leaves, before the onSend hooks. @param version the revision spoken, once it is agreed */
  outbound(body: string, x: Exchange, version: string | undefined): Outbound;
  /** Sends one message. @throws Unwritten, or GatewayError when it was refused, or Error when the channel broke */
  send(outbound: Outbound): Promise<void>;
  /** Resolves when nothing is left of it. */
  close(): Promise<void>;
}
