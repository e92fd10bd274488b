// The books of one process: what several limits make of one ask, all or none. Must not know where states are kept.

import { rateLevel, rateMost, rateRefund, rateWait, type State } from './gcra.ts';
import { quotaLevel, quotaRefund, quotaWait, windowStart } from './quota.ts';
import type { Ask, Counted, Limit, Settlement, Told } from './store.ts';

/** Where states are kept, by digest. */
export interface Cells {
  get(digest: string): State | undefined;
  set(digest: string, state: State, limit: Limit): void;
}

/** One limit on one key, looked at. */
interface View {
  readonly digest: string;
  readonly limit: Limit;
  readonly before: State | undefined;
  readonly level: number;
  /** What is asked for. */
  readonly want: number;
  readonly admitted: boolean;
}

/** @param now microseconds since the epoch */
export function takeAll(
  asks: readonly Ask[],
  cells: Cells,
  digestOf: (each: Counted) => string,
  now: number,
): Told[] {
  const views: View[] = [];
  for (const ask of asks) views.push(look(ask, digestOf(ask), cells, views, now));
  const isTaken = views.every(({ admitted }) => admitted);
  return views.map((view) => {
    const level = isTaken ? view.level + view.want : view.level;
    keep(view, level, cells, now);
    return tell(view, level, now);
  });
}

export function settleAll(
  settlements: readonly Settlement[],
  cells: Cells,
  digestOf: (each: Counted) => string,
  now: number,
): void {
  for (const { taken, cost, afterMs, ...counted } of settlements) {
    const view = look({ ...counted, cost: 0 }, digestOf(counted), cells, [], now);
    const more = inScale(view.limit, cost) - inScale(view.limit, taken);
    const level = more > 0 ? indebted(view, more) : view.level - refund(view, -more, taken, afterMs, now);
    keep(view, Math.max(0, level), cells, now);
  }
}

export function peekAll(
  keys: readonly Counted[],
  cells: Pick<Cells, 'get'>,
  digestOf: (each: Counted) => string,
  now: number,
): Told[] {
  return keys.map((each) => {
    const view = look({ ...each, cost: 0 }, digestOf(each), cells, [], now);
    const told = tell(view, view.level, now);
    return { ...told, admitted: told.remaining > 0 };
  });
}

/** What `state` says is of no more use from then on, microseconds since the epoch. */
export function overAt(limit: Limit, { at, level }: State): number {
  return at + (limit.kind === 'rate' ? Math.ceil(rateWait(limit, level)) : limit.window * 1_000);
}

/** How much of the limit was used: 1 is all, more is a debt. */
export function shareOf(limit: Limit, { level }: State): number {
  return level / capacity(limit);
}

/** @param views what was looked at before for the same call: a key may be among it */
function look(
  { limit, cost }: Ask,
  digest: string,
  cells: Pick<Cells, 'get'>,
  views: readonly View[],
  now: number,
): View {
  const same = views.findLast((view) => view.digest === digest);
  const before = same?.before ?? cells.get(digest);
  const level = same ? same.level + same.want : levelOf(limit, before, now);
  const want = inScale(limit, cost);
  return { digest, limit, before, level, want, admitted: want === 0 || level + want <= capacity(limit) };
}

function levelOf(limit: Limit, state: State | undefined, now: number): number {
  return limit.kind === 'rate' ? rateLevel(limit, state, now) : quotaLevel(limit, state, now);
}

/** What is refused leaves no trace, unless the clock was put back: then the time goes on from here. */
function keep({ digest, limit, before, level: found }: View, level: number, cells: Cells, now: number): void {
  const at = limit.kind === 'rate' ? now : windowStart(limit, now);
  if (level === found && (before === undefined || before.at <= at)) return;
  cells.set(digest, { at, level, scale: limit.window * 1_000 }, limit);
}

function tell({ limit, level: before, want, admitted }: View, level: number, now: number): Told {
  const most = capacity(limit);
  return {
    admitted,
    remaining: Math.max(0, Math.floor((most - level) / (limit.window * 1_000))),
    resetMs: inMs(wait(limit, level, now)),
    retryMs: admitted
      ? 0
      : want > most
        ? Number.POSITIVE_INFINITY
        : inMs(wait(limit, before + want - most, now)),
  };
}

function wait(limit: Limit, level: number, now: number): number {
  return limit.kind === 'rate' ? rateWait(limit, level) : quotaWait(limit, now);
}

function indebted({ limit, level }: View, more: number): number {
  return limit.kind === 'rate' ? Math.max(level, Math.min(level + more, rateMost(limit))) : level + more;
}

function refund({ limit }: View, less: number, taken: number, afterMs: number, now: number): number {
  const ago = Math.round(afterMs * 1_000);
  const left = inScale(limit, taken);
  return Math.min(
    less,
    limit.kind === 'rate' ? rateRefund(limit, left, ago) : quotaRefund(limit, left, ago, now),
  );
}

function capacity(limit: Limit): number {
  return (limit.kind === 'rate' ? limit.burst : limit.units) * limit.window * 1_000;
}

/** @throws RangeError where a cost is none: nobody could tell what to count */
function inScale({ window }: Limit, cost: number): number {
  if (!(cost >= 0)) throw new RangeError(`a cost of ${cost}`);
  return Math.round(cost * window * 1_000);
}

function inMs(microseconds: number): number {
  return Math.ceil(microseconds / 1_000);
}
