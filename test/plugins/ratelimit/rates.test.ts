// Rates: what is let in is what a bucket of exact numbers lets in, and never more in any stretch of time.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../plugins/ratelimit/memory.ts';
import { type Ask, DEBT_BURSTS, type Rate, type Told } from '../../../plugins/ratelimit/store.ts';
import { counting } from './counting.ts';

const PER_MINUTE: Rate = { kind: 'rate', units: 60, window: 60_000, burst: 20 };

function ask(cost: number, limit: Rate = PER_MINUTE, key = 'k'): Ask[] {
  return [{ key, limit, cost }];
}

/** Tokens that fill up: the other way round, and in numbers without end. */
function ideal({ units, window, burst }: Rate): (cost: number, now: number) => boolean {
  const scale = BigInt(window);
  const full = BigInt(burst) * scale;
  let tokens = full;
  let at: bigint | undefined;
  return (cost, now) => {
    const time = BigInt(now);
    let there = tokens;
    if (at !== undefined && time > at) there += (time - at) * BigInt(units);
    if (there > full) there = full;
    const price = BigInt(cost) * scale;
    const fits = price <= there;
    // What takes nothing is not looked at again, unless the clock was put back.
    if ((fits && cost > 0) || (at !== undefined && time < at)) {
      tokens = fits ? there - price : there;
      at = time;
    }
    return fits;
  };
}

const rates = fc.record({
  kind: fc.constant('rate' as const),
  units: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })),
  window: fc.constantFrom(1_000, 7_000, 60_000, 3_600_000, 86_400_000),
  burst: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })),
});
const steps = fc.array(
  fc.record({
    pause: fc.oneof(
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: -100_000, max: 100_000_000 }),
    ),
    cost: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 30 })),
  }),
  { maxLength: 200, size: 'max' },
);

