// How long what is left after `drain` may take to be torn down.

import type { Config } from '../config/schema.ts';

const LEAST_MS = 10_000;
/** From the end of a process to that of everything around it. */
const REST_MS = 2_000;

/** Milliseconds; no less than the processes of all upstreams may take to end. */
export function teardownTime({ upstreams }: Pick<Config, 'upstreams'>): number {
  const longest = upstreams.map((upstream) =>
    upstream.kind === 'command' ? upstream.stop + upstream.kill + REST_MS : 0,
  );
  return Math.max(LEAST_MS, ...longest);
}
