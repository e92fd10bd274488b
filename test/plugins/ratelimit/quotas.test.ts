// Quotas and their windows, several limits at once, and what is forgotten where there is no room.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Ask, Limit, Quota, Rate } from '../../../plugins/ratelimit/store.ts';
import { counting, MIDNIGHT } from './counting.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const daily = (units: number): Quota => ({ kind: 'quota', units, window: DAY });
const RATE: Rate = { kind: 'rate', units: 10, window: 1_000, burst: 10 };

function ask(limit: Limit, cost = 1, key = 'k'): Ask {
  return { key, limit, cost };
}

describe('a quota', () => {
  test('ends with the day, whenever it was begun', () => {
    const { store, clock } = counting();
    clock.now += 23 * HOUR;
    expect(store.take([ask(daily(3), 3)])).toEqual([
      { admitted: true, remaining: 0, resetMs: HOUR, retryMs: 0 },
    ]);
    clock.now += HOUR - 1;
    expect(store.take([ask(daily(3))])).toEqual([{ admitted: false, remaining: 0, resetMs: 1, retryMs: 1 }]);
    clock.now += 1;
    expect(store.take([ask(daily(3))])).toEqual([{ admitted: true, remaining: 2, resetMs: DAY, retryMs: 0 }]);
    expect(store.take([ask(daily(3), 4)])).toMatchObject([
      { admitted: false, retryMs: Number.POSITIVE_INFINITY },
    ]);
  });
  test('of hours begins with the hour, of weeks on Monday', () => {
    const { store, clock } = counting();
    clock.now = MIDNIGHT + 90 * 60_000;
    const resets = [HOUR, 6 * HOUR, DAY, 7 * DAY, 14 * DAY].map((window) => {
      const [told] = store.take([ask({ kind: 'quota', units: 1, window }, 1, String(window))]);
      return new Date(clock.now + (told?.resetMs ?? 0)).toISOString();
    });
    expect(resets).toEqual([
      '2026-11-21T02:00:00.000Z',
      '2026-11-21T06:00:00.000Z',
      '2026-11-22T00:00:00.000Z',
      '2026-11-23T00:00:00.000Z',
      '2026-11-23T00:00:00.000Z',
    ]);
  });
  test('is neither new nor stuck where the clock is put back', () => {
    const { store, clock } = counting();
    store.take([ask(daily(3), 3)]);
    clock.now -= 400 * DAY;
    expect(store.take([ask(daily(3))])).toMatchObject([{ admitted: false, retryMs: DAY }]);
    clock.now += DAY;
    expect(store.take([ask(daily(3))])).toMatchObject([{ admitted: true, remaining: 2 }]);
  });
  test('owes what it came to, and gets back what was not used, both within its window alone', () => {
    const { store, clock } = counting();
    const settle = (taken: number, cost: number, afterMs: number) =>
      store.adjust([{ key: 'k', limit: daily(10), taken, cost, afterMs }]);
    store.take([ask(daily(10), 8)]);
    settle(8, 2, 1_000);
    clock.now += 1_000;
    expect(store.peek([ask(daily(10))])).toMatchObject([{ remaining: 2, admitted: true }]);
    settle(8, 2, 1_000);
    expect(store.peek([ask(daily(10))])).toMatchObject([{ remaining: 8 }]);
    settle(1, 100, 0);
    expect(store.peek([ask(daily(10))])).toMatchObject([{ remaining: 0, admitted: false }]);
    clock.now += DAY;
    store.take([ask(daily(10), 1)]);
    settle(8, 0, DAY);
    expect(store.peek([ask(daily(10))])).toMatchObject([{ remaining: 9 }]);
  });
});

test('a quota of bytes, and a week of them, owes what it came to', () => {
  const { store } = counting();
  const weekly: Quota = { kind: 'quota', units: 1e12, window: 7 * DAY };
  store.take([ask(weekly, 9e11)]);
  store.adjust([{ key: 'k', limit: weekly, taken: 0, cost: 5e10, afterMs: 0 }]);
  expect(store.peek([ask(weekly)])).toMatchObject([{ remaining: 5e10 }]);
  store.adjust([{ key: 'k', limit: weekly, taken: 0, cost: 1e11, afterMs: 0 }]);
  expect(store.take([ask(weekly)])).toMatchObject([{ admitted: false, remaining: 0 }]);
});

