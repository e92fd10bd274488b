// Nonces that the gateway gives out, so that a proof cannot have been made long before it is sent (RFC 9449 §9). One
// says when it was made, so nothing is remembered of it.

import { createHmac } from 'node:crypto';
import { isSame } from '../signatures/message.ts';

export interface Freshness {
  make(now: number): string;
  /** Whether it was made here, not long ago. */
  isFresh(nonce: unknown, now: number): boolean;
}

const NONCE = /^([1-9]\d{0,14})\.[\w-]{43}$/;

/** @param age milliseconds that one is good */
export function createFreshness(key: string | Uint8Array, age: number): Freshness {
  const made = (at: number): string =>
    `${at}.${createHmac('sha256', key).update(`dpop nonce ${at}`).digest('base64url')}`;
  return {
    make: (now) => made(Math.trunc(now / 1_000)),
    isFresh(nonce, now) {
      if (typeof nonce !== 'string') return false;
      const at = Number(NONCE.exec(nonce)?.[1] ?? Number.NaN);
      // Another gateway with the same key may have a clock of its own.
      return Math.abs(now - at * 1_000) <= age && isSame(nonce, made(at));
    },
  };
}
