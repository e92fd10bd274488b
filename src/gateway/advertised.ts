// The input schemas of tools as clients of an endpoint were shown them, for headers that mirror arguments. Lists are
// the store's; what plugins make of a tool for a caller is remembered here.

import { LRUCache } from 'lru-cache';
import { type Client, identityKey } from '../core/client.ts';
import { Exchange } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import { Joint } from '../lib/joint.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, McpResult, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { joined } from '../router/merge.ts';
import type { LookUps } from '../router/owner.ts';
import type { Wish } from '../router/views.ts';

/** How many tools are remembered, one for each caller. */
const TOOLS = 5_000;

/** The endpoint whose tools are meant. */
export interface Listing {
  /** A tool as the router lists it to the caller; only the upstream that `x` goes to is asked. */
  tool(x: Exchange, name: string, wish: Wish): Promise<RawObject | undefined>;
  /** The endpoint's pipeline around a list; undefined where it has no plugins. */
  around: ((next: Handler) => Handler) | undefined;
  /** Keeps its generation until the returned function is called. */
  hold(): () => void;
  readonly now: () => number;
  readonly limits: LookUps;
}

interface Shown {
  readonly at: number;
  readonly schema: RawObject | undefined;
}

export class Advertised {
  readonly #listing: Listing;
  readonly #known = new LRUCache<string, Shown>({ max: TOOLS });
  readonly #asking = new Map<string, Joint<Shown>>();

  constructor(listing: Listing) {
    this.#listing = listing;
  }

  /**
   * What is remembered, or asked for already, may be what the same principal is shown by another client; a fresh look
   * is the caller's own.
   * @param x that plugins have let pass
   * @param fresh whether what is remembered is not good enough
   * @returns undefined when the tool is not listed to this client, or the list cannot be had
   * @throws the reason of the call's signal when it aborts first
   */
  async schema(x: Exchange, tool: string, fresh: boolean): Promise<RawObject | undefined> {
    if (!this.#listing.around) return (await this.#tool(x, tool, fresh))?.object('inputSchema');
    const key = [wayOf(x, tool) ?? '', identityKey(x.principal), tool].join('\n');
    if (fresh) return (await this.#begin(key, x, tool, true).wait(x.signal)).schema;
    const known = this.#known.get(key);
    if (known && this.#listing.now() - known.at < this.#believed(known)) return known.schema;
    const begun = this.#asking.get(key);
    const asking = begun && !begun.over ? begun : this.#begin(key, x, tool, false);
    this.#asking.set(key, asking);
    return (await asking.wait(x.signal)).schema;
  }

  #believed({ schema }: Shown): number {
    const { fresh, again } = this.#listing.limits;
    return schema ? fresh : again;
  }

  async #tool(x: Exchange, name: string, isFresh: boolean): Promise<RawObject | undefined> {
    const { tool, limits } = this.#listing;
    const known = isFresh ? undefined : await tool(x, name, { maxAge: limits.fresh });
    return known ?? tool(x, name, { maxAge: isFresh ? 0 : limits.again, isFresh: true });
  }

  #begin(key: string, x: Exchange, tool: string, isFresh: boolean): Joint<Shown> {
    const mine = new Joint((signal) => this.#look(x, tool, isFresh, signal));
    const over = (shown: Shown | undefined): void => {
      if (this.#asking.get(key) === mine) this.#asking.delete(key);
      if (shown) this.#known.set(key, shown);
    };
    mine.settled.then(over, () => over(undefined));
    return mine;
  }

  /** What the plugins let pass of a list with this one tool. */
  async #look(asker: Exchange, name: string, isFresh: boolean, signal: AbortSignal): Promise<Shown> {
    const { around = (next) => next, hold, now } = this.#listing;
    const leave = hold();
    const handle = around(async (x) => {
      const item = await this.#tool(x, name, isFresh);
      return McpResult.complete(joined('tools', item ? [item] : []));
    });
    const x = listOf(asker, name, signal, now());
    try {
      const result = await handle(x, () => undefined);
      x.close(result);
      const tools = result.kind === 'complete' ? rawItems(result.raw.raw('tools') ?? '[]') : [];
      const shown = tools.find((each) => each.string('name') === name);
      return { at: now(), schema: shown?.object('inputSchema') };
    } catch {
      signal.throwIfAborted();
      return { at: now(), schema: undefined };
    } finally {
      leave();
    }
  }
}

/** The upstream that has the tool, where it is known: a plugin may have made the call one of another tool. */
function wayOf({ route }: Exchange, tool: string): string | undefined {
  return route.kind === 'one' && route.asked === tool ? route.upstream : undefined;
}

function listOf(asker: Exchange, tool: string, signal: AbortSignal, now: number): Exchange {
  const { client, inbound } = asker;
  const params = RawObject.of({}).with({ _meta: envelope(client) });
  const upstream = wayOf(asker, tool);
  return new Exchange({
    id: `list-${crypto.randomUUID()}`,
    client,
    // As the call came: a plugin that asks who calls finds the same answer.
    inbound,
    request: new McpRequest('tools/list', params),
    route: { kind: 'all', upstreams: upstream === undefined ? [] : [upstream] },
    signal,
    now,
    isOwn: true,
  });
}

function envelope({ version, capabilities, info }: Client): RawObject {
  return RawObject.of({ [META.protocolVersion]: version }).with({
    [META.clientCapabilities]: capabilities,
    ...(info ? { [META.clientInfo]: info } : {}),
  });
}
