// What calls cost: by table, by expression, and in the end by what they were.
import { describe, expect, test } from 'bun:test';
import ratelimit from '../../../plugins/ratelimit.ts';
import { McpResult } from '../../../src/plugin.ts';
import { testPlugin } from '../../../src/testing.ts';
import { remainingOf, toolCall } from './calls.ts';

describe('a cost', () => {
  test('by table: the first row that has one of its names, else 1', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '100/h',
      cost: { 'up/dear': 20, 'search_*': 5, '*_all': 7, free: 0 },
    });
    const left = async (name: string, own = name) => remainingOf(await bench.call(toolCall(name, { own })));
    expect(await left('echo')).toBe(99);
    expect(await left('search_all')).toBe(94);
    expect(await left('list_all')).toBe(87);
    expect(await left('cheap', 'dear')).toBe(67);
    expect(await left('free')).toBe(67);
  });

  test('by expression: arguments, their size, who calls', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '100/h',
      cost: 'has(args.ids) ? size(args.ids) : ("heavy" in principal.groups ? 10 : request_bytes / 1000)',
      per: 'all',
    });
    const cost = async (args: object, principal: object = { id: 'ada' }) => {
      const { result } = await bench.call(toolCall('echo', { args, principal }));
      return result.kind === 'complete';
    };
    expect(await cost({ ids: Array(100).fill(1) })).toBe(true);
    expect(await cost({ ids: [1] })).toBe(false);
    expect(await cost({ ids: [] })).toBe(true);
    expect(await cost({}, { id: 'bob', groups: ['heavy'] })).toBe(false);
    expect(await cost({ text: 'a'.repeat(3_000) })).toBe(false);
  });

  test('that is more than the limit ever has is said to be, with what it was', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '10/m', cost: 'size(args.ids)' });
    const { result } = await bench.call(toolCall('echo', { args: { ids: Array(11).fill(0) } }));
    expect([result.value.message, result.value.data, result.headers]).toEqual([
      'This call costs 11, and limit "calls" never has more than 10: it cannot pass. Ask for less at once.',
      { code: 'RATE_LIMITED', limit: 'calls', policy: '10 per minute', cost: 11, most: 10 },
      undefined,
    ]);
  });

  test('that looks at arguments is about calls of tools: all else costs 1, or is not counted by them', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '10/m', cost: 'int(args.n)' });
    expect(remainingOf(await bench.call({ method: 'tools/list' }))).toBe(9);
    expect(remainingOf(await bench.call(toolCall('echo', { args: { n: 4 } })))).toBe(5);
    await using keyed = await testPlugin(ratelimit, { rate: '1/m', per: 'principal.id + string(args.repo)' });
    expect((await keyed.call({ method: 'tools/list' })).headers).toEqual({});
    const kinds = [];
    for (const repo of ['a', 'a', 'b'])
      kinds.push((await keyed.call(toolCall('echo', { args: { repo } }))).result.kind);
    expect(kinds).toEqual(['complete', 'error', 'complete']);
    const large = await keyed.call(toolCall('echo', { args: { repo: 'x'.repeat(70_000) } }));
    expect(large.result.value.data).toEqual({ code: 'RATE_LIMITED' });
  });

  test('that cannot be told is a failure of the plugin; arguments too large to judge are refused', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '10/m', cost: 'args.n' });
    const codeOf = async (args: object) => {
      const { result } = await bench.call(toolCall('echo', { args }));
      return result.kind === 'error' && (result.value.data as { code: string }).code;
    };
    expect(await codeOf({})).toBe('PLUGIN_FAILED');
    expect(await codeOf({ n: -1 })).toBe('PLUGIN_FAILED');
    expect(await codeOf({ n: '5' })).toBe('PLUGIN_FAILED');
    expect(await codeOf({ n: 3 })).toBe(false);
    expect(await codeOf({ n: 1, more: 'x'.repeat(70_000) })).toBe('RATE_LIMITED');
  });

  test('of arguments with names of the language is no way out of it', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '10/m', cost: 'has(args.n) ? 10 : 1' });
    const call = toolCall('echo', {}, '{"name":"echo","arguments":{"__proto__":{"n":1},"constructor":1}}');
    expect(remainingOf(await bench.call(call))).toBe(9);
    const own = toolCall('echo', {}, '{"name":"echo","arguments":{"constructor":1,"n":1}}');
    expect((await bench.call(own)).result.kind).toBe('error');
  });
});

describe('in the end', () => {
  const text = (length: number) => ({ content: [{ type: 'text', text: 'x'.repeat(length) }] });
  const left = async (bench: Awaited<ReturnType<typeof testPlugin>>) =>
    remainingOf(await bench.call(toolCall('free'))) ?? Number.NaN;
  const free = { free: 0 };

  test('so many bytes of the result are one more', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '100/h',
      cost: free,
      cost_after: { bytes: '1KiB' },
    });
    await bench.call(toolCall('echo', { result: text(10_240) }));
    expect(await left(bench)).toBe(88);
  });

  test('so much time is one more; a debt is paid before anything else passes', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '60/m',
      burst: 10,
      cost: free,
      cost_after: { duration: '1s' },
    });
    const slow = bench.start(
      toolCall('echo', {
        upstream: async ({ wait }) => {
          await wait(30_000);
          return { content: [] };
        },
      }),
    );
    await bench.advance(30_000);
    await slow.outcome;
    const { result } = await bench.call(toolCall('echo'));
    expect(result.value.data).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 21_000 });
  });

  test('what was not needed is given back', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '100/h',
      cost: { echo: 50, free: 0 },
      cost_after: 'failed ? 0.0 : cost',
    });
    await bench.call(toolCall('echo', { result: McpResult.error({ code: -1, message: 'no' }) }));
    expect(await left(bench)).toBe(100);
    await bench.call(toolCall('echo'));
    expect(await left(bench)).toBe(50);
  });

  test('a call that is cancelled has cost the time it took', async () => {
    await using bench = await testPlugin(ratelimit, {
      quota: '100/day',
      cost: { echo: 1, free: 0 },
      cost_after: { duration: '1s' },
    });
    const running = bench.start(toolCall('echo', { upstream: () => new Promise(() => {}) }));
    await bench.advance(20_000);
    running.cancel();
    await running.outcome;
    expect(await left(bench)).toBe(79);
  });

  test('an expression that fails then refuses nobody, and is told', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '10/h', cost_after: 'double(args.n)' });
    expect((await bench.call(toolCall('echo'))).result.kind).toBe('complete');
    expect(bench.counts.get('failed{kind=calls}')).toBe(1);
    expect(
      bench.log.some(({ level, message }) => level === 'warn' && message.includes('cost of a call')),
    ).toBe(true);
  });
});
