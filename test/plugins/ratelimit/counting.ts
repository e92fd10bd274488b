// A store in memory, the clock it goes by, and the limits that it has hit.

import { MemoryStore } from '../../../plugins/ratelimit/memory.ts';

/** 2026-11-21T00:00:00Z, a Saturday. */
export const MIDNIGHT = 1_795_219_200_000;

export function counting(keys = 1_000) {
  const clock = { now: MIDNIGHT };
  const hits: string[] = [];
  const host = { now: () => clock.now, limitHit: (limit: string) => void hits.push(limit) };
  return { store: new MemoryStore(host, { keys }), clock, hits };
}
