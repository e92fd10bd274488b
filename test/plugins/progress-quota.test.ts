// Many calls of one principal together: what is over its quota waits and is replaced, and the last always arrives.
import { describe, expect, test } from 'bun:test';
import { type Call, testPlugin } from 'sluice/testing';
import { Quota } from '../../plugins/progress/quota.ts';
import progress from '../../plugins/progress.ts';

/** A call that reports every 10 ms for two seconds. */
const talkative = (principal: Call['principal']): Call => ({
  method: 'tools/call',
  progressToken: 1,
  principal: principal ?? 'ada',
  upstream: async (up) => {
    for (let value = 1; value <= 200; value++) {
      await up.emit({ method: 'notifications/progress', params: { progressToken: 1, progress: value } });
      await up.wait(10);
    }
    return {};
  },
});

describe('beyond per_principal', () => {
  test('the updates of all calls of a principal are that many a second, the last of each is out', async () => {
    await using bench = await testPlugin(progress, { per_principal: 20 });
    const running = Array.from({ length: 10 }, () => bench.start(talkative('ada')));
    await bench.advance(2_000);
    const all = await Promise.all(running.map(({ outcome }) => outcome));
    // 20 at once, 20 a second for two seconds, and the last of each of ten.
    const heard = all.reduce((sum, { notes }) => sum + notes.length, 0);
    expect(heard).toBeLessThanOrEqual(20 + 40 + 10);
    expect(heard).toBeGreaterThan(50);
    for (const { notes, late } of all) {
      expect(notes.at(-1)?.params.progress).toBe(200);
      expect(late).toEqual([]);
    }
    expect(bench.counts.get('progress_per_principal')).toBeGreaterThan(100);
    expect(bench.timers).toBe(0);
  });

  test.each(['tenant', 'issuer'])(
    'nobody else is slowed down, also who has the same id with another %s',
    async (by) => {
      await using bench = await testPlugin(progress, { per_principal: 1 });
      const busy = Array.from({ length: 5 }, () => bench.start(talkative({ id: 'ada', [by]: 'one' })));
      const other = bench.start(talkative({ id: 'ada', [by]: 'two' }));
      await bench.advance(2_000);
      await Promise.all(busy.map(({ outcome }) => outcome));
      const values = (await other.outcome).notes.map(({ params }) => params.progress);
      expect(values[0]).toBe(1);
      expect(values).toHaveLength(3);
      expect(values.at(-1)).toBe(200);
    },
  );

  test('a reload does not give it anew', async () => {
    await using bench = await testPlugin(progress, { per_principal: 5 });
    const quota = bench.kept('quota v1');
    await bench.reload({ per_principal: 10 });
    expect(bench.kept('quota v1')).toBe(quota);
  });
});

describe('the quota', () => {
  test('gives as many at once as it gives in a second, then one by one', () => {
    const quota = new Quota();
    const taken = Array.from({ length: 12 }, () => quota.take('a', 10, 0));
    expect(taken).toEqual([...Array(10).fill(0), 100, 100]);
    expect([quota.take('a', 10, 99), quota.take('a', 10, 100), quota.take('a', 10, 100)]).toEqual([
      1, 0, 100,
    ]);
    expect(quota.take('b', 10, 0)).toBe(0);
  });

  test('thirds of a second make a second', () => {
    const quota = new Quota();
    expect([0, 0, 0, 0].map(() => quota.take('a', 3, 0) > 0)).toEqual([false, false, false, true]);
    expect(quota.take('a', 3, 1_000)).toBe(0);
  });

  test('a clock that was set back stops nobody', () => {
    const quota = new Quota();
    for (let n = 0; n < 10; n++) quota.take('a', 10, 1_000_000);
    expect(quota.take('a', 10, 0)).toBe(0);
  });

  test('forgets those whose second is over', () => {
    const quota = new Quota();
    for (let n = 0; n < 5_000; n++) quota.take(`p${n}`, 10, n * 10);
    expect(quota.size).toBeLessThan(1_100);
  });
});
