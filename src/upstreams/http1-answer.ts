// One answer as it comes in: its head, then its body piece by piece, whoever reads it holding it back.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { HttpAnswer } from './http-client.ts';
import type { Head } from './http1-head.ts';

/** Bytes that may lie unread before the upstream is held back, and from which on it may go on. */
const HIGH = 65_536;
const LOW = 16_384;

/** How long an upstream may take to end an answer of which nothing more is wanted. */
const ENDING_MS = 1_000;

/** The connection, as far as an answer steers it. */
export interface Source {
  pause(): void;
  resume(): void;
  /** Nothing more is read from it. */
  drop(): void;
}

type Step = IteratorResult<Uint8Array>;
const DONE: Step = { done: true, value: undefined };

export class Http1Answer implements HttpAnswer, AsyncIterableIterator<Uint8Array> {
  readonly status: number;
  readonly #head: Head;
  readonly #upstream: string;
  #source: Source | undefined;
  #pieces: Uint8Array[] = [];
  #held = 0;
  #isPaused = false;
  #waiting: PromiseWithResolvers<Step> | undefined;
  #fault: GatewayError | undefined;
  #isPassedOver = false;
  #finishing = false;
  #slow: Timer | undefined;

  constructor(head: Head, upstream: string, source: Source) {
    this.status = head.status;
    this.#head = head;
    this.#upstream = upstream;
    this.#source = source;
  }

  header(name: string): string | undefined {
    return this.#head.headers.get(name);
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this;
  }

  finish(): void {
    this.#finishing = true;
  }

  discard(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#isPassedOver = true;
    if (!this.#source) return;
    if (this.#isPaused) this.#source.resume();
    this.#isPaused = false;
    this.#slow ??= setTimeout(() => this.#source?.drop(), ENDING_MS);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const piece = this.#pieces.shift();
    if (piece) {
      this.#held -= piece.length;
      if (this.#isPaused && this.#held <= LOW) {
        this.#isPaused = false;
        this.#source?.resume();
      }
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#fault) return Promise.reject(this.#fault);
    if (!this.#source) return Promise.resolve(DONE);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<Step> {
    if (this.#finishing) this.discard();
    else this.#source?.drop();
    return Promise.resolve(DONE);
  }

  /** For the connection: a piece has come. */
  push(piece: Uint8Array): void {
    if (this.#isPassedOver) return;
    if (this.#waiting) {
      this.#waiting.resolve({ done: false, value: piece });
      this.#waiting = undefined;
      return;
    }
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held < HIGH || this.#isPaused) return;
    this.#isPaused = true;
    this.#source?.pause();
  }

  /** For the connection, once: all has come, or nothing more will. */
  end(error?: unknown): void {
    clearTimeout(this.#slow);
    // What is next on the connection is held back by nobody yet.
    if (this.#isPaused) this.#source?.resume();
    this.#source = undefined;
    if (error !== undefined)
      this.#fault = new GatewayError(
        'UPSTREAM_UNAVAILABLE',
        `The upstream "${this.#upstream}" broke off: ${messageOf(error)}`,
        { upstream: this.#upstream },
      );
    if (this.#fault) this.#waiting?.reject(this.#fault);
    else this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
  }
}
