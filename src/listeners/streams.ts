// How many event streams without a call may be open at once.

import type { Serving } from './serving.ts';

/** @returns a function to call when the stream ends; undefined when limits.streams is reached */
export function enterStream({ host, limits }: Serving): (() => void) | undefined {
  const { load, streams, limitHits } = host.metrics;
  if (load.streams >= limits().streams) {
    limitHits.inc({ limit: 'streams' });
    return undefined;
  }
  const count = (by: 1 | -1): void => {
    load.streams += by;
    streams.set(load.streams);
  };
  let left = false;
  count(1);
  return () => {
    if (!left) count(-1);
    left = true;
  };
}
