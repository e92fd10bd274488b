// Lists of one upstream that is shown as it is: as they come, and as they were while it is away.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import type { Shelf } from '../../../src/core/shelf.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, type ExchangeOptions, exchange } from '../../fixtures/exchanges.ts';
import { down, routerOver, source } from './sources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const away = errorResult('UPSTREAM_UNAVAILABLE', 'The upstream is not there.');
const own = McpResult.error({ code: -32603, message: 'theirs' });
const LIST = '{ "tools":[ {"name":"x"} ], "ttlMs":9, "cacheScope":"public", "_meta":{"a":1} }';

function start(first: McpResult | string | 'hangs', shelf?: Shelf) {
  const state = { now: first };
  const answer = () => (state.now === 'hangs' ? new Promise<never>(() => {}) : state.now);
  const only = source('a', { 'tools/list': answer });
  const run = routerOver([only], 'none', 5_000, {}, shelf);
  const list = (params: object = {}, options?: ExchangeOptions) =>
    run.handle(exchange('tools/list', params, options));
  return { state, only, list, run };
}

async function turn(ms: number): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

const STALE = {
  tools: [{ name: 'x' }],
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { a: 1, 'dev.sluice/stale': [{ upstream: 'a', why: 'UPSTREAM_UNAVAILABLE' }] },
};

describe('while the upstream', () => {
  test('is there, every byte passes, also the second time', async () => {
    const { list } = start(LIST);
    for (let i = 0; i < 2; i++) expect((await list()).raw.text).toBe(LIST);
  });

  test('is away, its list stands as it was; what it answers itself passes', async () => {
    const { list, state } = start(LIST);
    await list();
    state.now = away;
    expect((await list()).value).toEqual(STALE);
    state.now = own;
    expect(await list()).toBe(own);
    state.now = LIST;
    expect((await list()).raw.text).toBe(LIST);
  });

  test('hangs, nobody waits long; where nothing is known, as long as it takes', async () => {
    const { list, state } = start(LIST);
    await list();
    state.now = 'hangs';
    const stale = list();
    await turn(300);
    expect((await stale).value).toEqual({
      ...STALE,
      _meta: { a: 1, 'dev.sluice/stale': [{ upstream: 'a', why: 'UPSTREAM_TIMEOUT' }] },
    });
    const fresh = start('hangs');
    let isOver = false;
    void fresh.list().then(() => {
      isOver = true;
    });
    await turn(60_000);
    expect(isOver).toBe(false);
  });

  test('has pages, nothing stands in for one of them', async () => {
    const page = '{"tools":[],"nextCursor":"c"}';
    const { list, state } = start(page);
    expect((await list()).raw.text).toBe(page);
    state.now = away;
    expect(await list()).toBe(away);
    expect(await list({ cursor: 'c' })).toBe(away);
  });

  test('is away, who wants progress or another page asks it', async () => {
    const { list, state } = start(LIST);
    await list();
    state.now = away;
    expect(await list({}, { token: '1' })).toBe(away);
    expect(await list({ cursor: '' })).toBe(away);
  });

  test('refuses, that is the answer', async () => {
    const { list, state } = start(LIST);
    await list();
    const refused = errorResult('FORBIDDEN', 'no');
    state.now = refused;
    expect(await list()).toBe(refused);
    state.now = away;
    expect(await list()).toBe(away);
  });
});

test('after a restart its list stands as it was while it is still starting', async () => {
  const kept = new Map<string, { text: string; at: number }>();
  const shelf: Shelf = {
    find: (key) => kept.get(key),
    keep: (key, text, at) => void kept.set(key, { text, at }),
    drop: (key) => void kept.delete(key),
    close() {},
  };
  const session = { client: clientOf({ era: '2025', session: 's' }) };
  await start(LIST, shelf).list({}, session);
  const { list } = start('hangs', shelf);
  const stale = list({}, { client: clientOf({ era: '2025', session: 't' }) });
  await turn(300);
  expect((await stale).value.tools).toEqual([{ name: 'x' }]);
  for (const text of ['', '{}', '{"signed":1,"result":{}}', 'x']) {
    for (const key of kept.keys()) kept.set(key, { text, at: 0 });
    expect(await start(down, shelf).list({}, session)).toBe(down);
  }
});

test('once it has been there again, its list stands for the whole grace and no longer', async () => {
  const { list, state, run } = start(LIST);
  await list();
  state.now = away;
  await list();
  await turn(600_000);
  expect((await list()).kind).toBe('error');
  state.now = LIST;
  await list();
  state.now = away;
  expect((await list()).value).toEqual(STALE);
  run.host.turn(600_000);
  await turn(600_000);
  expect((await list()).kind).toBe('error');
});

test("a list that is asked for in a way of its own is nobody else's", async () => {
  const { list, state, only } = start(LIST);
  await list();
  const all = [list(), list({ only: 'y' }), list({ _meta: { 'com.example/only': 'y' } })];
  await Promise.all(all);
  expect(
    only
      .asked()
      .slice(1)
      .map(({ request }) => request.params),
  ).toEqual([{}, { only: 'y' }, { _meta: { 'com.example/only': 'y' } }]);
  state.now = away;
  expect((await list({ only: 'y' })).kind).toBe('error');
  expect((await list({ _meta: { traceparent: '00-1' } })).value).toEqual(STALE);
});
