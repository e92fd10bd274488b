// Calls and streams that hold places: they wait in the words the client sees, and give back what they hold however they
// end.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import ratelimit from '../../../plugins/ratelimit.ts';
import { HttpAnswer } from '../../../src/core/http-answer.ts';
import { refuse } from '../../../src/plugin.ts';
import { settle } from '../../../src/testing/clock.ts';
import { testPlugin } from '../../../src/testing.ts';
import { type Call, toolCall } from './calls.ts';

type Bench = Awaited<ReturnType<typeof testPlugin>>;

/** A call whose upstream answers when it is told to. */
function slow(more: Partial<Call> = {}) {
  const done = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const call = toolCall('echo', {
    upstream: async () => {
      began.resolve();
      await done.promise;
      return { content: [] };
    },
    ...more,
  });
  return { call, began: began.promise, finish: () => done.resolve() };
}

const heldIn = (bench: Bench) => [bench.levels.get('calls held'), bench.levels.get('calls queued')];

describe('calls at once', () => {
  test('beyond the limit are refused at once, and pass when one is over', async () => {
    await using bench = await testPlugin(ratelimit, { concurrency: 1 });
    const first = slow();
    const running = bench.start(first.call);
    await first.began;
    const { result } = await bench.call(toolCall());
    expect([result.value.message, result.value.data, result.headers]).toEqual([
      'Limit "calls" of 1 call at once is reached: try again in 1 s.',
      { code: 'RATE_LIMITED', retryAfterMs: 1_000, limit: 'calls', policy: '1 call at once' },
      { 'retry-after': '1' },
    ]);
    expect((await bench.call(toolCall('echo', { principal: 'bob' }))).result.kind).toBe('complete');
    first.finish();
    await running.outcome;
    expect((await bench.call(toolCall())).result.kind).toBe('complete');
    expect(heldIn(bench)).toEqual([0, 0]);
  });

  test('wait in a queue, outside of the timeout of the entry, and no longer than that of the queue', async () => {
    await using bench = await testPlugin(
      ratelimit,
      { concurrency: 1, queue: { timeout: '1m' } },
      { timeout: 1_000 },
    );
    const first = slow();
    const running = bench.start(first.call);
    await first.began;
    const second = bench.start(toolCall());
    await bench.advance(30_000);
    expect(heldIn(bench)).toEqual([1, 1]);
    first.finish();
    await running.outcome;
    expect((await second.outcome).result.kind).toBe('complete');

    const third = slow();
    const holding = bench.start(third.call);
    await third.began;
    const late = bench.start(toolCall());
    await bench.advance(60_000);
    expect((await late.outcome).result.value.data).toMatchObject({ code: 'RATE_LIMITED' });
    expect(bench.counts.get('refused{kind=calls,reason=late}')).toBe(1);
    third.finish();
    await holding.outcome;
  });

  test('what is refused a place has taken nothing of other limits', async () => {
    await using bench = await testPlugin(ratelimit, {
      limits: [
        { name: 'day', quota: '2/day' },
        { name: 'calls', concurrency: 1 },
      ],
    });
    const first = slow();
    const running = bench.start(first.call);
    await first.began;
    for (const _ of [1, 2, 3])
      expect((await bench.call(toolCall())).result.value.data).toMatchObject({ limit: 'calls' });
    first.finish();
    await running.outcome;
    expect((await bench.call(toolCall())).result.kind).toBe('complete');
    expect((await bench.call(toolCall())).result.value.data).toMatchObject({ limit: 'day' });
  });

  test('in shadow nobody waits or is refused', async () => {
    for (const [options, entry] of [
      [{ concurrency: 1, queue: {}, shadow: true }, {}],
      [{ concurrency: 1, queue: {} }, { mode: 'shadow' as const }],
    ] as const) {
      await using bench = await testPlugin(ratelimit, options, entry);
      const first = slow();
      const running = bench.start(first.call);
      await first.began;
      expect((await bench.call(toolCall())).result.kind).toBe('complete');
      expect(bench.counts.get('would_refuse{kind=calls,reason=full}')).toBe(1);
      first.finish();
      await running.outcome;
      expect(heldIn(bench)).toEqual([0, 0]);
    }
  });

  test('a reload keeps those that are at work, and lets in who waits where there are more', async () => {
    await using bench = await testPlugin(ratelimit, { concurrency: 1, queue: {} });
    const first = slow();
    const running = bench.start(first.call);
    await first.began;
    const second = slow();
    const waiting = bench.start(second.call);
    await bench.reload({ concurrency: 2, queue: {} });
    await second.began;
    const { result } = await bench.call({ ...toolCall(), principal: 'bob' });
    expect(result.kind).toBe('complete');
    first.finish();
    second.finish();
    await Promise.all([running.outcome, waiting.outcome]);
    expect(heldIn(bench)).toEqual([0, 0]);
  });
});

