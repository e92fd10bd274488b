// What an endpoint offers of its upstreams' lists, and under which names. Pure: it asks nobody and remembers
// nothing, so that one view of the same lists is made once and serves lists, calls, look-ups and comparisons alike.

import type { Exchange } from '../core/exchange.ts';
import { digest } from '../lib/digest.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { prefixed, unprefixed } from './names.ts';

/** What has an owner; tasks are named one by one. */
export type OfferKind = Exclude<ListKind, 'tasks'>;

/** What one upstream lists of a kind, verbatim and in its order. */
export interface Part {
  readonly upstream: string;
  readonly items: readonly RawObject[];
}

/** One thing as clients of the endpoint see it. */
export interface Offered {
  readonly kind: OfferKind;
  readonly upstream: string;
  /** Its name or URI at the upstream. */
  readonly own: string;
  /** The same as clients know it; unique within its kind. */
  readonly name: string;
  /** As it is listed to clients. */
  readonly item: RawObject;
}

/** Where a name leads that says so by itself. */
export type Way = Pick<Offered, 'upstream' | 'own'>;

export interface Offering {
  /** Two offerings with the same offer the same. */
  readonly id: string;
  /** One upstream under its own names and nothing held back: everything passes as it is, pages and cursors too. */
  readonly transparent: boolean;
  /** Callers with the same key are offered the same of the same lists. */
  key(x: Exchange): string;
  /** In the order of the parts, which is that of the configuration, and then of their items. */
  offered(kind: OfferKind, parts: readonly Part[], x: Exchange): readonly Offered[];
  /**
   * The way of a name, where no list is needed to find it. A name that is hidden from the caller leads nowhere.
   * @returns undefined where only lists can tell
   */
  way(kind: OfferKind, name: string, x: Exchange): Way | 'nowhere' | undefined;
}

export interface OfferingOptions {
  /** In the order of the configuration. */
  readonly upstreams: readonly string[];
  /** Whether tools and prompts get their upstream's name in front. */
  readonly names: 'prefix' | 'none';
}

/** The member of an item by which it is asked for. */
const NAME_OF: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
  tasks: 'taskId',
};

export function createOffering(options: OfferingOptions): Offering {
  const { upstreams, names } = options;
  const prefixes = (kind: OfferKind): boolean =>
    names === 'prefix' && (kind === 'tools' || kind === 'prompts');
  return {
    id: digest(JSON.stringify([upstreams, names])),
    transparent: upstreams.length === 1 && names === 'none',
    key: () => '',
    offered(kind, parts) {
      const all = parts.flatMap(({ upstream, items }) =>
        items.flatMap((item): Offered[] => {
          const own = item.string(NAME_OF[kind]);
          // What has no name can be asked for by nobody.
          if (own === undefined) return [];
          if (!prefixes(kind)) return [{ kind, upstream, own, name: own, item }];
          const name = prefixed(upstream, own);
          return [{ kind, upstream, own, name, item: item.with({ name }) }];
        }),
      );
      return firstOfEach(all);
    },
    way(kind, name) {
      if (!prefixes(kind)) return undefined;
      const found = unprefixed(name, upstreams);
      return found ? { upstream: found.upstream, own: found.name } : 'nowhere';
    },
  };
}

/** Two upstreams may offer the same name or URI; the first one configured owns it. */
function firstOfEach(all: readonly Offered[]): Offered[] {
  const seen = new Set<string>();
  return all.filter(({ name }) => !seen.has(name) && seen.add(name));
}
