// What is known of upstreams: for whom, for how long, and after a restart.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import { NO_SHELF, type Shelf } from '../../../src/core/shelf.ts';
import type { McpResult } from '../../../src/protocol/message.ts';
import { Stock } from '../../../src/router/stock.ts';
import { type ClientOptions, clientOf, exchange, testHost } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const named = (...names: string[]) => names.map((name) => ({ name }));
const hangs = () => new Promise<never>(() => {});

function shelfInMemory() {
  const kept = new Map<string, { text: string; at: number }>();
  const shelf: Shelf = {
    find: (key) => kept.get(key),
    keep: (key, text, at) => void kept.set(key, { text, at }),
    drop: (key) => void kept.delete(key),
    close() {},
  };
  return { shelf, kept };
}

const start = (sources: TestSource[], shelf?: Shelf) => routerOver(sources, 'prefix', 5_000, {}, shelf);
type Run = ReturnType<typeof start>;
const list = ({ handle }: Run, by: ClientOptions = {}, method = 'tools/list'): Promise<McpResult> =>
  handle(exchange(method, {}, { client: clientOf(by) }));
const toolsOf = (result: McpResult) =>
  (result.value.tools as { name: string }[] | undefined)?.map(({ name }) => name) ?? result.value.message;

/** Lets everything happen that waits for no clock, then turns it. */
async function turn(ms: number): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** Its list, as the test has it at the moment. */
function changing(name: string, first: string[] | 'hangs' | 'down', hints: object = {}) {
  const state: { now: string[] | 'hangs' | 'down' } = { now: first };
  const answer = () => {
    if (state.now === 'hangs') return hangs();
    return state.now === 'down' ? down : { tools: named(...state.now), ...hints };
  };
  return { state, source: source(name, { 'tools/list': answer }) };
}

test('one that fails stands in the list as it was, and the answer says so; after the grace it is left out', async () => {
  const a = changing('a', ['x'], { ttlMs: 60_000, cacheScope: 'public' });
  const run = start([a.source, changing('b', ['y']).source]);
  expect(toolsOf(await list(run))).toEqual(['a__x', 'b__y']);
  a.state.now = 'down';
  const stale = await list(run);
  expect([toolsOf(stale), stale.value._meta, stale.value.ttlMs]).toEqual([
    ['a__x', 'b__y'],
    { 'dev.sluice/stale': [{ upstream: 'a', why: 'UPSTREAM_UNAVAILABLE' }] },
    undefined,
  ]);
  run.host.turn(600_000);
  await turn(600_000);
  const without = await list(run);
  expect([toolsOf(without), without.value._meta]).toEqual([
    ['b__y'],
    { 'dev.sluice/missing': [{ upstream: 'a', why: 'UPSTREAM_UNAVAILABLE' }] },
  ]);
});

test('one that hangs keeps only the first list waiting, and that for a moment where its list is known', async () => {
  const a = changing('a', ['x']);
  const run = start([a.source, changing('b', ['y']).source]);
  await list(run);
  a.state.now = 'hangs';
  const first = list(run);
  await turn(300);
  expect(toolsOf(await first)).toEqual(['a__x', 'b__y']);
  for (let i = 0; i < 5; i++) expect(toolsOf(await list(run))).toEqual(['a__x', 'b__y']);
  expect(a.source.asked('tools/list').length).toBe(2);
});

