// How a limit stands, in the header fields of draft-ietf-httpapi-ratelimit-headers-11: of the tightest one, and only of
// those that are the caller's own.

import { serializeList } from 'structured-headers';
import type { CountedLimit } from './limits.ts';
import type { Told } from './store.ts';

/** The draft has whole seconds: up, so that nobody comes too early. */
const seconds = (ms: number): number => Math.ceil(ms / 1_000);

export function headersOf(
  { name, limit }: CountedLimit,
  { remaining, resetMs }: Told,
): Record<string, string> {
  const policy = new Map([
    ['q', limit.units],
    ['w', seconds(limit.window)],
  ]);
  const state = new Map([
    ['r', remaining],
    ['t', seconds(resetMs)],
  ]);
  return { 'ratelimit-policy': serializeList([[name, policy]]), ratelimit: serializeList([[name, state]]) };
}
