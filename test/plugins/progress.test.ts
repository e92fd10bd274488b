// The progress plugin through the public kit: what a client sees of a server that reports too often, or wrongly.
import { describe, expect, test } from 'bun:test';
import type { McpNotification } from 'sluice/plugin';
import { type Call, type Note, type ScriptedUpstream, testPlugin } from 'sluice/testing';
import { plugins } from '../../plugins/index.ts';
import progress from '../../plugins/progress.ts';
import { KEEPING_HOST } from '../fixtures/plugin-host.ts';

const METHOD = 'notifications/progress';
const step = (value: number, more: Record<string, number | string> = {}): Note => ({
  method: METHOD,
  params: { progressToken: 'a', progress: value, ...more },
});
const values = (notes: readonly McpNotification[]) => notes.map((note) => note.params.progress);
const call = (upstream: (up: ScriptedUpstream) => Promise<unknown>): Call => ({
  method: 'tools/call',
  params: { name: 'slow' },
  progressToken: 'a',
  upstream: async (up) => {
    await upstream(up);
    return { content: [] };
  },
});

test('it is the built-in called "progress"', () => {
  expect(plugins.progress).toBe(progress);
  expect(progress.name).toBe('progress');
});

describe('pace', () => {
  test('the first passes at once, then the newest of each interval', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start(
      call(async (up) => {
        for (let i = 1; i <= 30; i++) {
          await up.emit(step(i));
          await up.wait(10);
        }
        await up.wait(1_000);
      }),
    );
    await bench.advance(0);
    expect(values(running.notes)).toEqual([1]);
    await bench.advance(99);
    expect(values(running.notes)).toEqual([1]);
    await bench.advance(1);
    expect(values(running.notes)).toEqual([1, 10]);
    await bench.advance(2_000);
    const { notes, late } = await running.outcome;
    expect(values(notes)).toEqual([1, 10, 20, 30]);
    expect(late).toEqual([]);
    expect(bench.timers).toBe(0);
  });

  test('T10: at most ten updates a second, unless told otherwise', async () => {
    for (const [options, most] of [
      [{}, 10],
      [{ every: '250ms' }, 4],
    ] as const) {
      await using bench = await testPlugin(progress, options);
      const running = bench.start(
        call(async (up) => {
          for (let i = 0; i < 1_000; i++) {
            await up.emit(step(i / 1_000));
            await up.wait(1);
          }
        }),
      );
      await bench.advance(999);
      expect(running.notes.length).toBe(most);
      await bench.advance(1);
      expect(values((await running.outcome).notes).at(-1)).toBe(0.999);
    }
  });

  test('an update after a pause passes at once', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start(
      call(async (up) => {
        await up.emit(step(1));
        await up.wait(500);
        await up.emit(step(2));
        await up.wait(500);
      }),
    );
    await bench.advance(500);
    expect(values(running.notes)).toEqual([1, 2]);
    await bench.advance(500);
    await running.outcome;
  });

  test('every: 0ms holds nothing back', async () => {
    await using bench = await testPlugin(progress, { every: '0ms' });
    const { notes } = await bench.call({ method: 'tools/call', notes: [step(1), step(2), step(3)] });
    expect(values(notes)).toEqual([1, 2, 3]);
  });

  test('tokens of a call do not slow each other down', async () => {
    await using bench = await testPlugin(progress);
    const one = (token: string | number) => ({
      method: METHOD,
      params: { progressToken: token, progress: 1 },
    });
    const { notes } = await bench.call({ method: 'tools/call', notes: [one(1), one('1'), one('b')] });
    expect(notes.length).toBe(3);
  });

  test('many callers with one token each get their own, all of it, and nothing else', async () => {
    await using bench = await testPlugin(progress);
    const callers = Array.from({ length: 200 }, (_, i) => `caller ${i}`);
    const running = callers.map((principal) =>
      bench.start({
        ...call(async (up) => {
          for (let i = 1; i <= 20; i++) {
            await up.emit(step(i, { message: principal }));
            await up.wait(7);
          }
        }),
        principal,
      }),
    );
    await bench.advance(1_000);
    for (const [i, { notes }] of (await Promise.all(running.map(({ outcome }) => outcome))).entries()) {
      expect(values(notes)).toEqual([1, 15, 20]);
      expect(new Set(notes.map(({ params }) => params.message))).toEqual(new Set([callers[i]]));
    }
    expect(bench.timers).toBe(0);
  });

  test('a clock that was set back does not stop updates', async () => {
    await using bench = await testPlugin(progress);
    const real = bench.now();
    let shift = 0;
    const plugin = await progress.setup(progress.schema.parse({}), {
      ...KEEPING_HOST,
      now: () => real - shift,
    });
    const seen: McpNotification[] = [];
    await using other = await testPlugin({ ...progress, setup: () => plugin });
    const running = other.start(
      call(async (up) => {
        await up.emit(step(1));
        shift = 3_600_000;
        await up.emit(step(2));
        await up.wait(150);
      }),
    );
    await other.advance(100);
    expect(values(running.notes)).toEqual([1, 2]);
    await other.advance(50);
    seen.push(...(await running.outcome).notes);
    expect(values(seen)).toEqual([1, 2]);
  });
});

