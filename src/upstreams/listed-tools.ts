// The tools of a server as it lists them to one caller, for what the gateway itself has to know of them.

import type { Exchange } from '../core/exchange.ts';
import { type Pages, pagesOf } from '../core/pages.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import type { Link } from './link.ts';

/**
 * All of them, page by page. The caller of `x` may go meanwhile: others wait for the list, too.
 * @param patience how long a page may take, milliseconds
 * @throws Error when it cannot be had
 */
export async function listedTools(
  x: Exchange,
  link: Link,
  patience: number,
  pages: Pages,
): Promise<RawObject[]> {
  const all: RawObject[] = [];
  const meta = x.request.raw?.object('_meta')?.with({ [META.progressToken]: undefined });
  const common = RawObject.of({}).with({ _meta: meta });
  const page = async (cursor: string | undefined): Promise<RawObject> => {
    const request = new McpRequest('tools/list', cursor === undefined ? common : common.with({ cursor }));
    const leg = x.fork(x.leg?.upstream ?? '', request, new AbortController().signal);
    const settled = await aside(link, leg, patience);
    if (settled.kind !== 'result') throw new Error('the tool list cannot be had');
    return settled.raw;
  };
  for await (const raw of pagesOf(pages, { upstream: x.leg?.upstream, list: 'tools' }, page))
    all.push(...rawItems(raw.raw('tools') ?? '[]'));
  return all;
}
