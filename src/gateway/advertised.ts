// The input schemas of tools as clients of an endpoint were shown them, for headers that mirror arguments. Only the
// upstream that a call goes to is asked.

import { LRUCache } from 'lru-cache';
import { type Client, identityKey } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import { Joint } from '../lib/joint.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';

interface Listed {
  readonly at: number;
  readonly schemas: ReadonlyMap<string, RawObject>;
  /** It did not come in time. */
  readonly isLate?: true;
}

/** How many lists are remembered: one for each upstream and caller. */
const LISTS = 1_000;
/** A list is believed this long, milliseconds. A mismatch looks again in any case. */
const FRESH_MS = 60_000;
/** A tool that is not on it makes it be looked at again, but not more often than this, milliseconds. */
const AGAIN_MS = 1_000;
/** One that did not come in time holds no call back for this long, milliseconds. */
const RETRY_MS = 10_000;
const PAGES = 100;

/** The endpoint whose tools are meant. */
export interface Listing {
  /** Keeps its generation until the returned function is called. */
  hold(): () => void;
  /** An exchange for a list of the upstream that `x` goes to, and of all where that is not known. */
  open(x: Exchange, request: McpRequest, signal: AbortSignal): Exchange;
  readonly handle: Handler;
  readonly now: () => number;
  /** Milliseconds. */
  readonly patience: number;
}

export class Advertised {
  readonly #known = new LRUCache<string, Listed>({ max: LISTS });
  readonly #asking = new Map<string, Joint<Listed | undefined>>();

  constructor(readonly endpoint: Listing) {}

  /**
   * Who calls is known before plugins have run, which may say that it is somebody else. So what is remembered, or
   * asked for already, may be another's list; a fresh look is the caller's own.
   * @param fresh whether what is remembered is not good enough
   * @returns undefined when the tool is not listed to this client, or the list cannot be had
   * @throws the reason of the call's signal when it aborts first
   */
  async schema(x: Exchange, tool: string, fresh: boolean): Promise<RawObject | undefined> {
    const key = [x.route.kind === 'one' ? x.route.upstream : '', identityKey(x.principal)].join('\n');
    const known = this.#known.get(key);
    if (fresh) return (await this.#begin(key, x).wait(x.signal))?.schemas.get(tool);
    const isEnough = known && this.endpoint.now() - known.at < believed(known, tool);
    const listed = isEnough ? known : await this.#list(key, x);
    return listed?.schemas.get(tool);
  }

  #list(key: string, x: Exchange): Promise<Listed | undefined> {
    const begun = this.#asking.get(key);
    const asking = begun && !begun.over ? begun : this.#begin(key, x);
    this.#asking.set(key, asking);
    return asking.wait(x.signal);
  }

  #begin(key: string, x: Exchange): Joint<Listed | undefined> {
    const mine = new Joint((signal) => this.#fetch(x, signal));
    const over = (listed: Listed | undefined): void => {
      if (this.#asking.get(key) === mine) this.#asking.delete(key);
      if (listed) this.#known.set(key, listed);
    };
    mine.settled.then(over, () => over(undefined));
    return mine;
  }

  /** @returns undefined when the list cannot be had: the call itself will say why */
  async #fetch(x: Exchange, signal: AbortSignal): Promise<Listed | undefined> {
    const leave = this.endpoint.hold();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.endpoint.patience);
    try {
      const listed = await this.#pages(x, AbortSignal.any([signal, late.signal])).catch(() => undefined);
      if (listed || !late.signal.aborted) return listed;
      return { at: this.endpoint.now(), schemas: new Map(), isLate: true };
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  async #pages(asker: Exchange, signal: AbortSignal): Promise<Listed | undefined> {
    const schemas = new Map<string, RawObject>();
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const params = RawObject.of(cursor === undefined ? {} : { cursor }).with({
        _meta: envelope(asker.client),
      });
      const x = this.endpoint.open(asker, new McpRequest('tools/list', params), signal);
      const result = await this.endpoint.handle(x, () => undefined);
      x.close(result);
      if (result.kind !== 'complete') return undefined;
      for (const tool of rawItems(result.raw.raw('tools') ?? '[]')) {
        const schema = tool.object('inputSchema');
        if (schema) schemas.set(tool.string('name') ?? '', schema);
      }
      cursor = result.raw.string('nextCursor');
      if (cursor === undefined) break;
    }
    return { at: this.endpoint.now(), schemas };
  }
}

/** How long what is known of a tool is good enough, milliseconds. */
function believed({ isLate, schemas }: Listed, tool: string): number {
  if (isLate) return RETRY_MS;
  return schemas.has(tool) ? FRESH_MS : AGAIN_MS;
}

function envelope({ version, capabilities, info }: Client): RawObject {
  return RawObject.of({ [META.protocolVersion]: version }).with({
    [META.clientCapabilities]: capabilities,
    ...(info ? { [META.clientInfo]: info } : {}),
  });
}
