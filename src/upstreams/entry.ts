// What the pool keeps of a link and of each exchange that uses one.

import type { Link } from './link.ts';
import type { Pooled } from './pooled.ts';
import { SHARED, type Slot, STATELESS, UNASKED } from './sharing.ts';
import type { Target } from './targets.ts';
import type { Turns } from './turns.ts';

/** A link in the pool, from when it begins to be opened. */
export interface Entry {
  readonly slot: Slot;
  readonly target: Target;
  readonly holders: Set<Holder>;
  opening: Promise<Pooled>;
  pooled: Pooled | undefined;
  /** Runs while nothing uses it. */
  idle: Timer | undefined;
  retired: boolean;
  /** Whoever is not in the middle of a call should go elsewhere. */
  readonly moved: PromiseWithResolvers<void>;
}

/** An exchange that uses links, one at a time. */
export interface Holder {
  entry: Entry | undefined;
  /** The target it was last for. */
  target: Target | undefined;
  readonly prefer: Target | undefined;
  who: () => string;
  turns: Turns | undefined;
  over: boolean;
}

export function newEntry(slot: Slot, target: Target): Entry {
  return {
    slot,
    target,
    holders: new Set(),
    opening: Promise.resolve() as never,
    pooled: undefined,
    idle: undefined,
    retired: false,
    moved: Promise.withResolvers(),
  };
}

export function newHolder(prefer: Target | undefined): Holder {
  return {
    prefer,
    entry: undefined,
    target: undefined,
    who: () => '',
    turns: undefined,
    over: false,
  };
}

/** Whether it serves some callers only. */
export function isOwn({ slot }: Entry): boolean {
  return slot !== SHARED && slot !== UNASKED && slot !== STATELESS;
}

/** Ends subscriptions, which begin anew elsewhere; calls go on. */
export function endListening(link: Link): void {
  for (const call of [...link.calls()])
    if (call.x.request.method === 'subscriptions/listen') link.cancel(call, 'it goes on elsewhere');
}

/** Whether it remembers nobody: any request could go by another. */
export function isStateless({ slot, target }: Entry): boolean {
  return slot === target.stateless || slot.spreads === true;
}
