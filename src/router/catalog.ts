// Who offers what, where names do not say it: resources by URI and template, and tools without a prefix.
// Filled from the upstreams' own lists when first needed, and looked up anew when something is not found.

import { LRUCache } from 'lru-cache';
import { identityKey } from '../core/client.ts';
import { messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { Joint } from '../lib/joint.ts';
import { McpRequest } from '../protocol/message.ts';
import type { ListKind } from '../protocol/methods.ts';
import { inTime } from './in-time.ts';
import { listAll } from './list.ts';
import type { Source } from './source.ts';
import { KIND_OF, type Listed } from './target.ts';
import { matchesTemplate } from './template.ts';

interface Index {
  readonly at: number;
  /** Of the last list that could be had; undefined while there was none. */
  readonly names: ReadonlySet<string> | undefined;
  /** Whether the upstream could be asked this time. */
  readonly failed: boolean;
}

/** Who has a target; and where nobody is known to, who could not be asked. */
export interface Owner {
  readonly upstream: string | undefined;
  readonly missing: readonly string[];
}

/** A miss asks the upstreams again, but not more often than this, milliseconds. */
const AGAIN_MS = 1_000;
/** A hit is believed this long, milliseconds. */
const FRESH_MS = 60_000;
/** One that could not be asked holds no call back for this long, milliseconds. */
const RETRY_MS = 10_000;

/** How many lists are remembered: one of each kind for each upstream and caller. */
const INDEXES = 5_000;

export class Catalog {
  readonly #indexes = new LRUCache<string, Index>({ max: INDEXES });
  readonly #asking = new Map<string, Joint<Index>>();

  /** @param patience how long one upstream may keep a caller waiting, milliseconds */
  constructor(
    readonly sources: readonly Source[],
    readonly host: Host,
    readonly patience: number,
  ) {}

  /** The first upstream, in the order of the configuration, that offers the target to this caller. */
  async owner(target: Listed, x: Exchange): Promise<Owner> {
    const known = await this.#look(target, x, FRESH_MS);
    return known.upstream === undefined ? this.#look(target, x, AGAIN_MS) : known;
  }

  async #look(target: Listed, x: Exchange, maxAge: number): Promise<Owner> {
    const kind = KIND_OF[target.kind];
    const exact = await this.#find(kind, x, maxAge, (names) => names.has(target.name));
    if (exact.upstream !== undefined || target.kind !== 'resource') return exact;
    const fitting = await this.#find('resourceTemplates', x, maxAge, (names) =>
      [...names].some((template) => matchesTemplate(template, target.name)),
    );
    return { ...fitting, missing: [...new Set([...exact.missing, ...fitting.missing])] };
  }

  async #find(
    kind: ListKind,
    x: Exchange,
    maxAge: number,
    has: (names: ReadonlySet<string>) => boolean,
  ): Promise<Owner> {
    const indexes = await Promise.all(this.sources.map((source) => this.#index(source, kind, x, maxAge)));
    const found = indexes.findIndex(({ names }) => names && has(names));
    const missing = this.sources.filter((_, i) => indexes[i]?.failed).map(({ name }) => name);
    return { upstream: this.sources[found]?.name, missing };
  }

  async #index(source: Source, kind: ListKind, x: Exchange, maxAge: number): Promise<Index> {
    const key = [source.name, kind, x.client.era, identityKey(x.principal)].join('\n');
    const known = this.#indexes.get(key);
    const age = known?.failed ? Math.min(maxAge, RETRY_MS) : maxAge;
    if (known && this.host.now() - known.at < age) return known;
    let asking = this.#asking.get(key);
    if (!asking || asking.over) {
      asking = new Joint((signal) => this.#ask(source, kind, x, key, signal));
      this.#asking.set(key, asking);
      const mine = asking;
      const forget = (): void => void (this.#asking.get(key) === mine && this.#asking.delete(key));
      mine.settled.then(forget, forget);
    }
    return asking.wait(x.signal);
  }

  /** What it offers now; what it offered when it was last there goes on being its own: nobody else's takes the place. */
  async #ask(source: Source, kind: ListKind, x: Exchange, key: string, signal: AbortSignal): Promise<Index> {
    const { patience, host } = this;
    const asked = inTime(source.name, { signal, patience, host }, (both) =>
      namesOf(source, kind, x, both),
    ).then(
      (names): Index => ({ at: host.now(), names, failed: false }),
      (error: unknown): Index => {
        signal.throwIfAborted();
        host.log.debug('list not to be had', { upstream: source.name, list: kind, error: messageOf(error) });
        return { at: host.now(), names: this.#indexes.get(key)?.names, failed: true };
      },
    );
    const index = await asked;
    this.#indexes.set(key, index);
    return index;
  }
}

async function namesOf(
  source: Source,
  kind: ListKind,
  x: Exchange,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const meta = x.request.raw?.object('_meta')?.with({ progressToken: undefined });
  const request = new McpRequest(x.request.method, undefined, {});
  const bare = x.fork(source.name, meta ? request.with({ _meta: meta }) : request, signal);
  const items = await listAll(source, kind, bare);
  const member = kind === 'resources' ? 'uri' : kind === 'resourceTemplates' ? 'uriTemplate' : 'name';
  return new Set(items.map((item) => item.string(member)).filter((name) => name !== undefined));
}
