// Pages of a merged list: in order, for one caller, and whole while items and upstreams come and go.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { clientOf, exchange } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

type Run = ReturnType<typeof routerOver>;
type Page = { tools: { name: string }[]; nextCursor?: string; ttlMs?: number; cacheScope?: string };

const named = (names: readonly string[]) => names.map((name) => ({ name }));
const offering = (name: string, ...tools: string[]) =>
  source(name, { 'tools/list': { tools: named(tools) } });
const paged = (sources: TestSource[], page: number) => routerOver(sources, 'prefix', 5_000, { page });

async function list({ handle }: Run, cursor?: unknown, principal?: string, method = 'tools/list') {
  const client = clientOf(principal === undefined ? {} : { principal });
  return handle(exchange(method, cursor === undefined ? {} : { cursor: cursor as string }, { client }));
}
const page = async (run: Run, cursor?: string): Promise<Page> => (await list(run, cursor)).value as never;
const namesOf = ({ tools }: Page) => tools.map(({ name }) => name);

test('come in the order of the configuration, then of each upstream; the last has no cursor', async () => {
  const run = paged([offering('a', 'z', 'y', 'x'), offering('b'), offering('c', '1', '2')], 2);
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const next: Page = await page(run, cursor);
    pages.push(namesOf(next));
    cursor = next.nextCursor;
  } while (cursor !== undefined);
  expect(pages).toEqual([['a__z', 'a__y'], ['a__x', 'c__1'], ['c__2']]);
});

describe('a cursor', () => {
  const both = () => [offering('a', '1', '2', '3'), offering('b', '4')];
  const refused = async (run: Run, cursor: unknown, principal?: string, method?: string) => {
    const result = await list(run, cursor, principal, method);
    expect([result.code, result.raw.string('message')]).toEqual([
      -32602,
      'This cursor is none of this list, or not any more: list again without a cursor.',
    ]);
  };

  test('that is made up, altered or no text is refused; an empty one is one; null is none', async () => {
    const run = paged(both(), 1);
    const { nextCursor = '' } = await page(run);
    for (const cursor of ['', 'foreign', 7, {}, `${nextCursor}x`, nextCursor.slice(0, -1)])
      await refused(run, cursor);
    expect(await list(run, null)).toMatchObject({ kind: 'complete' });
  });

  test('is good for its caller, its list and its endpoint alone', async () => {
    const run = paged(both(), 1);
    const { nextCursor } = await page(run);
    await refused(run, nextCursor, 'eve');
    await refused(run, nextCursor, undefined, 'prompts/list');
    const elsewhere = routerOver(both().slice(0, 1), 'prefix', 5_000, { page: 1 });
    await refused(elsewhere, nextCursor);
    expect(namesOf(await page(run, nextCursor))).toEqual(['a__2']);
  });

  test('is good for a while, and after a restart', async () => {
    const run = paged(both(), 1);
    const { nextCursor } = await page(run);
    expect(namesOf(await page(paged(both(), 1), nextCursor))).toEqual(['a__2']);
    run.host.turn(3_600_000);
    await refused(run, nextCursor);
  });

  test('goes on with the next upstream where its own has gone meanwhile', async () => {
    let gone = false;
    const a = source('a', { 'tools/list': () => (gone ? { tools: [] } : { tools: named(['1', '2']) }) });
    const run = paged([a, offering('b', '3')], 1);
    const { nextCursor } = await page(run);
    gone = true;
    expect(namesOf(await page(run, nextCursor))).toEqual(['b__3']);
  });
});

