// Results that are kept of one upstream, within a number and a size. Knows whom each is for and until when, and
// nothing of requests at work.

import { LRUCache } from 'lru-cache';
import type { Host } from '../core/host.ts';
import type { Scope } from '../protocol/caching.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Wanted } from './cache-key.ts';
import type { Link } from './link.ts';
import type { UpstreamLimits } from './spec.ts';

export interface Kept {
  readonly wanted: Wanted;
  readonly scope: Scope;
  /** The result without hints. */
  readonly raw: RawObject;
  /** Whether who made it is settled. */
  readonly signed: boolean;
  /** When it was received. */
  readonly at: number;
  /** How long it is good, by its upstream or by the configuration. */
  readonly ttlMs: number;
  /** Until when it is taken to be good; that may turn out to be over. */
  until: number;
  /** Where its upstream did not say how long it is good: then it is good no longer than this link. */
  readonly link: Link | undefined;
}

export type StoreLimits = Pick<UpstreamLimits, 'cacheBytes' | 'cacheEntries'>;

/** What an entry takes beside its texts, about. */
const ENTRY_BYTES = 512;
const LARGEST_SHARE = 8;

export class Store {
  #kept: LRUCache<string, Kept> | undefined;

  constructor(
    readonly upstream: string,
    readonly limits: StoreLimits,
    readonly host: Host,
  ) {}

  get bytes(): number {
    return this.#kept?.calculatedSize ?? 0;
  }

  get size(): number {
    return this.#kept?.size ?? 0;
  }

  /** What is good, or was until so many milliseconds ago: the caller's own before what is everybody's. */
  find(wanted: Wanted, ago = 0): Kept | undefined {
    if (!this.#kept) return undefined;
    for (const scope of ['private', 'public'] as const) {
      const kept = this.#kept.get(keyOf(wanted, scope));
      if (kept && this.#isGood(kept, ago)) return kept;
    }
    return undefined;
  }

  /** Whether it is good, or was until so many milliseconds ago. A clock that was set back makes nothing good for longer. */
  #isGood({ at, until }: Kept, ago: number): boolean {
    const now = this.host.now();
    return at <= now && now < until + ago;
  }

  /** All pages of a list are for the same: for one caller, as soon as one of them is. */
  keep(kept: Kept): void {
    const { listing, audience } = kept.wanted;
    const all = this.#room();
    const others = [...all.values()].filter(({ wanted }) => wanted.listing === listing);
    const isOwn = ({ scope, wanted }: Kept): boolean => scope === 'private' && wanted.audience === audience;
    const isPrivate =
      kept.scope === 'private' ||
      others.some((other) => other.wanted.page !== kept.wanted.page && isOwn(other));
    if (isPrivate) this.drop(({ wanted, scope }) => wanted.listing === listing && scope === 'public');
    else all.delete(keyOf(kept.wanted, 'private'));
    const scope = isPrivate ? 'private' : 'public';
    const key = keyOf(kept.wanted, scope);
    if (all.size >= all.max && !all.has(key)) this.#full('cache_entries');
    all.set(key, { ...kept, scope });
    this.#count();
  }

  /** A cursor that came from a kept page is none any more: the pages are not of one list any more. */
  dropPages({ listing, page }: Wanted): void {
    const pages = [...(this.#kept?.values() ?? [])].filter(({ wanted }) => wanted.listing === listing);
    if (
      page === '' ||
      !pages.some(({ raw, wanted }) => raw.raw('nextCursor') === page || wanted.page === page)
    )
      return;
    this.drop(({ wanted }) => wanted.listing === listing);
  }

  /** What `concerns` is not good any more. */
  change(concerns: (kept: Kept) => boolean): void {
    const now = this.host.now();
    for (const kept of this.#kept?.values() ?? []) if (concerns(kept)) kept.until = Math.min(kept.until, now);
  }

  drop(concerns: (kept: Kept) => boolean): void {
    for (const [key, kept] of [...(this.#kept?.entries() ?? [])]) if (concerns(kept)) this.#kept?.delete(key);
    this.#count();
  }

  /** As large as the limits are now: a reload may have changed them. */
  #room(): LRUCache<string, Kept> {
    const { cacheBytes, cacheEntries } = this.limits;
    const before = this.#kept;
    if (before?.max === cacheEntries && before.maxSize === cacheBytes) return before;
    const all = new LRUCache<string, Kept>({
      max: cacheEntries,
      maxSize: cacheBytes,
      maxEntrySize: Math.ceil(cacheBytes / LARGEST_SHARE),
      sizeCalculation: ({ raw }, key) => 2 * key.length + raw.text.length + ENTRY_BYTES,
      dispose: (_kept, _key, reason) => {
        if (reason === 'evict' && all.size < all.max - 1) this.#full('cache_bytes');
      },
    });
    for (const [key, kept] of [...(before?.entries() ?? [])].reverse()) all.set(key, kept);
    this.#kept = all;
    return all;
  }

  #full(limit: string): void {
    this.host.metrics.limitHits.inc({ limit });
  }

  #count(): void {
    this.host.metrics.cacheBytes.set({ upstream: this.upstream }, this.bytes);
  }
}

function keyOf({ listing, page, audience }: Wanted, scope: Scope): string {
  return JSON.stringify([listing, page, scope === 'public' ? null : audience]);
}
