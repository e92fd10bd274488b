// What upstreams list and say of themselves, as it was the last time: one store for the whole gateway. It outlives
// generations, and restarts where there is a shelf: of an upstream whose entry did not change it keeps what is known.
// Nothing here knows of endpoints.

import { LRUCache } from 'lru-cache';
import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { Shelf } from '../core/shelf.ts';
import { digest } from '../lib/digest.ts';
import type { McpResult } from '../protocol/message.ts';
import { type Audience, anywhere, audienceAt, EVERYBODY, isShared } from './audience.ts';
import { Kinds } from './kinds.ts';
import { LastGood, type Outcome, type Patience } from './last-good.ts';
import { type Listed, listAll } from './list.ts';
import type { OfferKind } from './offering.ts';
import { HELLO, listsOf, passedOf, type Sort } from './sorts.ts';
import type { Said, Source } from './source.ts';

export interface StockLimits extends Patience {
  /** Characters of lists held. */
  readonly size: number;
  /** Kinds of callers of one principal that are known. */
  readonly audiences: number;
}

export interface StockParts {
  readonly host: Host;
  readonly shelf: Shelf;
  /** As configured now. */
  readonly limits: () => StockLimits;
}

/** A list is not any more what it was when it was last given out. */
export interface StockChange {
  /** As `Source.entry`. */
  readonly entry: string;
  readonly kind: OfferKind;
  /** As `Audience.own`, of everywhere. */
  readonly audience: string;
}

export interface Look {
  /** What is younger is good enough, milliseconds. */
  readonly maxAge: number;
  /** Whether what is kept below is not good enough. */
  readonly isFresh?: boolean | undefined;
  /** Aborts when the generation is to go. */
  readonly leaving: AbortSignal;
}

/** The list of an upstream as it passes. */
export interface Passed {
  readonly known: McpResult | undefined;
  keep(result: McpResult): void;
  /** @throws as `Stock.list` */
  get(ask: (signal: AbortSignal) => Promise<McpResult>, leaving: AbortSignal): Promise<Outcome<McpResult>>;
}

interface Shelved {
  readonly value: LastGood<unknown>;
  readonly size: number;
  readonly forget: () => void;
}

/** What an entry takes beside its list, about. */
const ENTRY_SIZE = 512;

export class Stock {
  readonly #parts: StockParts;
  #held: LRUCache<string, Shelved>;
  readonly #kinds = new Kinds();
  readonly #hearing = new Set<(change: StockChange) => void>();

  constructor(parts: StockParts) {
    this.#parts = parts;
    this.#held = this.#room(parts.limits().size);
  }

