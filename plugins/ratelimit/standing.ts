// How one limit on one key stands, whatever it is and wherever it is counted. Microseconds, and units × `grain`.

import { rateMost, rateRefund, rateWait, type State } from './gcra.ts';
import { quotaRefund, quotaWait, windowStart } from './quota.ts';
import type { Limit, Settlement, Told } from './store.ts';

/** One ask, looked at. */
export interface View {
  readonly limit: Limit;
  /** What is used, without it. */
  readonly level: number;
  /** What is asked for. */
  readonly want: number;
  readonly admitted: boolean;
}

export function view(limit: Limit, level: number, want: number): View {
  return { limit, level, want, admitted: want === 0 || level + want <= capacity(limit) };
}

/** @param level what is used in the end */
export function tell({ limit, level: before, want, admitted }: View, level: number, now: number): Told {
  const most = capacity(limit);
  return {
    admitted,
    remaining: Math.max(0, Math.floor((most - level) / grain(limit))),
    resetMs: inMs(wait(limit, level, now)),
    retryMs: admitted
      ? 0
      : want > most
        ? Number.POSITIVE_INFINITY
        : inMs(wait(limit, before + want - most, now)),
  };
}

/** Microseconds of the window. */
export function scaleOf({ window }: Limit): number {
  return window * 1_000;
}

/** What a unit counts as: of a rate what runs off in a microsecond is whole then; of a quota any number of bytes is. */
function grain(limit: Limit): number {
  return limit.kind === 'rate' ? scaleOf(limit) : 2 ** 16;
}

export function capacity(limit: Limit): number {
  return (limit.kind === 'rate' ? limit.burst : limit.units) * grain(limit);
}

/** @throws RangeError where a cost is none: nobody could tell what to count */
export function inScale(limit: Limit, cost: number): number {
  if (!(cost >= 0)) throw new RangeError(`a cost of ${cost}`);
  return Math.round(cost * grain(limit));
}

/** What is kept when so much is used. */
export function stateAt(limit: Limit, level: number, now: number): State {
  return { at: limit.kind === 'rate' ? now : windowStart(limit, now), level, scale: scaleOf(limit) };
}

/** From when on a state says nothing any more. */
export function overAt(limit: Limit, { at, level }: State): number {
  return at + (limit.kind === 'rate' ? Math.ceil(rateWait(limit, level)) : scaleOf(limit));
}

/** Of two states of one key the one by which more is used. */
export function heavier(limit: Limit, one: State, other: State): State {
  const [first, second] = [overAt(limit, one), overAt(limit, other)];
  if (first === second) return one.level >= other.level ? one : other;
  return first > second ? one : other;
}

/** How much of the limit was used: 1 is all, more is a debt. */
export function shareOf(limit: Limit, { level }: State): number {
  return level / capacity(limit);
}

/** What a settlement changes: more, or less by what can be given back of it. Of a quota that holds within its window. */
export function changeOf({ limit, taken, cost, afterMs }: Settlement): { change: number; ago: number } {
  const ago = Math.max(0, Math.round(afterMs * 1_000));
  const before = inScale(limit, taken);
  const change = inScale(limit, cost) - before;
  const back = limit.kind === 'rate' ? rateRefund(limit, before, ago) : before;
  return { change: Math.max(change, -back), ago };
}

export function settled(
  limit: Limit,
  level: number,
  { change, ago }: ReturnType<typeof changeOf>,
  now: number,
): number {
  if (change > 0) return Math.max(level, Math.min(level + change, mostOf(limit)));
  const back = limit.kind === 'rate' ? -change : quotaRefund(limit, -change, ago, now);
  return Math.max(0, level - back);
}

/** As far as debts go. Those of a quota end with its window. */
export function mostOf(limit: Limit): number {
  return limit.kind === 'rate' ? rateMost(limit) : Number.POSITIVE_INFINITY;
}

function wait(limit: Limit, level: number, now: number): number {
  return limit.kind === 'rate' ? rateWait(limit, level) : quotaWait(limit, now);
}

function inMs(microseconds: number): number {
  return Math.ceil(microseconds / 1_000);
}