describe('several limits', () => {
  test('take all or none', () => {
    const { store } = counting();
    const both = [ask(RATE), ask(daily(12))];
    for (let at = 0; at < 10; at++)
      expect(store.take(both)).toMatchObject([{ admitted: true }, { admitted: true }]);
    expect(store.take(both)).toEqual([
      { admitted: false, remaining: 0, resetMs: 1_000, retryMs: 100 },
      { admitted: true, remaining: 2, resetMs: DAY, retryMs: 0 },
    ]);
    expect(store.peek(both)).toMatchObject([{ remaining: 0 }, { remaining: 2 }]);
  });
  test('are what each alone would be, where the others have room', () => {
    const limits: Limit[] = [
      RATE,
      { ...RATE, units: 3, window: 7_000 },
      daily(40),
      { ...daily(25), window: HOUR },
    ];
    const calls = fc.array(fc.tuple(fc.nat(600_000), fc.integer({ min: 0, max: 12 })), {
      size: 'max',
      maxLength: 100,
    });
    fc.assert(
      fc.property(calls, (steps) => {
        const together = counting();
        const apart = limits.map(() => counting());
        for (const [pause, cost] of steps) {
          for (const each of [together, ...apart]) each.clock.now += pause;
          const told = together.store.take(limits.map((limit, at) => ask(limit, cost, String(at))));
          const peeked = limits.map(
            (limit, at) => (apart[at] as typeof together).store.peek([ask(limit)])[0],
          );
          const isTaken = told.every(({ admitted }) => admitted);
          for (const [at, limit] of limits.entries()) {
            const alone = apart[at] as typeof together;
            const mine = told[at];
            if (isTaken) expect(alone.store.take([ask(limit, cost)])[0]).toEqual(mine as never);
            else expect(mine?.remaining).toBe(peeked[at]?.remaining as number);
          }
        }
      }),
    );
  });
  test('of one key count twice, and no more than it holds', () => {
    const { store } = counting();
    expect(store.take([ask(RATE, 6), ask(RATE, 6)])).toMatchObject([{ admitted: true }, { admitted: false }]);
    expect(store.peek([ask(RATE)])).toMatchObject([{ remaining: 10 }]);
    expect(store.take([ask(RATE, 6), ask(RATE, 4)])).toMatchObject([{ admitted: true }, { admitted: true }]);
    expect(store.peek([ask(RATE)])).toMatchObject([{ remaining: 0 }]);
  });
});

describe('where there is no room for more keys', () => {
  test('new ones do not push out one that is in debt', () => {
    const { store, hits } = counting(100);
    store.take([ask(RATE, 10, 'flood')]);
    store.adjust([{ key: 'flood', limit: RATE, taken: 10, cost: 100, afterMs: 0 }]);
    for (let at = 0; at < 10_000; at++) store.take([ask(RATE, 1, `one of many ${at}`)]);
    expect(store.take([ask(RATE, 1, 'flood')])).toMatchObject([{ admitted: false }]);
    expect(store.size).toBe(100);
    expect(hits.length).toBe(9_901);
    expect(new Set(hits)).toEqual(new Set(['ratelimit_keys']));
  });
  test('what is full again goes first, which nobody notices', () => {
    const { store, clock, hits } = counting(100);
    for (let at = 0; at < 1_000; at++) {
      clock.now += 100;
      store.take([ask(RATE, 1, `${at}`)]);
    }
    expect(hits).toEqual([]);
    expect(store.size).toBeLessThan(10);
  });
  test('fewer after a reload: they go little by little', () => {
    const { store } = counting(100);
    for (let at = 0; at < 100; at++) store.take([ask(daily(5), 1, `${at}`)]);
    store.options = { keys: 10 };
    store.take([ask(daily(5), 1, 'one more')]);
    expect(store.size).toBe(97);
    for (let at = 0; at < 100; at++) store.take([ask(daily(5), 1, `more ${at}`)]);
    expect(store.size).toBe(10);
  });
});
