// Where limits are counted: what is asked of a store, and what it tells. Must not know calls or callers.

/** `units` in each `window`, evenly, and `burst` of them at once. Whole numbers, 1 or more. */
export interface Rate {
  readonly kind: 'rate';
  readonly units: number;
  /** Milliseconds. */
  readonly window: number;
  readonly burst: number;
}

/** `units` in each window of the calendar (UTC): hours begin with the hour, days at midnight, weeks on Monday. */
export interface Quota {
  readonly kind: 'quota';
  readonly units: number;
  /** Milliseconds. */
  readonly window: number;
}

export type Limit = Rate | Quota;

/** What becomes of an ask while the store cannot be reached: counted here, let pass, refused. */
export type Failing = 'local' | 'open' | 'closed';

/** Whose limit: one key has one limit, and no two limits have one key. */
export interface Counted {
  /** Any text: stores keep a digest. */
  readonly key: string;
  readonly limit: Limit;
  /** Instead of what the store does for all. */
  readonly fail?: Failing | undefined;
}

export interface Ask extends Counted {
  /** 0 or more, and need not be whole. What costs nothing is let in whatever was used. */
  readonly cost: number;
}

/** What it came to in the end. */
export interface Settlement extends Counted {
  /** The cost that was asked with. */
  readonly taken: number;
  /** What it should have been. */
  readonly cost: number;
  /** How long ago it was taken, milliseconds: what has run off since cannot be given back. */
  readonly afterMs: number;
}

/** How it stands with one ask. */
export interface Told {
  /** Whether this one has room. It was taken where all that were asked together have. */
  readonly admitted: boolean;
  /** Whole units that are left; never below 0. */
  readonly remaining: number;
  /** Until all of it is there again; of a quota, until its window ends. Milliseconds, rounded up. */
  readonly resetMs: number;
  /** Until the same ask may have room: 0 where it had, Infinity where it is more than the limit ever holds. */
  readonly retryMs: number;
  /** Set where the store could not be asked: this is what `fail` makes of it. */
  readonly failing?: Failing;
}

export interface Lost {
  readonly since: number;
  /** One of a few words. */
  readonly reason: string;
}

/**
 * Nothing here fails but a cost that is none: what a store does while it cannot be reached is its own affair, and it takes no longer than its
 * deadline for it.
 */
export interface Store {
  /** Since when it cannot be asked, milliseconds since the epoch, and why; undefined while it can. */
  readonly lost: Lost | undefined;
  /** Keys that are kept in this process, where it keeps any. */
  readonly size?: number;
  /** Settles when the store has been asked for the first time, whether it could be or not. */
  readonly ready: Promise<void>;
  /**
   * Takes all or none.
   * @param tag what is spread over several machines stays together by it: the same key always comes with the same
   * tag, such as the tenant where every key is within one
   */
  take(asks: readonly Ask[], tag?: string): Told[] | Promise<Told[]>;
  /**
   * After the call: more was used than was taken, or less. What is missing is taken even where nothing is left, up to
   * DEBT_BURSTS times the burst of a rate; never is more given back than was taken.
   */
  adjust(settlements: readonly Settlement[], tag?: string): void | Promise<void>;
  /** How it stands. `admitted` says whether anything is left. */
  peek(keys: readonly Counted[], tag?: string): Told[] | Promise<Told[]>;
  close(): void | Promise<void>;
}

/** What a call costs beyond what is there is owed: so many times the burst of a rate, and no more. */
export const DEBT_BURSTS = 10;
