// What upstreams list, as they listed it last: one store for the whole gateway. It outlives generations: of an
// upstream whose entry did not change it keeps what is known. Nothing here knows of endpoints.

import { LRUCache } from 'lru-cache';
import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { type Audience, audienceOf, EVERYBODY } from './audience.ts';
import { LastGood, type Outcome, type Patience } from './last-good.ts';
import { type Listed, listAll } from './list.ts';
import type { OfferKind } from './offering.ts';
import type { Source } from './source.ts';

export interface StockLimits extends Patience {
  /** Characters of lists held. */
  readonly size: number;
}

export interface StockParts {
  readonly host: Host;
  /** As configured now. */
  readonly limits: () => StockLimits;
}

/** A list is not any more what it was when it was last given out. */
export interface StockChange {
  /** As `Source.entry`. */
  readonly entry: string;
  readonly kind: OfferKind;
  /** As `Audience.own`. */
  readonly audience: string;
}

export interface Look {
  /** What is younger is good enough, milliseconds. */
  readonly maxAge: number;
  /** Aborts when the upstream's pipeline of this generation goes. */
  readonly gone: AbortSignal;
}

interface Shelved {
  readonly list: LastGood<Listed>;
  readonly size: number;
}

/** What an entry takes beside its list, about. */
const ENTRY_SIZE = 512;

export class Stock {
  readonly #parts: StockParts;
  readonly #shelf: LRUCache<string, Shelved>;
  readonly #hearing = new Set<(change: StockChange) => void>();

  constructor(parts: StockParts) {
    this.#parts = parts;
    this.#shelf = new LRUCache({
      maxSize: parts.limits().size,
      sizeCalculation: ({ size }) => size,
      dispose: ({ list }, _key, reason) => {
        if (reason === 'evict') parts.host.metrics.limitHits.inc({ limit: 'lists' });
        if (reason !== 'set') list.close();
      },
    });
  }

  /**
   * A whole list as this caller may see it.
   * @throws the signal's reason when the caller leaves first
   */
  list(source: Source, kind: OfferKind, x: Exchange, { gone, maxAge }: Look): Promise<Outcome<Listed>> {
    const audience = audienceOf(x);
    const ask = async (signal: AbortSignal): Promise<Listed> =>
      this.#shared(await listAll(source, kind, x, signal), source, kind, audience);
    return this.#at(source, kind, audience).get({ ask, signal: x.signal, gone, maxAge });
  }

  /** What is known of it, without asking. */
  known(source: Source, kind: OfferKind, x: Exchange): Outcome<Listed> {
    return this.#at(source, kind, audienceOf(x)).known;
  }

  /** The upstream says that it may have changed. */
  invalidate(source: Source, kind: OfferKind, x: Exchange): void {
    this.#at(source, kind, audienceOf(x)).invalidate();
  }

  /** Calls `hear` for every list that changes, until the returned function is called. */
  onChange(hear: (change: StockChange) => void): () => void {
    this.#hearing.add(hear);
    return () => void this.#hearing.delete(hear);
  }

  close(): void {
    this.#shelf.clear();
  }

  #at(source: Source, kind: OfferKind, { own, common }: Audience): LastGood<Listed> {
    const there = this.#shelf.get(keyOf(source, kind, own))?.list;
    return there ?? this.#make(source, kind, own, this.#seed(source, kind, [common, EVERYBODY]));
  }

  #make(source: Source, kind: OfferKind, audience: string, from?: Outcome<Listed>): LastGood<Listed> {
    const { host, limits } = this.#parts;
    const key = keyOf(source, kind, audience);
    const list = new LastGood<Listed>(
      {
        now: host.now,
        patience: limits,
        came: ({ size }) => {
          // One that was put away meanwhile does not come back.
          if (this.#shelf.peek(key)?.list === list) this.#shelf.set(key, { list, size: ENTRY_SIZE + size });
        },
        differs: (value, before) =>
          value && before ? value.digest !== before.digest : (value ?? before)?.items.length !== 0,
        changed: () => {
          for (const hear of this.#hearing) hear({ entry: source.entry, kind, audience });
        },
        late: (waited, limit) => this.#late(source.name, waited, limit),
      },
      from?.value && { value: from.value, at: from.at },
    );
    this.#shelf.set(key, { list, size: ENTRY_SIZE });
    return list;
  }

  /** What is known to callers like this one is a beginning for those that never asked. */
  #seed(source: Source, kind: OfferKind, audiences: readonly string[]): Outcome<Listed> | undefined {
    const known = audiences.map((audience) => this.#shelf.get(keyOf(source, kind, audience))?.list.known);
    return known.find((outcome) => outcome?.value);
  }

  /** Puts a list that came for one of them where others begin; of two that are the same, one is kept. */
  #shared(listed: Listed, source: Source, kind: OfferKind, { own, common }: Audience): Listed {
    const known = this.#seed(source, kind, [common, EVERYBODY])?.value;
    const items = known?.digest === listed.digest ? known.items : listed.items;
    const theirs = [common, ...(listed.isPublic && source.isPlain ? [EVERYBODY] : [])];
    const others = theirs.filter((audience) => audience !== own);
    for (const audience of others) {
      const there = this.#shelf.get(keyOf(source, kind, audience))?.list;
      (there ?? this.#make(source, kind, audience)).adopt({ ...listed, items });
    }
    return others.length === 0 ? listed : { ...listed, items, size: 0 };
  }

  #late(upstream: string, waited: number, limit: string): GatewayError {
    this.#parts.host.metrics.timeouts.inc({ kind: 'list', upstream });
    const why = `The upstream "${upstream}" took longer than limits.${limit} (${waited} ms).`;
    return new GatewayError('UPSTREAM_TIMEOUT', why, { upstream });
  }
}

function keyOf({ entry }: Source, kind: OfferKind, audience: string): string {
  return `${entry}\n${kind}\n${audience}`;
}
