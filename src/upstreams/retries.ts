// When a request that only reads is sent once more: how often, how soon, and within which share of all requests.
// Knows neither links nor what went wrong in them.

import type { Host } from '../core/host.ts';
import { pause } from '../lib/pause.ts';
import type { Passing } from './transient.ts';

/** Durations in milliseconds. */
export interface RetryOptions {
  /** Most tries after the first. */
  readonly max: number;
  /** Longest wait before the second try; before each further one it is twice as long, up to `maxBackoff`. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Longest wait that a server may ask for. */
  readonly retryAfter: number;
  /** Most retries, in percent of the requests of the last ten seconds. */
  readonly budget: number;
  /** Retries in a second that are allowed whatever there is of requests. */
  readonly floor: number;
  /** Whether tools that say that it does no harm are called again. */
  readonly tools: 'never' | 'idempotent';
}

/** How many seconds are looked back on. */
const SECONDS = 10;

interface Slot {
  second: number;
  requests: number;
  retries: number;
}

/** What was sent in the last ten seconds, by the second: first tries, and others. */
class Budget {
  readonly #slots = Array.from(
    { length: SECONDS },
    (): Slot => ({ second: -SECONDS, requests: 0, retries: 0 }),
  );

  constructor(
    readonly options: Pick<RetryOptions, 'budget' | 'floor'>,
    readonly now: () => number,
  ) {}

  request(): void {
    this.#slot.requests++;
  }

  /** @returns whether there is one left; then it is used up */
  retry(): boolean {
    const { budget, floor } = this.options;
    const current = this.#slot;
    let requests = 0;
    let retries = 0;
    for (const slot of this.#slots) {
      // A clock that was put back leaves slots of the future behind.
      if (Math.abs(current.second - slot.second) >= SECONDS) continue;
      requests += slot.requests;
      retries += slot.retries;
    }
    if (retries + 1 > Math.max((requests * budget) / 100, floor * SECONDS)) return false;
    current.retries++;
    return true;
  }

  get #slot(): Slot {
    const second = Math.floor(this.now() / 1_000);
    const slot = this.#slots[second % SECONDS] as Slot;
    if (slot.second !== second) Object.assign(slot, { second, requests: 0, retries: 0 });
    return slot;
  }
}

export class Retries {
  readonly #budget: Budget;

  /** @param total the longest that all of a call may take, milliseconds */
  constructor(
    readonly upstream: string,
    readonly options: RetryOptions,
    readonly total: number,
    readonly host: Host,
  ) {
    this.#budget = new Budget(options, host.now);
  }

  /** A request is sent for the first time. */
  begin(): Tries {
    this.#budget.request();
    return new Tries(this);
  }

  /** @returns how long to wait for the next try, if there is to be one */
  next(made: number, word: number | undefined, elapsed: number): number | undefined {
    const { max, backoff, maxBackoff, retryAfter } = this.options;
    if (made >= max || (word !== undefined && word > retryAfter)) return undefined;
    // Anything between nothing and all of it: those that failed together do not come back together.
    const most = Math.min(backoff * 2 ** made, maxBackoff);
    const wait = (word ?? 0) + (this.host.random ?? Math.random)() * most;
    if (elapsed + wait >= this.total) return undefined;
    if (this.#budget.retry()) return wait;
    this.count('over_budget');
    return undefined;
  }

  /** Whether a request may be sent again on another connection, at once, because the one it was sent on had been closed. */
  reconnects(): boolean {
    if (this.options.max > 0 && !this.#budget.retry()) return false;
    this.count('reconnected');
    return true;
  }

  count(outcome: 'answered' | 'failed' | 'over_budget' | 'reconnected'): void {
    this.host.metrics.upstreamRetries.inc({ upstream: this.upstream, outcome });
  }
}

/** The tries of one request. */
export class Tries {
  readonly #of: Retries;
  readonly #began = performance.now();
  #made = 0;
  #wait = 0;

  constructor(of: Retries) {
    this.#of = of;
  }

  /** Whether there is to be another one, after `pause`. */
  again(why: Passing): boolean {
    const wait = this.#of.next(this.#made, why.word, performance.now() - this.#began);
    if (wait === undefined) return false;
    this.over(false);
    this.#made++;
    this.#wait = wait;
    return true;
  }

  /** @throws the signal's reason when the caller goes meanwhile */
  pause(signal: AbortSignal): Promise<void> {
    return pause(this.#wait, signal);
  }

  /** What became of the latest. */
  over(answered: boolean): void {
    if (this.#made > 0) this.#of.count(answered ? 'answered' : 'failed');
  }
}
