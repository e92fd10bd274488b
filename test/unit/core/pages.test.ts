// Lists in pages: to their end, to where they go round, to the limit.
import { expect, test } from 'bun:test';
import { pagesOf } from '../../../src/core/pages.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { testHost } from '../../fixtures/exchanges.ts';

async function follow(cursors: readonly (string | undefined)[], most = 10) {
  const host = testHost();
  const asked: (string | undefined)[] = [];
  const pages = pagesOf({ most, host }, { upstream: 'u' }, async (cursor) => {
    const next = cursors[asked.length];
    asked.push(cursor);
    return RawObject.of(next === undefined ? {} : { nextCursor: next });
  });
  const seen: RawObject[] = [];
  for await (const page of pages) seen.push(page);
  expect(seen.length).toBe(asked.length);
  return { asked, host, hits: await host.figure('limitHits', { limit: 'pages' }) };
}

test('every page is asked for with the cursor of the one before, be it empty', async () => {
  const { asked, hits } = await follow(['a', '', 'b', undefined]);
  expect([asked, hits]).toEqual([[undefined, 'a', '', 'b'], 0]);
});

test('a cursor that comes again is the end', async () => {
  expect((await follow(['a', 'b', 'a', 'c'])).asked).toEqual([undefined, 'a', 'b']);
});

test('what is beyond the limit is left out, counted and logged', async () => {
  const { asked, hits, host } = await follow(['a', 'b', 'c', 'd'], 3);
  expect([asked.length, hits]).toEqual([3, 1]);
  expect(host.lines).toEqual([
    {
      level: 'warn',
      message: 'a list has more pages than limits.pages',
      fields: { upstream: 'u', pages: 3 },
    },
  ]);
  expect((await follow(['a', 'b', undefined], 3)).hits).toBe(0);
});
