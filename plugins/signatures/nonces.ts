// Nonces: made for each message that is signed, remembered for each that is verified.

import { randomBytes } from 'node:crypto';

/** 128 random bits, in characters that need no escape anywhere. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** What was seen, for as long as it could be accepted again. Refuses when it is full: forgetting would let replays in. */
export class Nonces {
  readonly #until = new Map<string, number>();

  /** @param most how many are remembered at once */
  constructor(readonly most = 100_000) {}

  /**
   * Remembers a nonce.
   * @param until when a message with it is too old in any case
   * @returns whether it is new
   */
  take(keyId: string, nonce: string, until: number, now: number): boolean {
    const name = JSON.stringify([keyId, nonce]);
    const known = this.#until.get(name);
    if (known !== undefined && known >= now) return false;
    if (this.#until.size >= this.most) this.#sweep(now);
    if (this.#until.size >= this.most) return false;
    this.#until.set(name, until);
    return true;
  }

  #sweep(now: number): void {
    for (const [name, until] of this.#until) if (until < now) this.#until.delete(name);
  }
}
