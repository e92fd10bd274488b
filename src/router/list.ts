// Whole lists of one upstream: every page, followed to the end.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest } from '../protocol/message.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';

const LIST_METHODS: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  tasks: 'tasks/list',
};

const METHOD_NOT_FOUND = -32601;

/** An upstream whose cursor never ends is cut off here. */
const PAGES = 1_000;

/**
 * All items of a kind, verbatim.
 * @param x whose behalf it is on; its cursor, if any, is not used
 * @throws GatewayError with the upstream's own error message when a page fails
 */
export async function listAll(source: Source, kind: ListKind, x: Exchange): Promise<RawObject[]> {
  const items: RawObject[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const { raw } = x.request.raw || cursor !== undefined ? x.request.with({ cursor }) : x.request;
    const request = new McpRequest(LIST_METHODS[kind], raw, { logLevel: x.request.meta.logLevel });
    const result = await source.handle(x.fork(source.name, request), () => undefined);
    // A server without such things does not know their list.
    if (result.code === METHOD_NOT_FOUND) break;
    if (result.kind !== 'complete') {
      throw new GatewayError('UPSTREAM_UNAVAILABLE', result.raw.string('message') ?? 'the list failed', {
        upstream: source.name,
      });
    }
    items.push(...rawItems(result.raw.raw(kind) ?? '[]'));
    cursor = result.raw.string('nextCursor');
    if (cursor === undefined || seen.has(cursor)) break;
    seen.add(cursor);
  }
  return items;
}
