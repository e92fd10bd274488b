// A stream lasts as long as what proved whose it is.

import type { Principal } from '../core/client.ts';
import { alarm } from '../lib/alarm.ts';

/**
 * Ends a stream when its time is up, or when what proved it has been taken back.
 * @param who asked anew when either seems so: its client may have proven itself again
 * @returns lets go of it
 */
export function whileProven(
  who: () => Principal | undefined,
  now: () => number,
  end: () => void,
): () => void {
  const disarm = alarm(() => who()?.expires, now, end);
  let ends: AbortSignal | undefined;
  const look = (): void => {
    ends?.removeEventListener('abort', look);
    ends = who()?.ends;
    if (ends?.aborted) end();
    else ends?.addEventListener('abort', look, { once: true });
  };
  look();
  return () => {
    disarm();
    ends?.removeEventListener('abort', look);
  };
}