describe('the last update', () => {
  test('T10: arrives right before the result, whatever the interval', async () => {
    await using bench = await testPlugin(progress, { every: '1h' });
    const notes = Array.from({ length: 100 }, (_, i) => step(i + 1));
    const outcome = await bench.call({ method: 'tools/call', notes });
    expect(values(outcome.notes)).toEqual([1, 100]);
    expect(bench.timers).toBe(0);
    await bench.advance(7_200_000);
    expect(outcome.late).toEqual([]);
  });

  test('arrives before an error result, too', async () => {
    await using bench = await testPlugin(progress);
    const { notes } = await bench.call({
      method: 'tools/call',
      upstream: async (up) => {
        await up.emit(step(1));
        await up.emit(step(2));
        return { content: [], isError: true };
      },
    });
    expect(values(notes)).toEqual([1, 2]);
  });

  test('is waited for while the client is slow, beyond the timeout of the plugin', async () => {
    await using bench = await testPlugin(progress, {}, { timeout: 1_000 });
    const client = Promise.withResolvers<void>();
    const taken: unknown[] = [];
    const running = bench.start({
      ...call(async (up) => {
        await up.emit(step(1));
        await up.emit(step(2));
        await up.wait(150);
        await up.emit(step(3));
      }),
      take: async (note) => {
        if (taken.push(note.params.progress) === 2) await client.promise;
      },
    });
    let isOver = false;
    void running.outcome.then(() => (isOver = true));
    await bench.advance(60_000);
    expect([isOver, taken]).toEqual([false, [1, 2, 3]]);
    client.resolve();
    const { result, failures, notes } = await running.outcome;
    expect([result.kind, failures, values(notes)]).toEqual(['complete', [], [1, 2, 3]]);
  });

  test('T11: a slow client has one update on its way and one waiting, no more', async () => {
    await using bench = await testPlugin(progress);
    const client = Promise.withResolvers<void>();
    const running = bench.start({
      ...call(async (up) => {
        for (const value of [1, 2]) await up.emit(step(value));
        for (const value of [3, 4, 5]) {
          await up.wait(500);
          await up.emit(step(value));
        }
        await up.wait(500);
      }),
      take: (note) => (note.params.progress === 2 ? client.promise : undefined),
    });
    await bench.advance(1_500);
    expect(values(running.notes)).toEqual([1, 2]);
    client.resolve();
    await bench.advance(100);
    expect(values(running.notes)).toEqual([1, 2, 5]);
    await bench.advance(400);
    expect(values((await running.outcome).notes)).toEqual([1, 2, 5]);
    expect(bench.timers).toBe(0);
  });

  test('is the last: nothing follows the result', async () => {
    await using bench = await testPlugin(progress);
    const { notes, late } = await bench.call(
      call(async (up) => {
        await up.emit(step(1));
        void up.wait(500).then(() => up.emit(step(2)));
      }),
    );
    await bench.advance(1_000);
    expect([values(notes), late]).toEqual([[1], []]);
  });

  test('a client that goes away while it is waited for gets no failure counted', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start({
      ...call(async (up) => {
        await up.emit(step(1));
        await up.emit(step(2));
      }),
      take: (note) => (note.params.progress === 1 ? undefined : new Promise(() => {})),
    });
    await bench.advance(10);
    running.cancel();
    const { failures, log } = await running.outcome;
    expect([failures, log]).toEqual([[], []]);
  });
});
