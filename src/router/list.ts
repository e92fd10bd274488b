// Whole lists of one upstream: every page, followed to the end.

import { catalogue, type ErrorName, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { wantsFresh } from '../core/fresh.ts';
import { pagesOf } from '../core/pages.ts';
import { digest } from '../lib/digest.ts';
import { type Hints, hintsOf } from '../protocol/caching.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, type McpResult, META } from '../protocol/message.ts';
import type { ListKind } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';

const LIST_METHODS: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  tasks: 'tasks/list',
};

const METHOD_NOT_FOUND = -32601;

/** A list as its upstream gave it. */
export interface Listed {
  /** Verbatim. */
  readonly items: readonly RawObject[];
  /** Two lists with the same are the same. */
  readonly digest: string;
  /** Characters, about. */
  readonly size: number;
  /** How long its upstream says that it stays as it is, milliseconds; 0 where it does not say. */
  readonly ttl: number;
  /** Whether its upstream says that it is the same for everybody. */
  readonly isPublic: boolean;
}

/**
 * All items of a kind, verbatim.
 * @param x whose behalf it is on; of its request only `_meta` is used
 * @param isFresh whether a list that is kept below is not good enough
 * @throws GatewayError with the upstream's own error message when a page fails
 */
export async function listAll(
  source: Pick<Source, 'name' | 'handle' | 'pages'>,
  kind: ListKind,
  x: Exchange,
  signal = x.signal,
  isFresh = false,
): Promise<Listed> {
  const items: RawObject[] = [];
  const hints: Hints[] = [];
  const meta = x.request.raw?.object('_meta')?.with({ [META.progressToken]: undefined });
  const bare = RawObject.of({}).with({ _meta: meta });
  const page = async (cursor: string | undefined): Promise<RawObject> => {
    const params = cursor === undefined ? bare : bare.with({ cursor });
    const request = new McpRequest(LIST_METHODS[kind], params, { logLevel: x.request.meta.logLevel });
    const leg = x.fork(source.name, request, signal);
    if (isFresh) leg.set(wantsFresh, true);
    const result = await source.handle(leg, () => undefined);
    // A server without such things does not know their list.
    if (result.code === METHOD_NOT_FOUND) return RawObject.of({});
    if (result.kind !== 'complete') throw failed(result, source);
    hints.push(hintsOf(result.raw));
    return result.raw;
  };
  for await (const raw of pagesOf(source.pages, { upstream: source.name, list: kind }, page))
    items.push(...rawItems(arrayOf(raw, kind, source.name)));
  return listed(items, hints);
}

/** Some servers leave an empty list out, or write null; anything else is no list, and does not take the place of one. */
function arrayOf(page: RawObject, kind: ListKind, upstream: string): string {
  const text = page.raw(kind) ?? 'null';
  if (text === 'null') return '[]';
  if (text.startsWith('[')) return text;
  throw new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" sent ${kind} that are no list.`, {
    upstream,
  });
}

/** What is known of a list from its items and what came with each of its pages. */
export function listed(items: readonly RawObject[], hints: readonly Hints[]): Listed {
  const text = items.map((item) => item.text).join(',');
  return {
    items,
    digest: digest(text),
    size: text.length,
    ttl: hints.length === 0 ? 0 : Math.min(...hints.map(({ ttlMs }) => ttlMs)),
    isPublic: hints.length > 0 && hints.every(({ scope }) => scope === 'public'),
  };
}

function failed(result: McpResult, { name: upstream }: Pick<Source, 'name'>): GatewayError {
  const said = result.raw.object('data')?.string('code');
  const code = said !== undefined && said in catalogue ? (said as ErrorName) : 'UPSTREAM_UNAVAILABLE';
  return new GatewayError(code, result.raw.string('message') ?? 'the list failed', { upstream });
}