describe('what one caller is shown', () => {
  const mine = (x: Exchange) => ({ tools: named(`of-${x.principal.id}`) });

  test('is not what another gets while their upstream hangs', async () => {
    let hung = false;
    const a = source('a', { 'tools/list': (x) => (hung ? hangs() : mine(x)) });
    const run = start([a]);
    await list(run, { principal: 'ada' });
    hung = true;
    const [ada, eve] = [list(run, { principal: 'ada' }), list(run, { principal: 'eve' })];
    await turn(5_000);
    expect(toolsOf(await ada)).toEqual(['a__of-ada']);
    expect((await eve).value.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('begins with what callers like it saw, in another session too; by capabilities they differ', async () => {
    let hung = false;
    const a = source('a', { 'tools/list': (x) => (hung ? hangs() : mine(x)) });
    const run = start([a]);
    await list(run, { era: '2025', session: 's1' });
    hung = true;
    const like = list(run, { era: '2025', session: 's2' });
    const other = list(run, { era: '2025', session: 's3', capabilities: { roots: {} } });
    await turn(300);
    expect(toolsOf(await like)).toEqual(['a__of-anonymous']);
    await turn(4_700);
    expect((await other).value.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('is what anybody gets, where the upstream says so and no plugin of its own looks at it', async () => {
    for (const isPlain of [true, false]) {
      const a = changing('a', ['x'], { ttlMs: 9, cacheScope: 'public' });
      const run = start([{ ...a.source, isPlain }]);
      await list(run, { principal: 'ada' });
      a.state.now = 'hangs';
      const eve = list(run, { principal: 'eve' });
      await turn(5_000);
      expect(toolsOf(await eve)).toEqual(isPlain ? ['a__x'] : expect.stringContaining('No upstream'));
    }
  });

  test('is each session’s own, where an upstream lists by session', async () => {
    const a = source('a', { 'tools/list': (x) => ({ tools: named(x.client.session?.key ?? '') }) });
    const run = start([a]);
    const sessions = ['s1', 's2', 's1', 's2'];
    const lists = await Promise.all(sessions.map((session) => list(run, { era: '2025', session })));
    expect(lists.map(toolsOf)).toEqual(sessions.map((session) => [`a__${session}`]));
  });
});

describe('after a restart', () => {
  test('lists and greetings are there while an upstream is still starting', async () => {
    const { shelf } = shelfInMemory();
    const said = { capabilities: { tools: {} }, instructions: 'Do.' };
    const before = start([source('a', { 'tools/list': { tools: named('x') } }, said), source('b')], shelf);
    await list(before);
    await before.handle(exchange('server/discover', {}));
    const starting: TestSource = { ...source('a', { 'tools/list': hangs }), hello: hangs };
    const after = start([starting, source('b')], shelf);
    const both = [list(after), after.handle(exchange('server/discover', {}))];
    await turn(300);
    const [tools, hello] = await Promise.all(both);
    expect(tools && toolsOf(tools)).toEqual(['a__x']);
    expect(hello?.value).toMatchObject({ capabilities: { tools: {} }, instructions: '## a\nDo.' });
    expect(hello?.value.capabilities).not.toHaveProperty('prompts');
  });

  test('what was one caller’s is still nobody else’s; what was asked for by none is not there', async () => {
    const { shelf, kept } = shelfInMemory();
    const before = start([changing('a', ['x']).source], shelf);
    await list(before, { principal: 'ada' });
    expect(kept.size).toBe(1);
    const after = start([changing('a', 'hangs').source], shelf);
    const [ada, eve] = [list(after, { principal: 'ada' }), list(after, { principal: 'eve' })];
    await turn(300);
    expect(toolsOf(await ada)).toEqual(['a__x']);
    await turn(4_700);
    expect((await eve).kind).toBe('error');
  });

  test('an upstream whose entry is another begins anew', async () => {
    const { shelf } = shelfInMemory();
    await list(start([changing('a', ['x']).source], shelf));
    const after = start([{ ...changing('a', 'down').source, entry: 'another' }], shelf);
    expect((await list(after)).kind).toBe('error');
  });

  test('what does not read as a list is as good as nothing', async () => {
    for (const text of ['', '{}', '[]', '{"ttl":1,"isPublic":true,"items":7}', '{"items":[]}', 'x']) {
      const { shelf, kept } = shelfInMemory();
      await list(start([changing('a', ['x']).source], shelf));
      for (const key of kept.keys()) kept.set(key, { text, at: 0 });
      expect((await list(start([changing('a', 'down').source], shelf))).kind).toBe('error');
    }
  });
});

describe('kinds of callers of one principal', () => {
  const made = (i: number) => ({ capabilities: { experimental: { [`made-up-${i}`]: {} } } });

  test('are known so many at a time, in memory and on disk: clients can make up as many as they like', async () => {
    const { shelf, kept } = shelfInMemory();
    const a = source('a', { 'tools/list': { tools: named('x') } });
    const run = start([a], shelf);
    await list(run, { principal: 'ada' });
    for (let i = 0; i < 200; i++) await list(run, made(i));
    expect(kept.size).toBe(64 + 1);
    expect(await run.host.figure('limitHits', { limit: 'list_audiences' })).toBe(200 - 64);
    const before = a.asked('tools/list').length;
    await run.router.tool(exchange('tools/list', {}, { client: clientOf({ principal: 'ada' }) }), 'a__x', {
      maxAge: 60_000,
    });
    // Nobody else pays for it.
    expect(a.asked('tools/list').length).toBe(before);
  });

  test('stay as long as they are used', async () => {
    const { shelf, kept } = shelfInMemory();
    const run = start([source('a', { 'tools/list': { tools: named('x') } })], shelf);
    await list(run);
    const [mine] = kept.keys();
    for (let i = 0; i < 200; i++) {
      await list(run, made(i));
      await list(run);
    }
    expect(kept.has(mine ?? '')).toBe(true);
  });

  test('are the same in whatever order they say what they can do', async () => {
    const { shelf, kept } = shelfInMemory();
    const run = start([source('a', { 'tools/list': { tools: named('x') } })], shelf);
    await list(run, { capabilities: { roots: {}, sampling: {} } });
    await list(run, { capabilities: { sampling: {}, roots: {} } });
    expect(kept.size).toBe(1);
  });
});

test('after a reload there is as much room as is configured then', async () => {
  const a = source('a', { 'tools/list': (x) => ({ tools: named(x.principal.id) }) });
  const host = testHost();
  const limits = { size: 1e6, audiences: 64, timeout: 1, patience: 1, retry: 1, grace: 1, refresh: 1 };
  const stock = new Stock({ host, shelf: NO_SHELF, limits: () => limits });
  const look = (principal: string) => {
    const x = exchange('tools/list', {}, { client: clientOf({ principal }) });
    return stock.list(a, 'tools', x, { maxAge: 60_000, leaving: new AbortController().signal });
  };
  for (let i = 0; i < 10; i++) await look(`p${i}`);
  limits.size = 3_000;
  await look('p9');
  expect(a.asked('tools/list').length).toBe(10);
  expect(await host.figure('limitHits', { limit: 'lists' })).toBe(5);
  await look('p0');
  expect(a.asked('tools/list').length).toBe(11);
});

test('no more is held than limits.lists: the longest unused is forgotten, and counted', async () => {
  const a = source('a', { 'tools/list': { tools: named('x'.repeat(300_000)) } });
  const run = start([a]);
  for (let i = 0; i < 5; i++) await list(run, { principal: `p${i}` });
  expect(await run.host.figure('limitHits', { limit: 'lists' })).toBe(2);
});
