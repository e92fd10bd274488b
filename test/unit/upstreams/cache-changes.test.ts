// When what is kept of an upstream is not good any more, and when it is better than nothing all the same.
import { describe, expect, test } from 'bun:test';
import { type ErrorName, errorResult } from '../../../src/core/errors.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import type { Link } from '../../../src/upstreams/link.ts';
import { clientOf, codeOf } from '../../fixtures/exchanges.ts';
import { keeping, TOOLS } from './kept.ts';

const fresh = () => ({ ...TOOLS, ttlMs: 1_000, cacheScope: 'public' });
const ada = { client: clientOf({ principal: 'ada' }) };
const bob = { client: clientOf({ principal: 'bob' }) };

describe('a change that the upstream tells of', () => {
  test.each([
    ['notifications/tools/list_changed', ['tools/list']],
    ['notifications/prompts/list_changed', ['prompts/list']],
    ['notifications/resources/list_changed', ['resources/list', 'resources/templates/list']],
    ['notifications/message', []],
  ])('%s ends %p', async (note, ended) => {
    const { call, tell, asked } = keeping(fresh);
    const lists = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
    for (const list of lists) await call(list, {});
    tell(note);
    asked.length = 0;
    for (const list of lists) await call(list, {});
    expect(asked.map(({ request }) => request.method)).toEqual(ended);
  });

  test('of a resource ends what was read of it, of its parts and of its whole', async () => {
    const { call, tell, asked } = keeping(fresh);
    const uris = ['test://a', 'test://a/b', 'test://a/b/c', 'test://x'];
    for (const uri of uris) await call('resources/read', { uri });
    tell('notifications/resources/updated', { uri: 'test://a/b' });
    asked.length = 0;
    for (const uri of uris) await call('resources/read', { uri });
    expect(asked.map(({ request }) => request.params.uri)).toEqual([
      'test://a',
      'test://a/b',
      'test://a/b/c',
    ]);
  });

  test('while a result is on its way keeps that from being kept', async () => {
    const { list, tell, asked } = keeping(() => {
      if (asked.length === 1) tell('notifications/tools/list_changed');
      return fresh();
    });
    await list();
    await list();
    await list();
    expect(asked.length).toBe(2);
  });
});

describe('pages', () => {
  const pages: Record<string, object> = {
    first: { ...fresh(), nextCursor: 'c1' },
    c1: { ...fresh(), nextCursor: 'c2' },
    c2: fresh(),
  };
  const page = (cursor?: string) => (cursor === undefined ? {} : { cursor });

  test('are kept each for itself, and dropped together when a cursor of theirs is none any more', async () => {
    let isGone = false;
    const { list, asked } = keeping(({ request }) => {
      const at = (request.params.cursor as string | undefined) ?? 'first';
      if (at === 'c2' && isGone) return McpResult.error({ code: -32602, message: 'no such cursor' });
      return pages[at] ?? McpResult.error({ code: -32602, message: 'no such cursor' });
    });
    for (const cursor of [undefined, 'c1', undefined, 'c1']) await list(ada, page(cursor));
    expect(asked.length).toBe(2);
    await list(bob, page('made up'));
    await list(ada);
    expect(asked.length).toBe(3);
    isGone = true;
    await list(bob, page('c2'));
    await list(ada);
    await list(ada, page('c1'));
    expect(asked.length).toBe(6);
  });

  test('are all for their caller alone, as soon as one of them is', async () => {
    const { list, asked } = keeping(({ request }) => ({
      ...fresh(),
      cacheScope: request.params.cursor === 'c1' ? 'private' : 'public',
    }));
    await list(ada);
    await list(ada, page('c1'));
    await list(bob);
    await list(bob, page('c1'));
    await list(bob, page('c2'));
    expect(asked.length).toBe(5);
    expect((await list(bob, page('c2'))).value.cacheScope).toBe('private');
    await list(ada, page('c2'));
    expect(asked.length).toBe(6);
  });
});

