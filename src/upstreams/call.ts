// One request that an upstream has not answered yet: what came for it so far, in order, and how it ends.

import type { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { RawId } from '../protocol/jsonrpc.ts';
import { type McpNotification, META } from '../protocol/message.ts';
import { RawJson, type RawObject } from '../protocol/raw.ts';
import type { Rest } from '../protocol/rest.ts';
import type { Passing } from './transient.ts';

/** A request of an initialize-era server to its client, asked while a call runs. */
export interface Question {
  readonly id: RawId;
  readonly method: string;
  readonly params: RawObject | undefined;
  /** Set where it may be another call's of the same client: then it outlives the call that was given it. */
  readonly uncertain?: boolean;
}

/** How a call ended on the wire. */
export type Settled =
  | {
      readonly kind: 'result';
      readonly raw: RawObject;
      /** Where it is passed on as it comes; `raw` is what is known of it then. */
      readonly rest?: Rest;
    }
  | { readonly kind: 'error'; readonly raw: RawObject; readonly passing?: Passing }
  | { readonly kind: 'failed'; readonly error: GatewayError };

export class Call {
  readonly #settled = Promise.withResolvers<Settled>();
  readonly #over = Promise.withResolvers<void>();
  #asked = Promise.withResolvers<void>();
  #emit: Emit | undefined;
  #waiting: McpNotification[] = [];
  #tail: Promise<void> | undefined;
  #heldSince: number | undefined;
  #queued = 0;
  /** Characters of what waits for the client, or for the next exchange. */
  #held = 0;
  #ended = false;
  #end: Settled | undefined;
  /** The last progress value, to keep it from going back. */
  progress = Number.NEGATIVE_INFINITY;
  /** Whether the upstream has tried to take some of it back. */
  hasGoneBack = false;
  /** The task whose result it waits for, as the upstream knows it. */
  readonly task: string | undefined;
  /** Whether the upstream has been told of it. */
  sent = false;
  /** Whether anything of an answer has come. */
  heard = false;
  readonly questions: Question[] = [];
  /** Called when nobody waits for it any more, beside telling the upstream so. */
  givenUp: (() => void) | undefined;
  /** Called at every sign of life of the upstream for this call. */
  onActivity: (() => void) | undefined;
  /** Called when its client begins to hold up what comes. */
  onHeld: (() => void) | undefined;

  /**
   * @param id our request id, which is also our progress token
   * @param most notifications that wait for a slow client, and characters of them; beyond that they are dropped
   */
  constructor(
    readonly id: number,
    public x: Exchange,
    emit: Emit,
    readonly most: () => { readonly count: number; readonly characters: number },
  ) {
    this.#emit = emit;
    this.task = x.request.method === 'tasks/result' ? x.request.raw?.string('taskId') : undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves with the end on the wire, whether or not anybody takes it. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Whether the upstream itself has ended it. */
  get hasAnswer(): boolean {
    return this.#end !== undefined && this.#end.kind !== 'failed';
  }

  /** Whether it waits for the exchange that takes it over. */
  get parked(): boolean {
    return this.#emit === undefined;
  }

  /** Whether its client has yet to take what came for it. */
  get heldUp(): boolean {
    return this.#tail !== undefined;
  }

  /** Since when its client has taken nothing of what came (`performance.now`). */
  get heldSince(): number | undefined {
    return this.#tail && this.#heldSince;
  }

  /** Whether it runs and nothing asked during it is unanswered. */
  get free(): boolean {
    return !this.parked && this.questions.length === 0;
  }

  /** Resolves when the upstream has answered and every notification before the answer is delivered. */
  get settled(): Promise<Settled> {
    return this.#settled.promise;
  }

  /** Resolves when the upstream has asked something. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  ask(question: Question): void {
    this.heard = true;
    this.questions.push(question);
    this.#asked.resolve();
  }

  /** The server takes a question back. @returns whether it was one of this call, not yet taken */
  withdraw(questionKey: string): boolean {
    const at = this.questions.findIndex(({ id }) => id.key === questionKey);
    if (at >= 0) this.questions.splice(at, 1);
    return at >= 0;
  }

  /** Takes the questions asked so far; `asked` waits for new ones. */
  takeQuestions(): Question[] {
    this.#asked = Promise.withResolvers<void>();
    return this.questions.splice(0);
  }

  /**
   * Delivers in order. The promise, if any, is the client's backpressure.
   * @returns false when the queue is full and the notification was dropped
   */
  deliver(note: McpNotification): Promise<void> | undefined | false {
    if (this.#ended) return false;
    this.heard = true;
    this.onActivity?.();
    if ((this.#emit === undefined || this.#tail !== undefined) && !this.#hasRoom(note)) return false;
    if (this.#emit === undefined) {
      this.#waiting.push(note);
      this.#held += lengthOf(note);
      return undefined;
    }
    return this.#pass(note);
  }

  #hasRoom(note: McpNotification): boolean {
    const { count, characters } = this.most();
    return this.#queued + this.#waiting.length < count && this.#held + lengthOf(note) <= characters;
  }

  #pass(note: McpNotification): Promise<void> | undefined {
    const emit = this.#emit;
    const sent = this.#tail === undefined ? emit?.(note) : this.#tail.then(() => emit?.(note));
    return this.#track(sent, lengthOf(note));
  }

  #track(sent: Promise<void> | undefined, length: number): Promise<void> | undefined {
    if (sent === undefined) return undefined;
    this.#queued++;
    this.#held += length;
    const isFirst = this.#tail === undefined;
    const over = (): void => this.#sent(tail, length);
    const tail: Promise<void> = sent.then(over, over);
    this.#tail = tail;
    if (isFirst) {
      this.#heldSince = performance.now();
      this.onHeld?.();
    }
    return tail;
  }

  #sent(tail: Promise<void>, length: number): void {
    this.#queued--;
    this.#held -= length;
    this.#heldSince = performance.now();
    if (this.#tail === tail) this.#tail = undefined;
  }

  /** Nobody listens for now: notifications, and the end if it comes, wait until `attach`. */
  detach(): void {
    this.#emit = undefined;
  }

  /** A new exchange takes the call over, with a progress token of its own. */
  attach(x: Exchange, emit: Emit): void {
    this.x = x;
    this.#emit = emit;
    for (const note of this.#waiting.splice(0)) {
      this.#held -= lengthOf(note);
      const renamed = retokened(note, x.request.meta.progressToken);
      if (renamed) void this.#pass(renamed);
    }
    if (this.#end) this.#finish(this.#end);
  }

  settle(settled: Settled): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end = settled;
    this.#over.resolve();
    // What waits for a new exchange comes before the end.
    if (this.#waiting.length === 0) this.#finish(settled);
  }

  /** Nobody takes its end: one that is passed on as it comes would wait for ever. */
  discard(): void {
    if (this.#end?.kind === 'result') this.#end.rest?.cancel();
  }

  #finish(settled: Settled): void {
    if (this.#tail === undefined) this.#settled.resolve(settled);
    else void this.#tail.then(() => this.#settled.resolve(settled));
  }
}

function lengthOf({ raw }: McpNotification): number {
  return raw?.text.length ?? 0;
}

/** @returns undefined for progress that the new exchange did not ask for */
function retokened(note: McpNotification, token: string | undefined): McpNotification | undefined {
  if (note.method !== 'notifications/progress') return note;
  return token === undefined ? undefined : note.with({ [META.progressToken]: new RawJson(token) });
}