  #room(maxSize: number): LRUCache<string, Shelved> {
    return new LRUCache({
      maxSize,
      sizeCalculation: ({ size }) => size,
      dispose: ({ value, forget }, _key, reason) => {
        if (reason === 'evict') this.#parts.host.metrics.limitHits.inc({ limit: 'lists' });
        if (reason === 'set') return;
        value.close();
        forget();
      },
    });
  }

  /** After a reload there may be more room, or less. */
  #fit(size: number): void {
    if (this.#held.maxSize === size) return;
    const before = this.#held;
    this.#held = this.#room(size);
    for (const key of before.rkeys()) this.#held.set(key, before.peek(key));
  }

  /**
   * A whole list as this caller may see it.
   * @throws the signal's reason when the caller leaves first
   */
  list(source: Source, kind: OfferKind, x: Exchange, look: Look): Promise<Outcome<Listed>> {
    const { leaving, maxAge, isFresh } = look;
    const audience = audienceAt(source, x);
    const ask = async (signal: AbortSignal): Promise<Listed> => {
      const leave = x.runsOn.hold();
      try {
        return this.#shared(await listAll(source, kind, x, signal, isFresh), source, kind, audience);
      } finally {
        leave();
      }
    };
    return this.#at(source, listsOf(kind), audience).get({ ask, signal: x.signal, leaving, maxAge });
  }

  /** What it says of itself to this caller. @throws as `list` */
  hello(source: Source, x: Exchange, { leaving, maxAge }: Look): Promise<Outcome<Said>> {
    const audience = audienceAt(source, x);
    const ask = (): Promise<Said> => source.hello(x.caller);
    return this.#at(source, HELLO, { ...audience, own: audience.common }).get({
      ask,
      signal: x.signal,
      leaving,
      maxAge,
    });
  }

  /** A list of an upstream that is shown as it is: the result as it came. */
  passed(source: Source, kind: OfferKind, x: Exchange): Passed {
    const sort = passedOf(kind);
    const audience = audienceAt(source, x);
    const own = this.#at(source, sort, audience);
    const shared = (result: McpResult): McpResult => {
      this.#spread(source, sort, audience, result);
      return result;
    };
    return {
      known: own.known.value,
      keep: (result) => own.adopt(shared(result)),
      get: (ask, leaving) =>
        own.get({ ask: async (signal) => shared(await ask(signal)), signal: x.signal, leaving, maxAge: 0 }),
    };
  }

  /** What is known of a list, without asking. */
  known(source: Source, kind: OfferKind, x: Exchange): Outcome<Listed> {
    return this.#at(source, listsOf(kind), audienceAt(source, x)).known;
  }

  /** The upstream says that it may have changed. */
  invalidate(source: Source, kind: OfferKind, x: Exchange): void {
    const audience = audienceAt(source, x);
    const there = this.#at(source, listsOf(kind), audience);
    there.invalidate();
    if (source.senders.length === 0) return;
    // A subscription may come without the headers that its caller's requests have.
    const key = keyOf(source, kind, anywhere(audience.own));
    for (const [each, { value }] of this.#held.entries())
      if (value !== there && anywhere(each) === key) value.invalidate();
  }

  /** Calls `hear` for every list that changes, until the returned function is called. */
  onChange(hear: (change: StockChange) => void): () => void {
    this.#hearing.add(hear);
    return () => void this.#hearing.delete(hear);
  }

  close(): void {
    this.#held.clear();
  }

  #at<T>(source: Source, sort: Sort<T>, { own, common, whose }: Audience): LastGood<T> {
    this.#fit(this.#parts.limits().size);
    const key = keyOf(source, sort.name, own);
    const there = this.#get<T>(key);
    if (there) {
      this.#used(whose, own, key);
      return there;
    }
    const from = this.#seed(source, sort, [...new Set([own, common, EVERYBODY])]);
    return this.#make(source, sort, own, whose, from);
  }

  /** What is known to the kinds of callers that are too many is known no more. */
  #used(whose: string, audience: string, key: string): void {
    if (!isShared(audience) || audience === EVERYBODY) return;
    const { host, limits, shelf } = this.#parts;
    const over = this.#kinds.use(whose, audience, key, limits().audiences);
    if (over.length > 0) host.metrics.limitHits.inc({ limit: 'list_audiences' });
    for (const each of over) {
      this.#held.delete(each);
      shelf.drop(digest(each));
    }
  }

  #get<T>(key: string): LastGood<T> | undefined {
    // One key, one sort.
    return this.#held.get(key)?.value as LastGood<T> | undefined;
  }

  #make<T>(
    source: Source,
    sort: Sort<T>,
    audience: string,
    whose: string,
    from?: { value: T; at: number },
  ): LastGood<T> {
    const { host, limits, shelf } = this.#parts;
    const { name, kind } = sort;
    const key = keyOf(source, name, audience);
    const forget = (): void => this.#kinds.forget(whose, audience, key);
    const made = new LastGood<T>(
      {
        now: host.now,
        patience: limits,
        came: (value, before) => {
          // One that was put away meanwhile does not come back.
          if (this.#held.peek(key)?.value !== made) return;
          this.#held.set(key, { value: made, size: ENTRY_SIZE + sort.size(value), forget });
          if (isShared(audience) && !(before && sort.same(value, before)))
            shelf.keep(digest(key), sort.text(value), host.now());
        },
        differs: (value, before) => {
          if (value && before) return !sort.same(value, before);
          const there = value ?? before;
          return there !== undefined && !sort.isNothing(there);
        },
        changed: () => {
          if (kind)
            for (const hear of this.#hearing)
              hear({ entry: source.entry, kind, audience: anywhere(audience) });
        },
        late: (waited, limit) => this.#late(source.name, waited, limit),
      },
      from,
    );
    this.#held.set(key, { value: made, size: ENTRY_SIZE, forget });
    this.#used(whose, audience, key);
    return made;
  }

  /** What is known to callers like this one, or was before a restart, is a beginning for those that never asked. */
  #seed<T>(
    source: Source,
    sort: Sort<T>,
    audiences: readonly string[],
  ): { value: T; at: number } | undefined {
    for (const audience of audiences) {
      const key = keyOf(source, sort.name, audience);
      const known = this.#get<T>(key)?.known;
      if (known?.value) return { value: known.value, at: known.at };
      const kept = this.#parts.shelf.find(digest(key));
      const value = kept && sort.read(kept.text);
      if (value) return { value, at: kept.at };
    }
    return undefined;
  }

  /** Of two lists that are the same, for one caller and for those like it, the items are held once. */
  #shared(list: Listed, source: Source, kind: OfferKind, audience: Audience): Listed {
    const sort = listsOf(kind);
    const known = this.#get<Listed>(keyOf(source, kind, audience.common))?.known.value;
    const items = known?.digest === list.digest ? known.items : list.items;
    const spread = this.#spread(source, sort, audience, { ...list, items }, list.isPublic && source.isPlain);
    return spread ? { ...list, items, size: 0 } : list;
  }

  /** Puts what came for one where others like it begin. @returns whether there are such */
  #spread<T>(
    source: Source,
    sort: Sort<T>,
    { own, common, whose }: Audience,
    value: T,
    isForAll = false,
  ): boolean {
    const others = [common, ...(isForAll ? [EVERYBODY] : [])].filter((audience) => audience !== own);
    for (const audience of others) {
      const key = keyOf(source, sort.name, audience);
      const there = this.#get<T>(key);
      if (there) this.#used(whose, audience, key);
      (there ?? this.#make(source, sort, audience, whose)).adopt(value);
    }
    return others.length > 0;
  }

  #late(upstream: string, waited: number, limit: string): GatewayError {
    this.#parts.host.metrics.timeouts.inc({ kind: 'list', upstream });
    const why = `The upstream "${upstream}" took longer than limits.${limit} (${waited} ms).`;
    return new GatewayError('UPSTREAM_TIMEOUT', why, { upstream });
  }
}

function keyOf({ entry }: Source, kind: string, audience: string): string {
  return `${entry}\n${kind}\n${audience}`;
}
