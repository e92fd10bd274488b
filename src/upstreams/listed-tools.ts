// The tools of a server as it lists them to one caller, for what the gateway itself has to know of them.

import type { Exchange } from '../core/exchange.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import type { Link } from './link.ts';

const PAGES = 100;

/**
 * All of them, page by page. The caller of `x` may go meanwhile: others wait for the list, too.
 * @param patience how long a page may take, milliseconds
 * @throws Error when it cannot be had
 */
export async function listedTools(x: Exchange, link: Link, patience: number): Promise<RawObject[]> {
  const all: RawObject[] = [];
  const meta = x.request.raw?.object('_meta')?.with({ [META.progressToken]: undefined });
  const common = RawObject.of({}).with({ _meta: meta });
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const request = new McpRequest('tools/list', cursor === undefined ? common : common.with({ cursor }));
    const leg = x.fork(x.leg?.upstream ?? '', request, new AbortController().signal);
    const settled = await aside(link, leg, patience);
    if (settled.kind !== 'result') throw new Error('the tool list cannot be had');
    all.push(...rawItems(settled.raw.raw('tools') ?? '[]'));
    const next = settled.raw.string('nextCursor');
    if (next === undefined || next === cursor) break;
    cursor = next;
  }
  return all;
}
