// Limits counted in this process: exact, and gone with it.

import type { PluginHost } from '../../src/plugin.ts';
import type { State } from './gcra.ts';
import { type Cells, peekAll, settleAll, takeAll } from './ledger.ts';
import { overAt, shareOf } from './standing.ts';
import type { Ask, Counted, Limit, Settlement, Store, Told } from './store.ts';

export interface MemoryOptions {
  /** Keys that are kept at once. */
  readonly keys: number;
}

interface Entry {
  readonly state: State;
  readonly limit: Limit;
  /** Microseconds since the epoch. */
  readonly over: number;
}

/** Entries that are looked at to find what is over, whenever something is kept. */
const SWEPT = 2;
/** Entries of which one goes where there is no place for a new one. */
const CANDIDATES = 16;
/** How many may go for one that comes: after a reload there may be place for fewer. */
const EVICTED = 4;

/**
 * Bounded. Keys that are full again are dropped little by little, whenever others are used; where that is not enough,
 * the one goes of a few that has used least of its limit: forgetting it gives away least, and many new keys do not push
 * out one that is in debt.
 */
export class MemoryStore implements Store, Cells {
  readonly ready = Promise.resolve();
  readonly lost = undefined;
  /** May change with a reload. */
  options: MemoryOptions;
  readonly #host: Pick<PluginHost, 'now' | 'limitHit'>;
  readonly #entries = new Map<string, Entry>();
  /** Goes round over the entries. */
  #hand: Iterator<[string, Entry]> | undefined;

  constructor(host: Pick<PluginHost, 'now' | 'limitHit'>, options: MemoryOptions) {
    this.#host = host;
    this.options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  take(asks: readonly Ask[]): Told[] {
    return takeAll(asks, this, this.#now());
  }

  adjust(settlements: readonly Settlement[]): void {
    settleAll(settlements, this, this.#now());
  }

  peek(keys: readonly Counted[]): Told[] {
    return peekAll(keys, this, this.#now());
  }

  close(): void {
    this.#entries.clear();
  }

  get(digest: string): State | undefined {
    return this.#entries.get(digest)?.state;
  }

  set(digest: string, state: State, limit: Limit): void {
    const now = this.#now();
    for (let at = 0; at < SWEPT; at++) {
      const [key, entry] = this.#next() ?? [];
      if (key !== undefined && entry && entry.over <= now) this.#entries.delete(key);
    }
    for (let at = 0; at < EVICTED && !this.#entries.has(digest) && this.#isFull(); at++) this.#evict(now);
    this.#entries.set(digest, { state, limit, over: overAt(limit, state) });
  }

  digests(): Iterable<string> {
    return this.#entries.keys();
  }

  forget(digest: string): void {
    this.#entries.delete(digest);
  }

  #isFull(): boolean {
    return this.#entries.size >= Math.max(1, this.options.keys);
  }

  #evict(now: number): void {
    let least: { key: string; share: number } | undefined;
    for (let at = 0; at < Math.min(CANDIDATES, this.#entries.size); at++) {
      const [key, entry] = this.#next() ?? [];
      if (key === undefined || !entry) break;
      const share = shareNow(entry, now);
      if (!least || share < least.share) least = { key, share };
    }
    if (!least) return;
    this.#entries.delete(least.key);
    if (least.share > 0) this.#host.limitHit('ratelimit_keys');
  }

  #next(): [string, Entry] | undefined {
    const next = this.#hand?.next();
    if (next && !next.done) return next.value;
    this.#hand = this.#entries.entries();
    const first = this.#hand.next();
    return first.done ? undefined : first.value;
  }

  #now(): number {
    return Math.round(this.#host.now() * 1_000);
  }
}

/** What is used of a limit by now, as a share of it. */
function shareNow({ state, limit, over }: Entry, now: number): number {
  if (over <= now) return 0;
  const left = limit.kind === 'rate' ? Math.min(1, (over - now) / (over - state.at)) : 1;
  return shareOf(limit, state) * left;
}
