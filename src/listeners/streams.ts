// How many event streams without a call may be open at once.

import type { Host } from '../core/host.ts';
import type { Serving } from './serving.ts';

const open = new WeakMap<Host, number>();

export function streamsOf(host: Host): number {
  return open.get(host) ?? 0;
}

/** @returns a function to call when the stream ends; undefined when limits.streams is reached */
export function enterStream({ host, limits }: Serving): (() => void) | undefined {
  const count = streamsOf(host);
  if (count >= limits().streams) {
    host.metrics.limitHits.inc({ limit: 'streams' });
    return undefined;
  }
  open.set(host, count + 1);
  host.metrics.streams.inc();
  let left = false;
  return () => {
    if (left) return;
    left = true;
    open.set(host, streamsOf(host) - 1);
    host.metrics.streams.dec();
  };
}
