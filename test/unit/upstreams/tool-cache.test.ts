// Results of tools: kept where the operator names the tool and its upstream says that it only reads, for one caller.
import { describe, expect, test } from 'bun:test';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Rest } from '../../../src/protocol/rest.ts';
import { clientOf, type ExchangeOptions, exchange } from '../../fixtures/exchanges.ts';
import { keeping, type Options } from './kept.ts';

const READS = { readOnlyHint: true, idempotentHint: true };
const LISTED = [
  { name: 'search_a', annotations: READS },
  { name: 'search_b', annotations: { readOnlyHint: true } },
  { name: 'search_c', annotations: { ...READS, readOnlyHint: 'true' } },
  { name: 'search_d' },
  { name: 'other', annotations: READS },
];
const ada: ExchangeOptions = { client: clientOf({ principal: 'ada' }) };
const bob: ExchangeOptions = { client: clientOf({ principal: 'bob' }) };

const rawCall = (params: string, who: ExchangeOptions, method = 'tools/call') =>
  exchange(method, params, who);

/** What an upstream has answered has been taken then. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Tools extends Options {
  readonly answer?: (args: object) => object | McpResult;
  readonly lists?: () => object | Promise<object>;
}

/** An upstream whose tools are named `search_*` where they may be kept, for a minute. */
function tools({ answer, lists, ...options }: Tools = {}) {
  const kept = keeping(
    ({ request }) => {
      if (request.method === 'tools/list') return lists?.() ?? { resultType: 'complete', tools: LISTED };
      const args = (request.params.arguments ?? {}) as object;
      return (
        answer?.(args) ?? { resultType: 'complete', content: [{ type: 'text', text: JSON.stringify(args) }] }
      );
    },
    {
      ...options,
      spec: { tools: { for: 60_000, has: (name) => name.startsWith('search_') }, ...options.spec },
    },
  );
  const call = (name: string, args: object | string = {}, more = ada, params = {}) =>
    kept.call('tools/call', { name, arguments: args, ...params }, more);
  return {
    ...kept,
    call,
    /** How often the tool itself was called. */
    calls: () => kept.asked.filter(({ request }) => request.method !== 'tools/list').length,
    /** Calls it once, so that its list is known. */
    async known(who = ada) {
      await call('search_a', { warm: kept.asked.length }, who);
      await turn();
    },
  };
}

/** Calls twice, and says how often the upstream was called. */
async function twice(of: ReturnType<typeof tools>, ...call: Parameters<typeof of.call>): Promise<number> {
  const before = of.calls();
  await of.call(...call);
  await of.call(...call);
  return of.calls() - before;
}

test('the same call of the same caller is answered once, in whatever order its arguments are', async () => {
  const run = tools();
  await run.known();
  const first = await run.call('search_a', { q: 'x', n: 1 });
  const again = await run.call('search_a', { n: 1, q: 'x' });
  expect(again.raw.text).toBe(first.raw.text);
  expect(run.calls()).toBe(2);
  expect(await run.outcomes('hit')).toBe(1);
  run.host.turn(60_000);
  await run.call('search_a', { n: 1, q: 'x' });
  expect(run.calls()).toBe(3);
});

test('another call is another: by a digit, a caller, a member of _meta', async () => {
  const run = tools();
  await run.known();
  await run.known(bob);
  const before = run.calls();
  const numbers = ['{"n":9007199254740993}', '{"n":9007199254740992}', '{"n":1}', '{"n":"1"}', '{}'];
  const exact = (args: string, who: ExchangeOptions, meta = '{}') =>
    run.cache.handle(
      rawCall(`{"name":"search_a","arguments":${args},"_meta":${meta}}`, who),
      () => undefined,
    );
  for (let round = 0; round < 2; round++) {
    for (const who of [ada, bob]) for (const args of numbers) await exact(args, who);
    await exact('{}', ada, '{"com.example/id":1}');
  }
  expect(run.calls() - before).toBe(2 * numbers.length + 1);
});