test('however calls end, no place is lost', async () => {
  const ending = fc.constantFrom('finish', 'cancel', 'fail', 'late', 'reload');
  await fc.assert(
    fc.asyncProperty(fc.array(ending, { minLength: 1, maxLength: 25 }), async (endings) => {
      await using bench = await testPlugin(ratelimit, {
        concurrency: 2,
        share: '50%',
        queue: { length: 3, timeout: '10s' },
        per: 'all',
      });
      const runs = [];
      for (const [index, how] of endings.entries()) {
        const failing = { upstream: () => refuse('UPSTREAM_UNAVAILABLE') };
        const made = slow({ principal: `p${index % 4}`, ...(how === 'fail' && failing) });
        const run = bench.start(made.call);
        runs.push({ how, made, run });
        await settle();
        if (how === 'late') await bench.advance(10_000);
        if (how === 'reload') await bench.reload();
        if (how === 'cancel') run.cancel();
        if (index % 3 === 2) made.finish();
      }
      for (const { made } of runs) made.finish();
      await bench.advance(10_000);
      await Promise.all(runs.map(({ run }) => run.outcome.catch(() => undefined)));
      await settle();
      expect(heldIn(bench)).toEqual([0, 0]);
      expect(bench.timers).toBe(0);
    }),
    { numRuns: 60 },
  );
});

describe('streams that stand open', () => {
  const options = { concurrency: 1, of: 'streams' as const };
  const stream = (answer: HttpAnswer, method = 'GET') => ({ method, inbound: { answer } });

  test('hold their place until their answer is over', async () => {
    await using bench = await testPlugin(ratelimit, options);
    const [first, second] = [new HttpAnswer(), new HttpAnswer()];
    const open = Promise.withResolvers<void>();
    first.lasts(open.promise);
    first.begun();
    expect((await bench.call(stream(first))).result.kind).toBe('complete');
    for (const method of ['GET', 'subscriptions/listen'])
      expect((await bench.call(stream(second, method))).result.kind).toBe('error');
    expect((await bench.call(toolCall())).result.kind).toBe('complete');
    open.resolve();
    await first.over;
    await settle();
    expect((await bench.call(stream(second))).result.kind).toBe('complete');
  });

  test('on a pipe until their exchange is; one that begins anew has its place already', async () => {
    await using bench = await testPlugin(ratelimit, options);
    const pipe = { client: { transport: 'stdio' as const }, method: 'subscriptions/listen' };
    const done = Promise.withResolvers<void>();
    const waits = {
      upstream: async () => {
        await done.promise;
        return {};
      },
    };
    const listening = bench.start({ ...pipe, ...waits });
    await settle();
    await bench.reload();
    expect((await bench.call(pipe)).result.kind).toBe('error');
    done.resolve();
    await listening.outcome;
    expect((await bench.call(pipe)).result.kind).toBe('complete');
  });
});