describe('property', () => {
  test('each call is let in exactly where the ideal lets it in, with clocks that are put back, too', () => {
    fc.assert(
      fc.property(rates, steps, (limit, calls) => {
        const { store, clock } = counting();
        const model = ideal(limit);
        for (const { pause, cost } of calls) {
          clock.now += pause;
          const [told] = store.take(ask(cost, limit)) as [Told];
          expect(told.admitted).toBe(model(cost, clock.now));
          expect(told.remaining).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
  test('in no stretch of time more comes through than the burst and what ran off', () => {
    fc.assert(
      fc.property(rates, steps, (limit, calls) => {
        const { store, clock } = counting();
        const letIn: { at: number; cost: number }[] = [];
        for (const { pause, cost } of calls) {
          clock.now += Math.abs(pause);
          const [told] = store.take(ask(cost, limit)) as [Told];
          if (told.admitted) letIn.push({ at: clock.now, cost });
        }
        for (const [first, { at: from }] of letIn.entries()) {
          let sum = 0;
          for (const { at, cost } of letIn.slice(first)) {
            sum += cost;
            expect(sum * limit.window).toBeLessThanOrEqual(
              limit.burst * limit.window + (at - from) * limit.units,
            );
          }
        }
      }),
    );
  });
  test('what is refused is let in after `retryMs`, and not a millisecond before', () => {
    fc.assert(
      fc.property(rates, steps, (limit, calls) => {
        const { store, clock } = counting();
        for (const { pause, cost } of calls) {
          clock.now += Math.abs(pause);
          const [told] = store.take(ask(cost, limit)) as [Told];
          if (told.admitted) continue;
          if (cost > limit.burst) {
            expect(told.retryMs).toBe(Number.POSITIVE_INFINITY);
            continue;
          }
          clock.now += told.retryMs - 1;
          expect((store.take(ask(cost, limit)) as [Told])[0].admitted).toBe(false);
          clock.now += 1;
          expect((store.take(ask(cost, limit)) as [Told])[0].admitted).toBe(true);
        }
      }),
    );
  });
});

test('a day of 7 a second is 7 a second, to the unit', () => {
  const limit: Rate = { kind: 'rate', units: 7, window: 1_000, burst: 14 };
  const { store, clock } = counting();
  const began = clock.now;
  let sum = 0;
  for (let at = 0; at <= 86_400; at++) {
    clock.now = began + at * 997;
    while ((store.take(ask(1, limit)) as [Told])[0].admitted) sum += 1;
  }
  expect(sum).toBe(14 + Math.floor((86_400 * 997 * 7) / 1_000));
});

describe('one key', () => {
  test('tells what is left, until when, and when to come back', () => {
    const { store, clock } = counting();
    expect(store.take(ask(1))).toEqual([{ admitted: true, remaining: 19, resetMs: 1_000, retryMs: 0 }]);
    expect(store.take(ask(19))).toEqual([{ admitted: true, remaining: 0, resetMs: 20_000, retryMs: 0 }]);
    expect(store.take(ask(2))).toEqual([{ admitted: false, remaining: 0, resetMs: 20_000, retryMs: 2_000 }]);
    clock.now += 1_500;
    expect(store.take(ask(2))).toEqual([{ admitted: false, remaining: 1, resetMs: 18_500, retryMs: 500 }]);
    expect(store.peek(ask(0))).toEqual([{ admitted: true, remaining: 1, resetMs: 18_500, retryMs: 0 }]);
  });
  test('what is refused makes nobody wait longer', () => {
    const { store, clock } = counting();
    store.take(ask(20));
    for (let at = 0; at < 1_000; at++) store.take(ask(1));
    clock.now += 1_000;
    expect(store.take(ask(1))).toMatchObject([{ admitted: true }]);
  });
  test('what costs nothing is let in even in debt, and more than the burst never is', () => {
    const { store } = counting();
    expect(store.take(ask(21))).toMatchObject([{ admitted: false, retryMs: Number.POSITIVE_INFINITY }]);
    store.take(ask(20));
    store.adjust([{ key: 'k', limit: PER_MINUTE, taken: 20, cost: 50, afterMs: 0 }]);
    expect(store.take(ask(0))).toEqual([{ admitted: true, remaining: 0, resetMs: 50_000, retryMs: 0 }]);
  });
  test('a cost that is none is no reason to let anything in', () => {
    const { store } = counting();
    for (const cost of [Number.NaN, -1]) expect(() => store.take(ask(cost))).toThrow(RangeError);
    expect(store.take(ask(Number.POSITIVE_INFINITY))).toMatchObject([{ admitted: false }]);
  });
  test('a reload to another rate keeps what was used', () => {
    const { store, clock } = counting();
    store.take(ask(20));
    const slower: Rate = { kind: 'rate', units: 1, window: 10_000, burst: 20 };
    expect(store.take(ask(1, slower))).toMatchObject([{ admitted: false, retryMs: 10_000 }]);
    clock.now += 10_000;
    expect(store.take(ask(1, slower))).toMatchObject([{ admitted: true, remaining: 0 }]);
    const smaller: Rate = { ...PER_MINUTE, burst: 10 };
    expect(store.take(ask(1, smaller))).toMatchObject([{ admitted: false, remaining: 0, retryMs: 11_000 }]);
  });
  test('a clock that is put back by a year neither frees nor freezes', () => {
    const { store, clock } = counting();
    store.take(ask(20));
    clock.now -= 365 * 86_400_000;
    expect(store.take(ask(1))).toMatchObject([{ admitted: false, retryMs: 1_000 }]);
    clock.now += 1_000;
    expect(store.take(ask(1))).toMatchObject([{ admitted: true, remaining: 0 }]);
  });
});

describe('after the call', () => {
  const settle = (taken: number, cost: number, afterMs = 0) => [
    { key: 'k', limit: PER_MINUTE, taken, cost, afterMs },
  ];
  test('what is missing is owed, up to a bound', () => {
    const { store } = counting();
    store.take(ask(1));
    store.adjust(settle(1, 30));
    expect(store.take(ask(1))).toMatchObject([{ admitted: false, remaining: 0, retryMs: 11_000 }]);
    store.adjust(settle(1, 1_000_000));
    expect(store.take(ask(1))).toMatchObject([{ retryMs: (20 * DEBT_BURSTS + 1) * 1_000 }]);
  });
  test('what was not used comes back, never more than was taken', () => {
    const { store } = counting();
    store.take(ask(10));
    store.take(ask(5));
    store.adjust(settle(10, 2));
    expect(store.peek(ask(0))).toMatchObject([{ remaining: 13 }]);
    store.adjust(settle(2, 0));
    store.adjust(settle(0, 0));
    expect(store.peek(ask(0))).toMatchObject([{ remaining: 15 }]);
  });
  test('what has run off meanwhile is not given back once more', () => {
    const { store, clock } = counting();
    store.take(ask(10));
    clock.now += 8_000;
    store.take(ask(5));
    // 7 are used: of the 10 no more than 2 are among them.
    store.adjust(settle(10, 0, 8_000));
    expect(store.peek(ask(0))).toMatchObject([{ remaining: 15 }]);
    clock.now += 60_000;
    store.take(ask(5));
    store.adjust(settle(10, 0, 68_000));
    expect(store.peek(ask(0))).toMatchObject([{ remaining: 15 }]);
  });
  test('whatever comes back, no more is let in than if it had been asked for from the start', () => {
    const calls = fc.array(
      fc.record({ pause: fc.integer({ min: 0, max: 5_000 }), cost: fc.integer({ min: 1, max: 6 }) }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(calls, fc.integer({ min: 0, max: 20_000 }), (others, after) => {
        const [mended, never] = [counting(), counting()];
        mended.store.take(ask(10));
        for (const { pause, cost } of others) {
          mended.clock.now += pause;
          never.clock.now = mended.clock.now;
          if ((mended.store.take(ask(cost)) as [Told])[0].admitted) never.store.take(ask(cost));
        }
        mended.clock.now += after;
        never.clock.now = mended.clock.now;
        const ago = others.reduce((sum, { pause }) => sum + pause, after);
        mended.store.adjust(settle(10, 0, ago));
        const [left, ideally] = [mended, never].map(
          ({ store }) => (store.peek(ask(0)) as [Told])[0].remaining,
        );
        expect(left).toBeLessThanOrEqual(ideally ?? 0);
      }),
    );
  });
});

test('keys are told apart, and so are a rate and a quota of one key', () => {
  const { store } = counting();
  store.take(ask(20, PER_MINUTE, 'a'));
  expect(store.take(ask(1, PER_MINUTE, 'b'))).toMatchObject([{ admitted: true }]);
  const quota = { kind: 'quota', units: 5, window: 60_000 } as const;
  expect(store.take([{ key: 'a', limit: quota, cost: 1 }])).toMatchObject([{ admitted: true, remaining: 4 }]);
  expect(new MemoryStore({ now: () => 0, limitHit() {} }, { keys: 1 }).size).toBe(0);
});
