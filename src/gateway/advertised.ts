// The input schemas of tools as clients of an endpoint were shown them, for headers that mirror arguments.

import { LRUCache } from 'lru-cache';
import type { Client } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';

type Schemas = ReadonlyMap<string, RawObject>;

/** Callers whose lists are remembered, and for how long, milliseconds. A mismatch looks again in any case. */
const CALLERS = 1_000;
const FRESH_MS = 60_000;
const PAGES = 100;

/** The endpoint whose tools are meant. */
export interface Listing {
  /** Keeps its generation until the returned function is called. */
  hold(): () => void;
  open(client: Client, request: McpRequest): Promise<Exchange>;
  readonly handle: Handler;
}

export class Advertised {
  readonly #known = new LRUCache<string, Promise<Schemas>>({ max: CALLERS, ttl: FRESH_MS });

  constructor(readonly endpoint: Listing) {}

  /** @returns undefined when the tool is not listed to this client, or the list cannot be had */
  async schema(client: Client, tool: string, fresh: boolean): Promise<RawObject | undefined> {
    const key = `${client.principal.tenant ?? ''}\n${client.principal.id}`;
    if (fresh) this.#known.delete(key);
    let asking = this.#known.get(key);
    if (!asking) {
      asking = this.#fetch(client);
      this.#known.set(key, asking);
      asking.catch(() => this.#known.delete(key));
    }
    const schemas = await asking.catch(() => undefined);
    return schemas?.get(tool);
  }

  async #fetch(client: Client): Promise<Schemas> {
    const leave = this.endpoint.hold();
    try {
      return await this.#list(client);
    } finally {
      leave();
    }
  }

  async #list(client: Client): Promise<Schemas> {
    const schemas = new Map<string, RawObject>();
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const params = RawObject.of(cursor === undefined ? {} : { cursor }).with({ _meta: envelope(client) });
      const x = await this.endpoint.open(client, new McpRequest('tools/list', params));
      const result = await this.endpoint.handle(x, () => undefined);
      x.close(result);
      if (result.kind !== 'complete') throw new Error(result.raw.string('message') ?? 'no list');
      for (const tool of rawItems(result.raw.raw('tools') ?? '[]')) {
        const schema = tool.object('inputSchema');
        if (schema) schemas.set(tool.string('name') ?? '', schema);
      }
      cursor = result.raw.string('nextCursor');
      if (cursor === undefined) break;
    }
    return schemas;
  }
}

function envelope({ version, capabilities, info }: Client): RawObject {
  return RawObject.of({ [META.protocolVersion]: version }).with({
    [META.clientCapabilities]: capabilities,
    ...(info ? { [META.clientInfo]: info } : {}),
  });
}
