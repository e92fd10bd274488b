// Under what a key is kept: it may hold what a caller sent, as long as it likes, and must not be read in a store.

import type { Counted } from './store.ts';

/** 128 bits: rates and quotas of one key are two. */
export function digestOf({ key, limit }: Counted): string {
  const hash = new Bun.CryptoHasher('sha256').update(limit.kind).update('\0').update(key);
  return hash.digest('base64url').slice(0, 22);
}