describe('an upstream that is away', () => {
  const failing = (code: ErrorName, spec = {}) => {
    const state = { isAway: false };
    const kept = keeping(() => (state.isAway ? errorResult(code) : fresh()), { spec });
    return { ...kept, state };
  };

  test.each([['UPSTREAM_UNAVAILABLE'], ['UPSTREAM_TIMEOUT'], ['BUSY']] as const)(
    'by %s is stood in for by what was kept, for a while',
    async (code) => {
      const { list, host, state, outcomes } = failing(code, { staleIfError: 5_000 });
      await list();
      state.isAway = true;
      host.turn(1_000);
      expect((await list()).value).toEqual({ ...TOOLS, ttlMs: 0, cacheScope: 'public' });
      expect(await outcomes('stale')).toBe(1);
      host.turn(5_000);
      expect(codeOf(await list())).toBe(code);
      expect(await outcomes('miss')).toBe(2);
    },
  );

  test.each([['UPSTREAM_REFUSED'], ['UPSTREAM_INVALID'], ['CANCELLED'], ['PLUGIN_FAILED']] as const)(
    'is not stood in for when it is %s',
    async (code) => {
      const { list, host, state } = failing(code);
      await list();
      state.isAway = true;
      host.turn(1_000);
      expect(codeOf(await list())).toBe(code);
    },
  );

  test('is not stood in for where that is not wanted, nor for other callers', async () => {
    const never = failing('UPSTREAM_TIMEOUT', { staleIfError: 0 });
    await never.list();
    never.state.isAway = true;
    never.host.turn(1_000);
    expect(codeOf(await never.list())).toBe('UPSTREAM_TIMEOUT');
    const own = keeping(({ caller }) =>
      caller.principal.id === 'ada' ? { ...fresh(), cacheScope: 'private' } : errorResult('UPSTREAM_TIMEOUT'),
    );
    await own.list(ada);
    own.host.turn(1_000);
    expect(codeOf(await own.list(bob))).toBe('UPSTREAM_TIMEOUT');
  });
});

describe('a time by the configuration', () => {
  const spec = { lists: 30_000, reads: 5_000 };

  test('is the least for lists and resources, for one caller where the upstream does not say for whom', async () => {
    const { list, call, asked, host } = keeping(
      () => ({ ...TOOLS, cacheScope: 'public', ttlMs: 9_000_000 }),
      {
        era: '2025',
        spec,
      },
    );
    expect((await list(ada)).value).toMatchObject({ ttlMs: 30_000, cacheScope: 'private' });
    host.turn(10_000);
    expect((await list(ada)).value).toMatchObject({ ttlMs: 20_000, cacheScope: 'private' });
    await list(bob);
    expect(asked.length).toBe(2);
    await call('resources/read', { uri: 'test://a' });
    host.turn(5_000);
    await call('resources/read', { uri: 'test://a' });
    expect(asked.length).toBe(4);
  });

  test('does not shorten what the upstream says, nor widen it', async () => {
    const { list, asked, host } = keeping(() => ({ ...fresh(), ttlMs: 60_000 }), { spec });
    await list(ada);
    host.turn(59_999);
    expect((await list(bob)).value).toMatchObject({ ttlMs: 1, cacheScope: 'public' });
    expect(asked.length).toBe(1);
  });

  test('is over with the link, unlike that of the upstream', async () => {
    for (const [era, times] of [
      ['2025', 2],
      ['2026', 1],
    ] as const) {
      const { cache, link, list, asked } = keeping(() => ({ ...fresh(), ttlMs: 60_000 }), { era, spec });
      await list();
      cache.linkEnded({} as Link);
      await list();
      expect(asked.length).toBe(1);
      cache.linkEnded(link);
      await list();
      expect(asked.length).toBe(times);
    }
  });
});

describe('what is kept has bounds', () => {
  const big = (bytes: number) => ({ ...fresh(), pad: 'x'.repeat(bytes) });

  test('in number: the one unused for longest goes', async () => {
    const { call, asked, host } = keeping(fresh, { limits: { cacheEntries: 2 } });
    for (const uri of ['a', 'b', 'a', 'c', 'a', 'b']) await call('resources/read', { uri });
    expect(asked.map(({ request }) => request.params.uri)).toEqual(['a', 'b', 'c', 'b']);
    expect(await host.figure('limitHits', { limit: 'cache_entries' })).toBe(2);
    expect(await host.figure('limitHits', { limit: 'cache_bytes' })).toBe(0);
  });

  test('in size: what is too large is not kept, and all of it has its figure', async () => {
    const { cache, call, asked, host } = keeping(
      ({ request }) => big(request.params.uri === 'big' ? 20_000 : 8_000),
      {
        limits: { cacheBytes: 100_000 },
      },
    );
    await call('resources/read', { uri: 'big' });
    await call('resources/read', { uri: 'big' });
    expect(asked.length).toBe(2);
    expect(await host.figure('cacheBytes')).toBe(0);
    for (let n = 0; n < 30; n++) await call('resources/read', { uri: `${n}` });
    const bytes = await host.figure('cacheBytes', { upstream: 'up' });
    expect(bytes).toBeGreaterThan(80_000);
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect(await host.figure('limitHits', { limit: 'cache_bytes' })).toBeGreaterThan(0);
    cache.close();
    expect(await host.figure('cacheBytes')).toBe(0);
  });

  test('that may change while it is kept', async () => {
    const { call, asked, bounds } = keeping(fresh);
    for (const uri of ['a', 'b', 'c']) await call('resources/read', { uri });
    bounds.cacheEntries = 2;
    await call('resources/read', { uri: 'd' });
    for (const uri of ['d', 'c']) await call('resources/read', { uri });
    expect(asked.length).toBe(4);
    await call('resources/read', { uri: 'b' });
    expect(asked.length).toBe(5);
  });
});
