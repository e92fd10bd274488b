// A list of one upstream is followed to limits.pages, and what it has by then is what it has.
import { expect, test } from 'bun:test';
import { listAll } from '../../../src/router/list.ts';
import { exchange, testHost } from '../../fixtures/exchanges.ts';
import { source } from './sources.ts';

test.each([
  [3, 3, 0],
  [2, 2, 1],
])('of three pages, %d at most', async (most, there, hits) => {
  const host = testHost();
  const up = source('up', {
    'tools/list': ({ request }) => {
      const page = Number(request.params.cursor ?? 1);
      return { tools: [{ name: `t${page}` }], ...(page < 3 ? { nextCursor: String(page + 1) } : {}) };
    },
  });
  const { items } = await listAll({ ...up, pages: { most, host } }, 'tools', exchange('tools/list'));
  expect(items.map((item) => item.string('name'))).toEqual(['t1', 't2', 't3'].slice(0, there));
  expect(await host.figure('limitHits', { limit: 'pages' })).toBe(hits);
});
