// Nonces: made for each message that is signed, remembered for each that is verified.

import { randomBytes } from 'node:crypto';

/** 128 random bits, in characters that need no escape anywhere. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** `full`: nothing more can be remembered, and what cannot be remembered cannot be let in. */
export type Taken = 'new' | 'seen' | 'full';

/** What was seen, for as long as it could be accepted again. */
export interface Nonces {
  /**
   * Remembers a nonce.
   * @param space whose it is: the same nonce in another space is another one
   * @param ms how long a message with it could be accepted from now on, at most: the same for all of a space
   */
  take(space: string, nonce: string, ms: number, now: number): Taken;
}

/** Nonces, with how many there may be, which a reload may change. */
export interface NonceStore extends Nonces {
  room: Room;
  close(): void;
}

/** How many are remembered at once. */
export interface Room {
  /** In one space: whoever sends more than that fills no place but its own. */
  readonly each: number;
  /** In all of them. */
  readonly all: number;
}

/** Milliseconds. */
const BETWEEN_LOOKS = 1_000;

/** In memory. Never forgets one early: that would let replays in. */
export class NonceMemory implements NonceStore {
  /** Space → nonce → until when. What came first ends first, so that what is over stands in front. */
  readonly #spaces = new Map<string, Map<string, number>>();
  #size = 0;
  #looked = Number.NEGATIVE_INFINITY;

  constructor(public room: Room) {}

  take(space: string, nonce: string, ms: number, now: number): Taken {
    const own = this.#spaces.get(space) ?? new Map<string, number>();
    this.#forget(space, own, now);
    const until = own.get(nonce);
    if (until !== undefined && until >= now) return 'seen';
    if (this.#size >= this.room.all) this.#forgetAll(now);
    if (own.size >= this.room.each || this.#size >= this.room.all) return 'full';
    // Again at the end, where one that was over and not yet in front is still known.
    if (own.delete(nonce)) this.#size -= 1;
    own.set(nonce, now + ms);
    this.#size += 1;
    this.#spaces.set(space, own);
    return 'new';
  }

  close(): void {}

  #forget(space: string, own: Map<string, number>, now: number): void {
    for (const [nonce, until] of own) {
      if (until >= now) return;
      own.delete(nonce);
      this.#size -= 1;
    }
    this.#spaces.delete(space);
  }

  /** Seldom: it looks at every space. */
  #forgetAll(now: number): void {
    if (Math.abs(now - this.#looked) < BETWEEN_LOOKS) return;
    this.#looked = now;
    for (const [space, own] of this.#spaces) this.#forget(space, own, now);
  }
}
