// What a server by hand is on either transport: every message that arrives, and what may be written back.
import type { Json } from './eras.ts';
import type { Inbox, Message } from './inbox.ts';
import type { Leg } from './leg.ts';

/** A message that arrived. */
export interface Arrival extends Message {
  /** Of HTTP. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** The session or process it arrived in. */
  readonly link: string;
  /** Resolves when the gateway closes the connection before the answer is complete. HTTP alone. */
  readonly gone?: Promise<void>;
  /** Writes a message on the answer's stream, or on the pipe. */
  send(text: string): void;
  /** The last message of the answer. */
  finish(text: string): void;
  /** Closes the connection before the answer is complete; ends the process. */
  cut(): void;
}

export interface UpstreamWire {
  /** Its entry in the configuration. */
  readonly config: Json;
  /** Writes outside of calls, to every session. */
  announce(text: string): Promise<void>;
  /** Every session is forgotten: its messages are answered with 404. HTTP of 2025 alone. */
  forget(): void;
  /** Everything is cut, and it answers again when it is next called. */
  die(): void;
  stop(): Promise<void>;
}

/** What a server does by itself, whatever the script says. */
export interface Manners {
  readonly leg: Leg;
  /** @returns the text of the answer, `''` where there is nothing to answer, or undefined: the script answers */
  answer(arrival: Arrival): string | undefined;
  readonly inbox: Inbox<Arrival>;
}
