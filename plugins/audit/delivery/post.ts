// An HTTP request that something is delivered with, and what its answer means.

import { type FetchOptions, fetchWhole, RemoteFault } from '../../remote/fetch.ts';
import { DeliveryFault } from './fault.ts';

export interface PostOptions extends Omit<FetchOptions, 'bytes'> {
  readonly headers: Readonly<Record<string, string>>;
  readonly now: () => number;
}

/** Most bytes of an answer: nobody has more to say of what was sent. */
const ANSWER = 1_048_576;

/** The place as a log may show it. */
export const placeOf = (url: string): string => new URL(url).host;

/**
 * @returns the answer, whatever its status
 * @throws DeliveryFault where there is none
 */
export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  options: PostOptions,
): Promise<Response> {
  const { headers } = options;
  try {
    return await fetchWhole(url, { method: 'POST', headers, body }, { ...options, bytes: ANSWER });
  } catch (error) {
    if (!(error instanceof RemoteFault)) throw error;
    throw new DeliveryFault(error.message, error.reason === 'timeout' ? 'timeout' : 'unreachable');
  }
}

/** Statuses that say: these, and not later. */
const FINAL = new Set([400, 413, 415, 422]);

/** @returns why a status other than 2xx says that it did not arrive */
export function statusFault(url: string, { status, headers }: Response, now: number): DeliveryFault {
  const message = `${placeOf(url)} answered ${status}`;
  if (status === 429 || status === 503)
    return new DeliveryFault(message, 'busy', { retryAfter: retryAfter(headers.get('retry-after'), now) });
  return new DeliveryFault(message, 'status', { isFinal: FINAL.has(status) });
}

/** The longest that a place may have itself left alone: an hour. */
const LONGEST = 3_600_000;

/** Milliseconds; undefined where it says nothing that can be read. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST, Math.max(0, ms));
}
