// What counts while a store cannot be reached. Keeps what was last heard from it, and goes on from there.

import type { PluginHost } from '../../src/plugin.ts';
import { digestOf } from './digest.ts';
import type { State } from './gcra.ts';
import { takeAll } from './ledger.ts';
import { type MemoryOptions, MemoryStore } from './memory.ts';
import type { Ask, Counted, Failing, Limit, Settlement, Told } from './store.ts';

export interface StandbyOptions extends MemoryOptions {
  /** For asks that do not say it themselves. */
  readonly fail: Failing;
  /** How many gateways share the store: each counts as if all were used like itself. */
  readonly replicas: number;
}

/** Until somebody who was refused because nobody can count may ask again, milliseconds. */
const COME_BACK = 1_000;

export class Standby {
  readonly #host: Pick<PluginHost, 'now' | 'limitHit' | 'count'>;
  readonly #memory: MemoryStore;
  /** Digests of what was counted here and the store has not heard of. */
  readonly #ahead = new Set<string>();
  #options: StandbyOptions;

  constructor(host: Pick<PluginHost, 'now' | 'limitHit' | 'count'>, options: StandbyOptions) {
    this.#host = host;
    this.#options = options;
    this.#memory = new MemoryStore(host, options);
  }

  get options(): StandbyOptions {
    return this.#options;
  }

  set options(options: StandbyOptions) {
    this.#options = options;
    this.#memory.options = options;
  }

  /** What the store says of a key. */
  heard(digest: string, state: State, limit: Limit): void {
    this.#ahead.delete(digest);
    if (state.level > 0) this.#memory.set(digest, state, limit);
    else this.#memory.forget(digest);
  }

  /** What the store is told of a key in case that it has forgotten; `ahead` where this is newer than what it has. */
  known(digest: string): { readonly state: State; readonly ahead: boolean } | undefined {
    const state = this.#memory.get(digest);
    return state && { state, ahead: this.#ahead.has(digest) };
  }

  /** Whether all would be let in, by what is known here. */
  hasRoom(asks: readonly Ask[]): boolean {
    const cells = { get: (digest: string) => this.#memory.get(digest), set() {} };
    return takeAll(asks, cells, Math.round(this.#host.now() * 1_000)).every(({ admitted }) => admitted);
  }

  /** The store is there again, or another one in its place: who knows more of a key is right. */
  doubt(): void {
    for (const digest of this.#memory.digests()) this.#ahead.add(digest);
  }

  take(asks: readonly Ask[]): Told[] {
    const ways = asks.map(({ fail }) => fail ?? this.#options.fail);
    for (const way of new Set(ways)) this.#host.count('store_failing', { kind: way });
    const isShut = ways.includes('closed');
    const local = asks.filter((_, at) => ways[at] === 'local');
    const counted = isShut ? this.#memory.peek(local).values() : this.#count(local).values();
    return asks.map((ask, at) => {
      const way = ways[at] ?? 'closed';
      const told = way === 'local' ? counted.next().value : undefined;
      return { ...(told ?? answer(way, ask.limit)), failing: way };
    });
  }

  adjust(settlements: readonly Settlement[]): void {
    const here = settlements.filter(({ fail }) => (fail ?? this.#options.fail) === 'local');
    this.#memory.adjust(here);
    this.#markAhead(here);
  }

  peek(keys: readonly Counted[]): Told[] {
    const known = this.#memory.peek(keys);
    return keys.map(({ limit, fail = this.#options.fail }, at) => {
      const told = fail === 'local' ? known[at] : undefined;
      return { ...(told ?? answer(fail, limit)), failing: fail };
    });
  }

  close(): void {
    this.#memory.close();
    this.#ahead.clear();
  }

  /** What is used at the other gateways is not known: they are taken to be used like this one. */
  #count(asks: readonly Ask[]): Told[] {
    const now = Math.round(this.#host.now() * 1_000);
    const told = takeAll(asks, this.#memory, now, Math.max(1, this.#options.replicas));
    if (told.every(({ admitted }) => admitted)) this.#markAhead(asks);
    return told;
  }

  #markAhead(keys: readonly Counted[]): void {
    for (const each of keys) {
      if (this.#ahead.size >= this.#options.keys) this.#ahead.clear();
      this.#ahead.add(digestOf(each));
    }
  }
}

function answer(way: Failing, limit: Limit): Told {
  if (way === 'closed') return { admitted: false, remaining: 0, resetMs: COME_BACK, retryMs: COME_BACK };
  return {
    admitted: true,
    remaining: limit.kind === 'rate' ? limit.burst : limit.units,
    resetMs: 0,
    retryMs: 0,
  };
}
