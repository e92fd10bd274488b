// What one endpoint shows of its upstreams' lists: made once for the same lists, and looked into by name.

import { LRUCache } from 'lru-cache';
import type { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { digest } from '../lib/digest.ts';
import { remembered } from '../lib/remembered.ts';
import type { Outcome } from './last-good.ts';
import type { Listed } from './list.ts';
import { type Offered, type Offering, type OfferKind, visible } from './offering.ts';
import type { Source } from './source.ts';
import type { Stock } from './stock.ts';

/** Views kept: one for each kind, set of lists and kind of caller. */
const VIEWS = 256;

/** One upstream whose list could not be had. */
export interface Missing {
  readonly upstream: string;
  readonly error: GatewayError;
}

/** What callers of one kind see of certain lists. */
export interface View {
  readonly offered: readonly Offered[];
  /** By the name that clients know. */
  readonly byName: ReadonlyMap<string, Offered>;
  /** Two views with the same are the same. */
  readonly digest: string;
}

/** A view and how it came about. */
export interface Seen {
  readonly view: View;
  /** Left out. */
  readonly missing: readonly Missing[];
  /** As they were before. */
  readonly stale: readonly Missing[];
  /** How long it stays as it is, as far as the upstreams say, milliseconds. */
  readonly ttl: number;
  readonly isPublic: boolean;
  /** Whether every upstream has been asked: somebody has been shown this. */
  readonly isWhole: boolean;
  /** Whether an upstream has said since that its list changed. */
  readonly isInvalid: boolean;
}

/** Of what this caller sees of a view: plugins may have hidden something from it. */
export function digestFor(x: Exchange, kind: OfferKind, { view }: Seen, offering: Offering): string {
  if (!x.isNarrowed) return view.digest;
  return digestOf(visible(kind, view.offered, x, offering));
}

function digestOf(offered: readonly Offered[]): string {
  return digest(offered.map(({ item }) => item.text).join(','));
}

export interface ViewsParts {
  readonly sources: readonly Source[];
  readonly offering: Offering;
  readonly stock: Stock;
  readonly now: () => number;
  /** Aborts when the generation is to go. */
  readonly leaving: AbortSignal;
}

/** How good what is seen must be. */
export interface Wish {
  /** How old a list may be, milliseconds. */
  readonly maxAge: number;
  /** Whether one that upstreams below keep is too old. */
  readonly isFresh?: boolean | undefined;
  /** The one upstream that is asked; of the others, what is known is taken. */
  readonly only?: string | undefined;
}

interface Share {
  readonly upstream: string;
  readonly outcome: Outcome<Listed>;
}

/** The same lists are looked into by every call. */
const keyOf = remembered(digest);

export class Views {
  readonly #parts: ViewsParts;
  readonly #made = new LRUCache<string, View>({ max: VIEWS });

  constructor(parts: ViewsParts) {
    this.#parts = parts;
  }

  /** The upstreams that are asked, in the order of the configuration. */
  get sources(): readonly Source[] {
    return this.#parts.sources;
  }

  /**
   * What the caller sees, as far as it can be had in time.
   * @throws the reason of the exchange's signal when it aborts first
   */
  async see(kind: OfferKind, x: Exchange, { maxAge, isFresh, only }: Wish): Promise<Seen> {
    const { sources, stock, leaving } = this.#parts;
    const outcomes = await Promise.all(
      sources.map((source) =>
        only === undefined || source.name === only
          ? stock.list(source, kind, x, { maxAge, isFresh, leaving })
          : stock.known(source, kind, x),
      ),
    );
    return this.#seen(kind, x, outcomes);
  }

  /** The same without asking anybody. */
  known(kind: OfferKind, x: Exchange): Seen {
    const { sources, stock } = this.#parts;
    return this.#seen(
      kind,
      x,
      sources.map((source) => stock.known(source, kind, x)),
    );
  }

  #seen(kind: OfferKind, x: Exchange, outcomes: readonly Outcome<Listed>[]): Seen {
    const { sources, now, offering } = this.#parts;
    const shares = sources.flatMap(({ name }, i): Share[] => {
      const outcome = outcomes[i];
      return outcome ? [{ upstream: name, outcome }] : [];
    });
    const failed = shares.flatMap(({ upstream, outcome: { value, failure } }) =>
      failure ? [{ upstream, error: failure, isStale: value !== undefined }] : [],
    );
    const left = shares.map(({ outcome: { value, at, failure } }) =>
      value && !failure ? Math.max(0, at + value.ttl - now()) : 0,
    );
    return {
      view: this.#view(kind, x, shares),
      missing: failed.filter(({ isStale }) => !isStale),
      stale: failed.filter(({ isStale }) => isStale),
      ttl: Math.min(...left),
      isWhole: shares.every(({ outcome: { value, failure } }) => value ?? failure),
      isInvalid: shares.some(({ outcome }) => outcome.isInvalid),
      isPublic:
        offering.key(x) === '' &&
        !offering.hides(kind, x) &&
        shares.every(({ outcome: { value, failure } }) => value?.isPublic === true && !failure),
    };
  }

  #view(kind: OfferKind, x: Exchange, shares: readonly Share[]): View {
    const { offering } = this.#parts;
    const lists = shares.flatMap(({ upstream, outcome: { value } }) => (value ? [{ upstream, value }] : []));
    const key = keyOf(
      JSON.stringify([kind, offering.key(x), lists.map(({ upstream, value }) => [upstream, value.digest])]),
    );
    const there = this.#made.get(key);
    if (there) return there;
    const parts = lists.map(({ upstream, value: { items } }) => ({ upstream, items }));
    const view = viewOf(offering.offered(kind, parts, x));
    this.#made.set(key, view);
    return view;
  }
}

function viewOf(offered: readonly Offered[]): View {
  let known: string | undefined;
  return {
    offered,
    byName: new Map(offered.map((each) => [each.name, each])),
    get digest() {
      known ??= digestOf(offered);
      return known;
    },
  };
}
