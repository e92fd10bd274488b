// One stream of a session that outlives its connections (2025-11-25 basic/transports §Resumability): every event has
// an id, the newest events are kept, and a client that lost its connection goes on behind the last one it saw.

import type { RawId } from '../protocol/jsonrpc.ts';
import type { SseOptions } from '../protocol/sse.ts';
import { type EventId, streamName, writeEventId } from './event-id.ts';
import { createEventStream, type EventStream } from './event-stream.ts';
import type { AnswerText, LongAnswer } from './long-answer.ts';
import type { Events } from './reply.ts';

export interface ReplayOptions {
  readonly kind: EventId['kind'];
  /** The one request it answers; undefined for a batch and a standing stream. */
  readonly request?: RawId;
  /** Whether the client understands an event without data, by which it can resume from the start. */
  readonly primes: boolean;
  /** Milliseconds that a client is asked to wait before it reconnects. */
  readonly retry: number;
  /** Most notifications that are kept. */
  readonly notes: number;
  readonly buffer: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where its events are counted and its readers noticed. */
export interface Keeper {
  grew(replay: Replay, bytes: number): void;
  /** It found or lost its reader, or has come to its end. */
  moved(replay: Replay): void;
}

interface Kept {
  readonly place: number;
  readonly text: string;
  readonly isNote: boolean;
}

/** What an event costs beside its text: objects, and its id. */
const EACH = 128;

export class Replay implements Events {
  readonly name = streamName();
  /** The connection it began on. */
  readonly first: EventStream;
  readonly #o: ReplayOptions;
  readonly #keeper: Keeper;
  readonly #done = Promise.withResolvers<void>();
  #kept: Kept[] = [];
  #notes = 0;
  #place = 0;
  /** Beyond this place nothing is lost but notifications. */
  #lost = 0;
  #keeps = true;
  #over = false;
  #delivered = false;
  #connection: EventStream | undefined;
  /** Whether the connection has had its first event. */
  #greeted = false;

  constructor(options: ReplayOptions, keeper: Keeper) {
    this.#o = options;
    this.#keeper = keeper;
    this.first = this.#connect(options.headers);
    if (options.primes) void this.#put('', 0);
  }

  get response(): Response {
    return this.first.response;
  }

  get kind(): EventId['kind'] {
    return this.#o.kind;
  }

  /** Whether a client reads it now. */
  get attached(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether its last byte has been taken; whether it arrived is another matter. */
  get delivered(): boolean {
    return this.#delivered;
  }

  /** Whether somebody reads what is sent, or still may. */
  get open(): boolean {
    return !this.#over && (this.attached || this.#keeps);
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** A notification: the oldest are left out when there are too many to keep. */
  note(text: string): Promise<void> | undefined {
    return this.#add(text, true, false);
  }

  /** A question: kept, or the stream cannot be resumed. */
  send(text: string): Promise<void> | undefined {
    return this.#add(text, false, false);
  }

  finish(answer: AnswerText): void {
    if (typeof answer === 'string') {
      void this.#add(answer, false, true);
      this.end();
    } else if (this.#connection) this.#pass(answer, this.#connection);
    // Nobody is there to pass it on to: what fits is kept.
    else void answer.whole('its client is away').then((text) => this.finish(text));
  }

  /** What is passed on as it comes is not kept, so its stream cannot be resumed from before it. */
  #pass(answer: LongAnswer, connection: EventStream): void {
    this.#lost = ++this.#place;
    void connection.long(answer, this.#fields(this.#place, true));
    this.end();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection?.end();
    if (this.#connection) return;
    this.#done.resolve();
    this.#keeper.moved(this);
  }

  comment(): void {
    this.#connection?.comment();
  }

  /** The first connection is gone; a later one may be there. */
  leave(): void {
    this.#left(this.first, false);
  }

  /**
   * The connection of a client that has seen everything up to a place. The one before it ends: who resumes has
   * lost it, whether or not we have noticed.
   * @returns `over` when there is nothing left to tell, `lost` when something is missing that cannot be missed
   */
  resume(after: number, headers: ReplayOptions['headers']): EventStream | 'over' | 'lost' {
    if (after < this.#lost || after > this.#place) return 'lost';
    if (this.#over && after === this.#place) return 'over';
    const connection = this.#connect(headers);
    for (const { place, text } of this.#kept) if (place > after) void this.#put(text, place);
    // The head goes out at once, although nothing may happen for minutes.
    if (this.#over) connection.end();
    else connection.comment();
    return connection;
  }

  /** @returns the bytes given up with the oldest notification; 0 when there is none */
  dropNote(): number {
    const at = this.#kept.findIndex(({ isNote }) => isNote);
    const [note] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (!note) return 0;
    this.#notes--;
    return this.#shrunk(note);
  }

  /** Gives up all it keeps; with `forGood`, what comes later too. */
  forget(forGood: boolean): void {
    if (forGood) this.#keeps = false;
    const kept = this.#kept;
    this.#kept = [];
    this.#notes = 0;
    for (const each of kept) {
      if (!each.isNote) this.#lost = each.place;
      this.#shrunk(each);
    }
  }

  #shrunk({ text }: Kept): number {
    const bytes = text.length + EACH;
    this.#keeper.grew(this, -bytes);
    return bytes;
  }

  #connect(headers: ReplayOptions['headers']): EventStream {
    const before = this.#connection;
    const connection: EventStream = createEventStream({
      buffer: this.#o.buffer,
      headers,
      gone: () => this.#left(connection, false),
    });
    this.#connection = connection;
    this.#greeted = false;
    before?.drop();
    this.#keeper.moved(this);
    void connection.done.then(() => this.#left(connection, true));
    return connection;
  }

  #left(connection: EventStream, isWhole: boolean): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    // One that is merely believed gone may be stuck with the words of a call.
    connection.drop();
    this.#delivered = isWhole && this.#over;
    if (this.#over) this.#done.resolve();
    this.#keeper.moved(this);
  }

  #add(text: string, isNote: boolean, last: boolean): Promise<void> | undefined {
    if (this.#over) return undefined;
    const place = ++this.#place;
    // Whoever sees the end has no reason to come back; what is said of it stands in the id.
    const patience = this.#put(text, place, last);
    if (this.#keeps) this.#keep({ place, text, isNote });
    else if (!isNote) this.#lost = place;
    return patience;
  }

  #keep(event: Kept): void {
    this.#kept.push(event);
    if (event.isNote && ++this.#notes > this.#o.notes) this.dropNote();
    this.#keeper.grew(this, event.text.length + EACH);
  }

  #put(text: string, place: number, last = this.#over && place === this.#place): Promise<void> | undefined {
    const sent = this.#connection?.send(text, this.#fields(place, last));
    if (this.#connection) this.#greeted = true;
    return sent;
  }

  #fields(place: number, last: boolean): SseOptions {
    const { kind, request, retry } = this.#o;
    const id = writeEventId({ kind, stream: this.name, place, request, last });
    return this.#greeted ? { id } : { id, retry };
  }
}
