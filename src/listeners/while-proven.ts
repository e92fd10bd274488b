// A stream lasts as long as what proved whose it is.

import type { Principal } from '../core/client.ts';
import { alarm } from '../lib/alarm.ts';

/**
 * Ends a stream when its time is up, or when what proved it has been taken back.
 * @param who asked anew when time seems up: its client may have proven itself again
 * @returns lets go of it
 */
export function whileProven(
  who: () => Principal | undefined,
  now: () => number,
  end: () => void,
): () => void {
  const disarm = alarm(() => who()?.expires, now, end);
  const ends = who()?.ends;
  if (ends?.aborted) end();
  ends?.addEventListener('abort', end, { once: true });
  return () => {
    disarm();
    ends?.removeEventListener('abort', end);
  };
}
