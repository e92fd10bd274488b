// An answer to tools/list that has no list in it: not an empty one, and not in the place of the last good one.
import { expect, test } from 'bun:test';
import { exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

const MISSING = 'dev.sluice/missing';

async function listed(tools: unknown) {
  const odd = source('odd', { 'tools/list': () => (tools === undefined ? {} : { tools }) });
  const other = source('other', { 'tools/list': { tools: [{ name: 'b' }] } });
  const { value } = await routerOver([odd, other]).handle(exchange('tools/list', {}));
  const all = value.tools as unknown as { name: string }[];
  return { names: all.map(({ name }) => name), meta: value._meta };
}

test.each([['a text'], [{ a: 1 }], [7], [true]])('%p is reported', async (tools) => {
  expect(await listed(tools)).toMatchObject({
    names: ['other__b'],
    meta: { [MISSING]: [{ upstream: 'odd', why: 'UPSTREAM_INVALID' }] },
  });
});

test.each([[undefined], [null], [[]]])('%p is an empty list', async (tools) => {
  const { names, meta } = await listed(tools);
  expect(names).toEqual(['other__b']);
  expect(meta).not.toHaveProperty([MISSING]);
});

test('what was listed before stands', async () => {
  let tools: unknown = [{ name: 'a' }];
  const { handle } = routerOver([source('odd', { 'tools/list': () => ({ tools }) }), source('other')]);
  await handle(exchange('tools/list', {}));
  tools = 'oh no';
  const { value } = await handle(exchange('tools/list', {}));
  expect(value.tools).toMatchObject([{ name: 'odd__a' }]);
});
