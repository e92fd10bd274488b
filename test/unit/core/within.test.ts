// The deadline of a hook, and how it rests while the exchange is held.
import { expect, test } from 'bun:test';
import { within } from '../../../src/core/within.ts';
import { exchangeOf } from '../../../src/testing/call.ts';
import { Clock } from '../../../src/testing/clock.ts';

function setting(signal = new AbortController().signal) {
  const clock = new Clock(0);
  const x = exchangeOf({ method: 'tools/call' }, 'x1', signal, 0);
  /** When `within` settled, and with what; `at` stays undefined while it waits. */
  const watch = (value: Promise<unknown>, ms: number) => {
    const seen: { at?: number; error?: unknown; value?: unknown } = {};
    clock.run(async () => {
      try {
        seen.value = await within(value, ms, x);
      } catch (error) {
        seen.error = error;
      }
      seen.at = clock.now();
    });
    return seen;
  };
  return { clock, x, watch };
}

const never = new Promise<never>(() => {});

test('what is no promise is given back as it is', () => {
  const { x } = setting();
  for (const value of [undefined, null, 0, 'text', {}]) expect(within<unknown>(value, 1, x)).toBe(value);
});

test('a promise in time leaves no timer behind', async () => {
  const { clock, watch } = setting();
  const seen = watch(Promise.resolve(7), 1_000);
  await clock.advance(0);
  expect([seen, clock.waiting]).toEqual([{ value: 7, at: 0 }, []]);
});

test('a promise that is late rejects exactly then', async () => {
  for (const ms of [1, 7, 20, 999, 1_000, 5_001]) {
    const { clock, watch } = setting();
    const seen = watch(never, ms);
    await clock.advance(ms + 1_000);
    expect([seen.at, String(seen.error)]).toEqual([ms, `Error: took longer than ${ms} ms`]);
    expect(clock.waiting).toEqual([]);
  }
});

test('time on hold does not count, wherever the hold begins and ends', async () => {
  for (const from of [0, 130, 150, 940]) {
    for (const length of [1_000, 1_234, 60_000]) {
      const { clock, x, watch } = setting();
      const seen = watch(never, 1_000);
      await clock.advance(from);
      const person = Promise.withResolvers<void>();
      const held = x.hold(person.promise);
      await clock.advance(length);
      person.resolve();
      await held;
      const since = clock.now();
      expect(seen.at).toBeUndefined();
      await clock.advance(2_000);
      const left = (seen.at ?? 0) - since;
      // It may end late by the two parts in which the hold began and ended, never early.
      expect(left).toBeGreaterThanOrEqual(1_000 - from);
      expect(left).toBeLessThanOrEqual(1_000 - from + 100);
    }
  }
});

test('a cancelled exchange ends it with the reason, and a late value does no harm', async () => {
  const client = new AbortController();
  const { clock, watch } = setting(client.signal);
  const late = Promise.withResolvers<void>();
  const seen = watch(late.promise, 1_000);
  const reason = new Error('cancelled');
  client.abort(reason);
  await clock.advance(0);
  late.reject(new Error('too late'));
  await clock.advance(5_000);
  expect([seen.error, seen.at, clock.waiting]).toEqual([reason, 0, []]);
});
