// The same request made by several at once: made once for those who would be answered the same.
import { describe, expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import type { Rest } from '../../../src/protocol/rest.ts';
import { clientOf, codeOf, type ExchangeOptions, exchange } from '../../fixtures/exchanges.ts';
import { until } from '../../fixtures/until.ts';
import { keeping, type Options, TOOLS } from './kept.ts';

/** An upstream that answers when it is told to. */
function waiting(options: Options = {}) {
  const answers: PromiseWithResolvers<object | McpResult>[] = [];
  const kept = keeping(() => {
    const answer = Promise.withResolvers<object | McpResult>();
    answers.push(answer);
    return answer.promise;
  }, options);
  const answer = (n: number, what: object | McpResult = TOOLS) => answers[n]?.resolve(what);
  /** Answers all that was asked, and waits for those who did. */
  const finish = (all: readonly Promise<unknown>[]) => {
    for (const each of answers) each.resolve(TOOLS);
    return Promise.all(all);
  };
  return { ...kept, answer, finish };
}

const ada = { client: clientOf({ principal: 'ada' }) };
const bob = { client: clientOf({ principal: 'bob' }) };
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('one request', () => {
  test('is made for fifty of one caller, and all get its result', async () => {
    const { list, answer, asked, outcomes } = waiting();
    const all = times(50, () => list(ada));
    answer(0);
    for (const result of await Promise.all(all)) expect(result.value).toEqual(TOOLS);
    expect(asked.length).toBe(1);
    expect([await outcomes('miss'), await outcomes('joined')]).toEqual([1, 49]);
  });

  test('is made for each caller, page and parameter', async () => {
    const { list, finish, asked } = waiting();
    const all = [
      list(ada),
      list(bob),
      list(ada, { cursor: 'c' }),
      list({ ...ada, headers: { authorization: 'x' } }),
    ];
    expect(asked.length).toBe(4);
    await finish(all);
  });

  test.each<[string, ExchangeOptions, string]>([
    ['progress', { token: '1' }, 'tools/list'],
    ['log messages', { logLevel: 'debug' }, 'tools/list'],
    ['to be asked', { client: clientOf({ capabilities: { roots: {} } }) }, 'resources/read'],
  ])('is made for each who wants %s', async (_what, options, method) => {
    const { call, finish, asked } = waiting();
    const all = times(3, () => call(method, {}, options));
    expect(asked.length).toBe(3);
    await finish(all);
  });

  test('of one session’s link is made for each session', async () => {
    const { list, finish, asked } = waiting({ ownLinks: true });
    const of = (session: string) => list({ client: clientOf({ era: '2025', session }) });
    const all = [of('s1'), of('s2'), of('s1')];
    expect(asked.length).toBe(2);
    await finish(all);
  });

  test('that turns out to be of one session’s link is made again by the others', async () => {
    const { list, answer, asked, askedTimes } = waiting({ ownLinks: true, session: () => undefined });
    const of = (session: string) => list({ client: clientOf({ era: '2025', session }) });
    const all = [of('s1'), of('s2')];
    answer(0, { ...TOOLS, of: 's1' });
    await askedTimes(2);
    answer(1, { ...TOOLS, of: 's2' });
    expect((await Promise.all(all)).map(({ value }) => value.of)).toEqual(['s1', 's2']);
    expect(asked.length).toBe(2);
  });

  test('that asks something is its maker’s', async () => {
    const { call, answer, askedTimes } = waiting();
    const all = times(2, () => call('resources/read', { uri: 'test://a' }));
    answer(0, new McpResult('input_required', McpResult.complete({ requestState: 's' }).raw));
    await askedTimes(2);
    answer(1);
    expect((await Promise.all(all)).map(({ kind }) => kind)).toEqual(['input_required', 'complete']);
  });

  test('whose result is passed on as it comes is its maker’s, and nothing is kept of it', async () => {
    const { call, answer, askedTimes, asked } = waiting();
    const rest = { cancel() {} } as Rest;
    const all = times(2, () => call('resources/read', { uri: 'test://a' }));
    answer(0, McpResult.complete({ ttlMs: 60_000, cacheScope: 'public' }).followedBy(rest));
    await askedTimes(2);
    answer(1);
    expect((await Promise.all(all)).map((result) => result.rest)).toEqual([rest, undefined]);
    const later = call('resources/read', { uri: 'test://a' });
    expect(asked.length).toBe(3);
    answer(2);
    await later;
  });

  test('that fails, fails for all: each error names the request it is about', async () => {
    const { cache, answer, asked } = waiting();
    const all = ['x1', 'x2'].map((id) => cache.handle(exchange('tools/list', {}, { id }), () => undefined));
    answer(0, errorResult('UPSTREAM_TIMEOUT', undefined, { requestId: 'x1', upstream: 'up' }));
    const errors = (await Promise.all(all)).map(({ raw }) => raw.object('data')?.value);
    expect(errors).toEqual(
      ['x1', 'x2'].map((requestId) => ({ code: 'UPSTREAM_TIMEOUT', requestId, upstream: 'up' })),
    );
    expect(asked.length).toBe(1);
  });
});

describe('who leaves', () => {
  test('ends nothing while others wait, and ends the request as the last', async () => {
    const { list, answer, asked } = waiting();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = list({ signal: one.signal });
    const second = list({ signal: two.signal });
    const third = list();
    one.abort();
    expect(codeOf(await first)).toBe('CANCELLED');
    expect(asked[0]?.signal.aborted).toBe(false);
    answer(0);
    expect((await second).kind).toBe('complete');
    expect((await third).kind).toBe('complete');
    const alone = list({ signal: two.signal });
    two.abort();
    expect(codeOf(await alone)).toBe('CANCELLED');
    expect(asked[1]?.signal.aborted).toBe(true);
    const after = list();
    expect(asked.length).toBe(3);
    answer(2);
    expect((await after).kind).toBe('complete');
  });

  test('leaves its generation to the request, for as long as that goes on', async () => {
    let held = 0;
    const hold = () => {
      held++;
      return () => void held--;
    };
    const { list, answer, finish } = waiting();
    const runsOn = { generation: 1, hold };
    const caller = new AbortController();
    const first = list({ signal: caller.signal, runsOn });
    const second = list();
    // What its caller does not end is its caller's to keep.
    expect(held).toBe(0);
    caller.abort();
    await first;
    expect(held).toBe(1);
    answer(0);
    await second;
    expect(held).toBe(0);
    const alone = new AbortController();
    const third = list({ signal: alone.signal, runsOn });
    alone.abort();
    await third;
    await finish([]);
    await until(() => held === 0);
  });
});

describe('who comes later joins none', () => {
  test('that was begun before a change', async () => {
    const { list, tell, answer, asked } = waiting();
    const before = list();
    tell('notifications/tools/list_changed');
    const after = list();
    expect(asked.length).toBe(2);
    answer(0, { ...TOOLS, was: 'old' });
    answer(1, { ...TOOLS, was: 'new' });
    expect((await before).value.was).toBe('old');
    expect((await after).value.was).toBe('new');
  });

  test('that was begun before a call of its own ended, which may have changed what it reads', async () => {
    const { cache, list, finish, asked } = waiting();
    const all = [list(ada), list(bob)];
    cache.ended(exchange('prompts/get', {}, ada));
    all.push(list(ada));
    expect(asked.length).toBe(2);
    cache.ended(exchange('tools/call', {}, ada));
    all.push(list(ada), list(bob));
    expect(asked.length).toBe(3);
    await finish(all);
  });
});

test('notifications are the maker’s while it waits, and a slow one holds nobody up', async () => {
  const slow = Promise.withResolvers<void>();
  const note = McpNotification.of('notifications/message', { level: 'info' });
  const answer = Promise.withResolvers<object>();
  let tell: Emit = () => undefined;
  const { call, list } = keeping((_x, emit) => {
    tell = emit;
    return answer.promise;
  });
  let heard = 0;
  const caller = new AbortController();
  const first = call('tools/list', {}, { signal: caller.signal }, () =>
    ++heard === 1 ? slow.promise : undefined,
  );
  const second = list();
  expect([tell(note), tell(note), heard]).toEqual([undefined, undefined, 1]);
  slow.resolve();
  await slow.promise;
  expect([tell(note), heard]).toEqual([undefined, 2]);
  caller.abort();
  expect([tell(note), heard]).toEqual([undefined, 2]);
  answer.resolve(TOOLS);
  await Promise.all([first, second]);
});
