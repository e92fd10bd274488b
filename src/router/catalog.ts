// Who offers what, where names do not say it: resources by URI and template, and tools without a prefix.
// Filled from the upstreams' own lists when first needed, and looked up anew when something is not found.

import { LRUCache } from 'lru-cache';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { McpRequest } from '../protocol/message.ts';
import type { ListKind } from '../protocol/methods.ts';
import { listAll } from './list.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';
import { matchesTemplate } from './template.ts';

interface Index {
  readonly at: number;
  readonly names: ReadonlySet<string>;
}

/** A miss asks the upstreams again, but not more often than this, milliseconds. */
const AGAIN_MS = 1_000;
/** A hit is believed this long, milliseconds. */
const FRESH_MS = 60_000;

/** How many lists are remembered: one of each kind for each upstream and caller. */
const INDEXES = 5_000;

const KIND_OF: Readonly<Record<Target['kind'], ListKind>> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resourceTemplates',
  task: 'tools',
};

export class Catalog {
  readonly #indexes = new LRUCache<string, Promise<Index>>({ max: INDEXES });

  constructor(
    readonly sources: readonly Source[],
    readonly host: Host,
  ) {}

  /** The first upstream, in the order of the configuration, that offers the target to this caller. */
  async owner(target: Target, x: Exchange): Promise<string | undefined> {
    return (await this.#look(target, x, FRESH_MS)) ?? (await this.#look(target, x, AGAIN_MS));
  }

  async #look(target: Target, x: Exchange, maxAge: number): Promise<string | undefined> {
    const kind = KIND_OF[target.kind];
    const exact = await this.#find(kind, x, maxAge, (names) => names.has(target.name));
    if (exact !== undefined || target.kind !== 'resource') return exact;
    return this.#find('resourceTemplates', x, maxAge, (names) =>
      [...names].some((template) => matchesTemplate(template, target.name)),
    );
  }

  async #find(
    kind: ListKind,
    x: Exchange,
    maxAge: number,
    has: (names: ReadonlySet<string>) => boolean,
  ): Promise<string | undefined> {
    const indexes = await Promise.all(this.sources.map((source) => this.#index(source, kind, x, maxAge)));
    return this.sources.find((_, i) => indexes[i] && has(indexes[i].names))?.name;
  }

  async #index(source: Source, kind: ListKind, x: Exchange, maxAge: number): Promise<Index | undefined> {
    const { tenant = '', id } = x.principal;
    const key = [source.name, kind, x.client.era, tenant, id].join('\n');
    const before = this.#indexes.get(key);
    const known = await before?.catch(() => undefined);
    if (known && this.host.now() - known.at < maxAge) return known;
    const meanwhile = this.#indexes.get(key);
    if (meanwhile && meanwhile !== before) return meanwhile.catch(() => known);
    const asking = this.#fetch(source, kind, x);
    this.#indexes.set(key, asking);
    return asking.catch(() => {
      // What it offered when it was last there goes on being its own: nobody else's takes the place.
      if (this.#indexes.get(key) === asking) {
        if (before && known) this.#indexes.set(key, before);
        else this.#indexes.delete(key);
      }
      return known;
    });
  }

  async #fetch(source: Source, kind: ListKind, x: Exchange): Promise<Index> {
    const meta = x.request.raw?.object('_meta')?.with({ progressToken: undefined });
    const bare = x.fork(source.name, new McpRequest(x.request.method, undefined, {}));
    if (meta) bare.replace(new McpRequest(x.request.method, undefined, {}).with({ _meta: meta }));
    const items = await listAll(source, kind, bare);
    const member = kind === 'resources' ? 'uri' : kind === 'resourceTemplates' ? 'uriTemplate' : 'name';
    const names = items.map((item) => item.string(member)).filter((name) => name !== undefined);
    return { at: this.host.now(), names: new Set(names) };
  }
}
