// Rates: the generic cell rate algorithm (ITU-T I.371) as a leaky bucket that is looked at when it is used. All in
// whole numbers, so that nothing drifts: time in microseconds, what was used in units × microseconds of the window.

import { DEBT_BURSTS, type Rate } from './store.ts';

/** What is kept of one key. */
export interface State {
  /** When `level` was so, microseconds since the epoch; of a quota, when its window began. */
  readonly at: number;
  /** What is used: of a rate in units × `scale`, of a quota in parts of a unit. */
  readonly level: number;
  /** Microseconds of the window that it was counted by: a reload may bring another one. */
  readonly scale: number;
}

/** What is used now. A clock that was put back has let nothing run off, and lets it from here on. */
export function rateLevel({ units, window }: Rate, state: State | undefined, now: number): number {
  if (state === undefined) return 0;
  const scale = window * 1_000;
  const level = state.scale === scale ? state.level : Math.round(state.level * (scale / state.scale));
  return Math.max(0, level - Math.max(0, now - state.at) * units);
}

/** Microseconds until so much has run off. */
export function rateWait({ units }: Rate, level: number): number {
  return Math.max(0, level) / units;
}

/** As far as debts go. */
export function rateMost({ burst, window }: Rate): number {
  return burst * (1 + DEBT_BURSTS) * window * 1_000;
}

/**
 * What can be given back of `level` that was taken some microseconds ago: what has run off since would have run off, or
 * would have been there for nobody.
 */
export function rateRefund({ units }: Rate, level: number, ago: number): number {
  return Math.max(0, level - Math.max(0, ago) * units);
}
