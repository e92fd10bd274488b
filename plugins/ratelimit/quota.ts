// Quotas: so many units in each window of the calendar. Windows are the same for all keys, gateways and restarts: what
// `1000/day` ends at is midnight (UTC), whoever asks.

import type { State } from './gcra.ts';
import type { Quota } from './store.ts';

const WEEK = 7 * 86_400_000_000;
/** The epoch was a Thursday: the Monday after it. */
const MONDAY = 4 * 86_400_000_000;

/** When the window of `now` began, microseconds since the epoch. */
export function windowStart({ window }: Quota, now: number): number {
  const scale = window * 1_000;
  const first = scale % WEEK === 0 ? MONDAY : 0;
  return Math.floor((now - first) / scale) * scale + first;
}

/**
 * What is used of this window. What was counted in a later one is counted here: the clock was put back, which is no
 * reason to begin anew.
 */
export function quotaLevel(quota: Quota, state: State | undefined, now: number): number {
  const isOver = state === undefined || state.scale !== quota.window * 1_000;
  return isOver || state.at < windowStart(quota, now) ? 0 : state.level;
}

/** Microseconds until the window ends. */
export function quotaWait(quota: Quota, now: number): number {
  return windowStart(quota, now) + quota.window * 1_000 - now;
}

/** What can be given back of `level` that was taken some microseconds ago: nothing of a window that is over. */
export function quotaRefund(quota: Quota, level: number, ago: number, now: number): number {
  return now - Math.max(0, ago) < windowStart(quota, now) ? 0 : level;
}
