// Waiting for what another process does in its own time. The bound is no assertion: it only makes a test that would
// wait for ever say for what.
import { setTimeout as pause } from 'node:timers/promises';

const BOUND_MS = 15_000;
const LOOK_MS = 10;

/** The first value of `look` that is something; false, null and undefined are not. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  what: () => string,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + BOUND_MS;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== null && value !== false)
      return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > end) throw new Error(`waited in vain for ${what()}`);
    await pause(LOOK_MS);
  }
}
