// How long what is left after `drain` may take to be torn down.

import type { Config } from '../config/schema.ts';

/** What is left in any case, such as plugins' ends, has deadlines of its own: this is the last resort. */
const LEAST_MS = 10_000;
/** From the end of a process or session to that of everything around it. */
const REST_MS = 2_000;

/** Milliseconds; no less than the processes and sessions of all upstreams may take to end. */
export function teardownTime({ upstreams }: Pick<Config, 'upstreams'>): number {
  const longest = upstreams.map((upstream) => {
    if (upstream.kind === 'command') return upstream.stop + upstream.kill + REST_MS;
    // Cancellations, then the end of the session.
    return upstream.kind === 'url' ? 2 * upstream.timeouts.close + REST_MS : 0;
  });
  return Math.max(LEAST_MS, ...longest);
}
