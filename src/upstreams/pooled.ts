// A link that is in use by some, and what those who use links and those who own them ask of the pool.

import type { Client } from '../core/client.ts';
import type { Verdict } from './health.ts';
import type { Link } from './link.ts';
import type { Slot } from './sharing.ts';
import type { Target } from './targets.ts';
import type { Turns } from './turns.ts';
import type { Watchers } from './watch.ts';

export interface Pooled {
  readonly link: Link;
  readonly slot: Slot;
  readonly target: Target;
  readonly watchers: Watchers;
  /** Resolves when it is gone, or when whatever is not a call should move to another. */
  readonly ended: Promise<void>;
  /** Where questions could be mixed up. */
  readonly turns: Turns | undefined;
  /** Whether a question was declined that may have been for a call that was given up. */
  mistrusted: boolean;
}

/** What a link tells its pool. */
export interface Told {
  ended(why: string): void;
  /** What was begun is of no use; it takes a place until it has ended. */
  leaving(ended: Promise<unknown>): void;
  callOver(): void;
}

export interface PoolHooks {
  /** Gives up when the signal aborts. */
  open(slot: Slot, target: Target, told: Told, signal: AbortSignal): Promise<Link>;
  /** @param left to be called when somebody watches no longer */
  watch(link: Link, slot: Slot, left: () => void): Watchers;
  /** Whether what is sent may carry each caller's own credential. */
  perCaller(): boolean;
  /** The roots of the client whose session the link serves changed. Never rejects. */
  rootsChanged(pooled: Pooled): Promise<void>;
  /** The link is gone, by itself or closed. */
  closed(pooled: Pooled, why: string): void;
}

/** What a link is wanted for. */
export interface Use {
  /** Which of the links of its kind; the first serves all but calls that must keep away from others. */
  readonly place?: number;
  /** It is no request that a server answers and is done with. */
  readonly lasts?: boolean;
  /** Nothing is lost when it is not answered. */
  readonly safe?: boolean;
  /** Targets that failed this request already; one of them is taken only where there is no other. */
  readonly exclude?: ReadonlySet<Target> | undefined;
}

/** What one exchange uses, which stays open until it lets go. */
export interface Hold {
  /**
   * The link for a client, in its own era where the upstream speaks it; the one held before is let go.
   * @throws GatewayError when the upstream cannot be reached or speaks no era that we do
   */
  acquire(client: Client, use?: Use): Promise<Pooled>;
  /** Waits, where questions could be mixed up, until a call of this client may run. */
  turn(pooled: Pooled | undefined, client: Client, signal: AbortSignal, resumes?: boolean): Promise<void>;
  /** The target of the link held now, where that serves everybody and remembers nobody. */
  readonly stateless: Target | undefined;
  /** How the call on the link that was acquired last has ended. */
  heard(verdict: Verdict): void;
  release(): void;
}

/** Calls, parked ones too, and who watches keep a link open. */
export function isBusy({ link, watchers }: Pooled): boolean {
  return link.size.calls > 0 || watchers.size > 0;
}
