// Which tools of an upstream only read, by its own list: each caller's, for lists may differ.

import { LRUCache } from 'lru-cache';
import type { Exchange } from '../core/exchange.ts';
import type { Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { pagesOf } from '../core/pages.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';

export interface ReadOnlyParts {
  readonly list: Handler;
  readonly host: Host;
  /** Pages of a list that are followed. */
  readonly pages: () => number;
  /** How long a list is believed, milliseconds. */
  readonly believed: number;
  /** How long the upstream may take for it, milliseconds. */
  readonly patience: number;
}

interface Listed {
  readonly at: number;
  /** Of the last list that could be had, as long as none is there yet. */
  names: ReadonlySet<string>;
}

/** How many callers' lists are remembered. */
const LISTS = 1_000;
const NONE: ReadonlySet<string> = new Set();

export class ReadOnlyTools {
  readonly #lists = new LRUCache<string, Listed>({ max: LISTS });

  constructor(readonly parts: ReadOnlyParts) {}

  /** @param caller the same for those who are shown the same list */
  has(caller: string, name: string): boolean {
    return this.#lists.get(caller)?.names.has(name) === true;
  }

  /** Asks for the list unless it is known. Nobody waits for it. Of one that cannot be had, no tool only reads. */
  learn(caller: string, x: Exchange): void {
    const { host, believed } = this.parts;
    const before = this.#lists.get(caller);
    if (before && host.now() - before.at < believed) return;
    const listed: Listed = { at: host.now(), names: before?.names ?? NONE };
    this.#lists.set(caller, listed);
    const learned = (names: ReadonlySet<string>): void => {
      listed.names = names;
    };
    this.#ask(x).then(learned, () => learned(NONE));
  }

  forget(): void {
    this.#lists.clear();
  }

  /** Beside the call, which does not wait for it: so it goes on when its caller has gone. */
  async #ask(asker: Exchange): Promise<ReadonlySet<string>> {
    const { list, pages, host, patience } = this.parts;
    const leave = asker.runsOn.hold();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), patience);
    const names = new Set<string>();
    try {
      const upstream = asker.leg?.upstream ?? '';
      const page = async (cursor: string | undefined): Promise<RawObject> => {
        const request = new McpRequest('tools/list', paramsOf(asker, cursor));
        const { kind, raw } = await list(asker.fork(upstream, request, late.signal), () => undefined);
        if (kind !== 'complete') throw new Error('the tool list cannot be had');
        return raw;
      };
      for await (const raw of pagesOf({ most: pages(), host }, { upstream, list: 'tools' }, page))
        for (const tool of rawItems(raw.raw('tools') ?? '[]'))
          if (onlyReads(tool)) names.add(tool.string('name') ?? '');
      return names;
    } finally {
      clearTimeout(timer);
      leave();
    }
  }
}

/** Both are hints: without the operator's word for the tool they count for nothing (2025-06-18 schema ToolAnnotations). */
function onlyReads(tool: RawObject): boolean {
  const annotations = tool.object('annotations');
  return annotations?.get('readOnlyHint') === true && annotations.get('idempotentHint') === true;
}

function paramsOf({ request }: Exchange, cursor: string | undefined): RawObject {
  const meta = request.raw
    ?.object('_meta')
    ?.with({ [META.progressToken]: undefined, [META.logLevel]: undefined });
  return RawObject.of(cursor === undefined ? {} : { cursor }).with({ _meta: meta });
}
