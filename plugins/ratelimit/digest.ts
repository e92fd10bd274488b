// Under what a key is kept: it may hold what a caller sent, as long as it likes, and must not be read in a store.

import type { Counted } from './store.ts';

/** Rates and quotas of one key are two. */
export function digestOf({ key, limit }: Counted): string {
  return digestText(`${limit.kind} ${key}`);
}

/** 128 bits. */
export function digestText(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('base64url').slice(0, 22);
}
