// What tokens were found to be, for as long as that holds: so that one is not verified anew with each request. Keeps
// digests of tokens, never a token. Knows nothing of what a request must show beside it, such as a proof of a key:
// that is judged each time.

import { createHash } from 'node:crypto';

export interface VerifiedOptions {
  /** How many are kept; the one unused longest goes first. */
  readonly most: number;
  /** Is told of one that went before its time. */
  readonly onFull?: () => void;
}

interface Kept<V> {
  readonly value: V;
  readonly until: number;
}

export class Verified<V> {
  readonly #most: number;
  readonly #onFull: () => void;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept<V>>();

  constructor({ most, onFull = () => {} }: VerifiedOptions) {
    this.#most = most;
    this.#onFull = onFull;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** What is kept of a token and still holds. */
  get(token: string, now: number): V | undefined {
    const key = digestOf(token);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    if (kept.until <= now) return undefined;
    this.#kept.set(key, kept);
    return kept.value;
  }

  /** Keeps what was found of a token until then, which is never later than what the token itself says. */
  set(token: string, value: V, until: number, now: number): void {
    if (until <= now || this.#most === 0) return;
    const key = digestOf(token);
    this.#kept.delete(key);
    this.#kept.set(key, { value, until });
    if (this.#kept.size > this.#most) this.#makeRoom(now);
  }

  delete(token: string): void {
    this.#kept.delete(digestOf(token));
  }

  /** Of everything that was found by keys or rules that are not those of now. */
  clear(): void {
    this.#kept.clear();
  }

  #makeRoom(now: number): void {
    const [oldest] = this.#kept;
    if (oldest === undefined) return;
    this.#kept.delete(oldest[0]);
    if (oldest[1].until > now) this.#onFull();
  }
}

/** The key under which a token is kept. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