describe('is not kept', () => {
  test.each([['search_b'], ['search_c'], ['search_d'], ['search_unknown'], ['other']])(
    'what %s gives, which is not named, or not listed as one that only reads',
    async (name) => {
      const run = tools();
      await run.known();
      expect(await twice(run, name)).toBe(2);
    },
  );

  test.each([
    ['a failure', { content: [], isError: true }],
    ['a question', new McpResult('input_required', RawObject.of({ requestState: 's' }))],
    ['what is passed on as it comes', McpResult.complete({ content: [] }).followedBy({} as Rest)],
    ['an error', McpResult.error({ code: -32603, message: 'no' })],
    ['a task', { resultType: 'task', taskId: 't' }],
    ['a task of 2025', { task: { taskId: 't' } }],
  ])('%s', async (_what, result) => {
    const run = tools({ answer: (args) => ('warm' in args ? { content: [] } : result) });
    await run.known();
    expect(await twice(run, 'search_a')).toBe(2);
  });

  test.each([
    ['a round with answers', { inputResponses: {} }],
    ['a round with a state', { requestState: 's' }],
    ['a request for a task', { task: {} }],
  ])('what comes of %s', async (_what, params) => {
    const run = tools();
    await run.known();
    expect(await twice(run, 'search_a', {}, ada, params)).toBe(2);
    expect(await run.outcomes('bypass')).toBe(2);
  });

  test('anything, unless the configuration says so', async () => {
    const run = keeping(() => ({ content: [] }));
    expect(run.cache.takes(rawCall('{"name":"search_a"}', ada))).toBe(false);
  });

  test('anything, where the list cannot be had', async () => {
    const run = tools({ lists: () => Promise.reject(new Error('no list')) });
    await run.known();
    expect(await twice(run, 'search_a')).toBe(2);
  });
});

test('a call does not wait for the list, which is asked for once', async () => {
  const list = Promise.withResolvers<object>();
  const run = tools({ lists: () => list.promise });
  await run.known();
  expect(await twice(run, 'search_a')).toBe(2);
  list.resolve({ tools: LISTED });
  await turn();
  expect(await twice(run, 'search_a')).toBe(1);
  expect(run.asked.filter(({ request }) => request.method === 'tools/list').length).toBe(1);
});

describe('is over', () => {
  test('when the list of tools changes, which is then looked at again', async () => {
    const state = { tools: LISTED as object[] };
    const run = tools({ lists: () => state });
    await run.known();
    expect(await twice(run, 'search_a')).toBe(1);
    state.tools = [];
    run.tell('notifications/tools/list_changed');
    await run.known();
    expect(await twice(run, 'search_a')).toBe(2);
  });

  test('when its caller calls what may change something, and for no other caller', async () => {
    const run = tools();
    await run.known();
    await run.known(bob);
    const both = async () => [await twice(run, 'search_a', {}, ada), await twice(run, 'search_a', {}, bob)];
    expect(await both()).toEqual([1, 1]);
    run.cache.ended(rawCall('{"name":"search_a","arguments":{"other":true}}', ada));
    run.cache.ended(rawCall('{"name":"delete"}', bob, 'prompts/get'));
    expect(await both()).toEqual([0, 0]);
    run.cache.ended(rawCall('{"name":"delete"}', ada));
    expect(await both()).toEqual([1, 0]);
  });

  test('before it is kept, when its caller does so meanwhile', async () => {
    const run = tools({
      answer: (args) => {
        if ('during' in args) run.cache.ended(rawCall('{"name":"delete"}', ada));
        return { content: [] };
      },
    });
    await run.known();
    expect(await twice(run, 'search_a', { during: true })).toBe(2);
  });

  test('with its link', async () => {
    const run = tools();
    await run.known();
    expect(await twice(run, 'search_a')).toBe(1);
    run.cache.linkEnded(run.link);
    expect(await twice(run, 'search_a')).toBe(1);
  });
});