describe('how long a list may be kept, and for whom', () => {
  const hinted = (name: string, hints: object) =>
    source(name, { 'tools/list': { tools: named([name]), ...hints } });
  const hintsOf = async (run: Run) => {
    const { ttlMs, cacheScope } = await page(run);
    return [ttlMs, cacheScope];
  };
  const LONG = { ttlMs: 60_000, cacheScope: 'public' };

  test('is the least of what is left of any; it is public when all are', async () => {
    expect(
      await hintsOf(paged([hinted('a', LONG), hinted('b', { ttlMs: 5_000, cacheScope: 'public' })], 9)),
    ).toEqual([5_000, 'public']);
    expect(
      await hintsOf(paged([hinted('a', LONG), hinted('b', { ttlMs: 9_000, cacheScope: 'private' })], 9)),
    ).toEqual([9_000, 'private']);
  });

  test('is nothing where one does not say, says nonsense, or is missing', async () => {
    for (const hints of [{}, { ttlMs: -1, cacheScope: 'all' }, { ttlMs: 'long' }])
      expect(await hintsOf(paged([hinted('a', LONG), hinted('b', hints)], 9))).toEqual([
        undefined,
        undefined,
      ]);
    expect(await hintsOf(paged([hinted('a', LONG), source('b', { 'tools/list': down })], 9))).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('is the same scope for all pages: one that became private is begun anew', async () => {
    let scope = 'public';
    const a = source('a', {
      'tools/list': () => ({ tools: named(['1', '2', '3']), ttlMs: 9, cacheScope: scope }),
    });
    const run = paged([a], 1);
    const first = await page(run);
    scope = 'private';
    expect((await list(run, first.nextCursor)).code).toBe(-32602);
    const second = await page(run);
    scope = 'public';
    expect(await page(run, second.nextCursor)).toMatchObject({ ttlMs: 9, cacheScope: 'private' });
  });
});

test('what is there all the time comes once, and nothing comes twice, whatever comes and goes', async () => {
  const churn = fc.array(
    fc.record({ add: fc.boolean(), upstream: fc.nat(2), at: fc.nat(30), many: fc.nat(6) }),
    { maxLength: 6 },
  );
  const scenario = fc.record({
    sizes: fc.array(fc.nat(25), { minLength: 3, maxLength: 3 }),
    size: fc.integer({ min: 1, max: 7 }),
    rounds: fc.array(churn, { maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ sizes, size, rounds }) => {
      let fresh = 0;
      const lists = sizes.map((length) => Array.from({ length }, () => `t${fresh++}`));
      const sources = lists.map((_, i) =>
        source(`u${i}`, { 'tools/list': () => ({ tools: named(lists[i] ?? []) }) }),
      );
      const run = paged(sources, size);
      const lasting = new Set(lists.flatMap((names, i) => names.map((name) => `u${i}__${name}`)));
      const got: string[] = [];
      let cursor: string | undefined;
      for (let turn = 0; ; turn++) {
        const next: Page = await page(run, cursor);
        got.push(...namesOf(next));
        cursor = next.nextCursor;
        if (cursor === undefined) break;
        for (const { add, upstream, at, many } of rounds[turn] ?? []) {
          const own = lists[upstream] ?? [];
          const place = at % (own.length + 1);
          const added = Array.from({ length: add ? many : 0 }, () => `t${fresh++}`);
          const removed = own.splice(place, add ? 0 : many, ...added);
          for (const name of removed) lasting.delete(`u${upstream}__${name}`);
        }
      }
      expect(new Set(got).size).toBe(got.length);
      expect([...lasting].filter((name) => !got.includes(name))).toEqual([]);
      expect(got.filter((name) => lasting.has(name))).toEqual(
        [...lasting].filter((name) => got.includes(name)),
      );
    }),
    { numRuns: 100 },
  );
});

test('a thousand tools of ten upstreams come in order, with pages of a hundred', async () => {
  const sources = Array.from({ length: 10 }, (_, u) =>
    offering(`u${u}`, ...Array.from({ length: 100 }, (_, t) => `t${t}`)),
  );
  const run = paged(sources, 97);
  const got: string[] = [];
  let cursor: string | undefined;
  do {
    const next: Page = await page(run, cursor);
    got.push(...namesOf(next));
    cursor = next.nextCursor;
  } while (cursor !== undefined);
  expect(got).toEqual(sources.flatMap((_, u) => Array.from({ length: 100 }, (_, t) => `u${u}__t${t}`)));
});
