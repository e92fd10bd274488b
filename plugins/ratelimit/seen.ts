// Which keys were seen lately and how often each limit refused, for `sluice limits`. Bounded; in this process alone.

import { LRUCache } from 'lru-cache';
import type { Counted } from './store.ts';

/** Keys of a limit that are remembered by name. */
const REMEMBERED = 1_000;

export interface SeenKey {
  /** As the store is asked for it. */
  readonly counted: Counted;
  readonly tag: string | undefined;
  /** Who was the last to use it. */
  readonly who: string;
  readonly values: readonly string[];
  refused: number;
}

export interface SeenLimit {
  readonly keys: LRUCache<string, SeenKey>;
  admitted: number;
  refused: number;
}

export class Seen {
  readonly #limits = new Map<string, SeenLimit>();

  of(name: string): SeenLimit {
    const known = this.#limits.get(name);
    if (known) return known;
    const made = { keys: new LRUCache<string, SeenKey>({ max: REMEMBERED }), admitted: 0, refused: 0 };
    this.#limits.set(name, made);
    return made;
  }

  saw(name: string, key: Omit<SeenKey, 'refused'>, isRefused: boolean): void {
    this.entered(name, isRefused);
    const { keys } = this.of(name);
    const before = keys.get(key.counted.key);
    const refused = (before?.refused ?? 0) + (isRefused ? 1 : 0);
    if (before && before.who === key.who && before.counted.limit === key.counted.limit)
      before.refused = refused;
    else keys.set(key.counted.key, { ...key, refused });
  }

  /** A place of a limit was asked for. */
  entered(name: string, isRefused: boolean): void {
    const limit = this.of(name);
    if (isRefused) limit.refused++;
    else limit.admitted++;
  }

  /** Forgets limits that are there no more. */
  only(names: readonly string[]): void {
    for (const name of this.#limits.keys()) if (!names.includes(name)) this.#limits.delete(name);
  }
}
