// The books of one process: what several limits make of one ask, all or none. Must not know where states are kept.

import { digestOf } from './digest.ts';
import { rateLevel, type State } from './gcra.ts';
import { quotaLevel } from './quota.ts';
import { changeOf, inScale, settled, stateAt, tell, type View, view } from './standing.ts';
import type { Ask, Counted, Limit, Settlement, Told } from './store.ts';

/** Where states are kept, by digest. */
export interface Cells {
  get(digest: string, limit: Limit): State | undefined;
  set(digest: string, state: State, limit: Limit): void;
}

interface Found extends View {
  readonly digest: string;
  /** Undefined, too, where the same key comes before: that one keeps it. */
  readonly before: State | undefined;
  /** What is asked for of the same key before, in `level` already. */
  readonly earlier: number;
}

/**
 * @param now microseconds since the epoch
 * @param times what one unit counts for
 */
export function takeAll(asks: readonly Ask[], cells: Cells, now: number, times = 1): Told[] {
  const found: Found[] = [];
  for (const ask of asks) found.push(look(ask, inScale(ask.limit, ask.cost), cells, found, now));
  const isTaken = found.every(({ admitted }) => admitted);
  return found.map((each) => {
    const level = isTaken ? each.level + each.want * times + each.earlier * (times - 1) : each.level;
    keep(each, level, cells, now);
    return tell(each, level, now);
  });
}

export function settleAll(settlements: readonly Settlement[], cells: Cells, now: number): void {
  for (const each of settlements) {
    const found = look(each, 0, cells, [], now);
    keep(found, settled(each.limit, found.level, changeOf(each), now), cells, now);
  }
}

export function peekAll(keys: readonly Counted[], cells: Pick<Cells, 'get'>, now: number): Told[] {
  return keys.map((each) => {
    const found = look(each, 0, cells, [], now);
    const told = tell(found, found.level, now);
    return { ...told, admitted: told.remaining > 0 };
  });
}

/** What is used now. */
export function levelOf(limit: Limit, state: State | undefined, now: number): number {
  return limit.kind === 'rate' ? rateLevel(limit, state, now) : quotaLevel(limit, state, now);
}

/** @param others what was looked at before for the same call: a key may be among it */
function look(
  counted: Counted,
  want: number,
  cells: Pick<Cells, 'get'>,
  others: readonly Found[],
  now: number,
): Found {
  const digest = digestOf(counted);
  const same = others.findLast((each) => each.digest === digest);
  const before = same ? undefined : cells.get(digest, counted.limit);
  const level = same ? same.level + same.want : levelOf(counted.limit, before, now);
  return {
    ...view(counted.limit, level, want),
    digest,
    before,
    earlier: same ? same.earlier + same.want : 0,
  };
}

/** What is refused leaves no trace, unless the clock was put back: then the time goes on from here. */
function keep(
  { digest, limit, before, level: found }: Found,
  level: number,
  cells: Cells,
  now: number,
): void {
  const state = stateAt(limit, level, now);
  if (level === found && (before === undefined || before.at <= state.at)) return;
  cells.set(digest, state, limit);
}
