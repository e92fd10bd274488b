// Waiting with a bound, on a turned clock.
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { settledWithin } from '../../../src/lib/settled.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('work that is done or fails in time has settled, and leaves no timer', async () => {
  expect(await settledWithin(Promise.resolve(), 1_000)).toBe(true);
  expect(await settledWithin(Promise.reject(new Error('no')), 1_000)).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

test('work that takes longer has not', async () => {
  const late = Promise.withResolvers<void>();
  const waiting = settledWithin(late.promise, 1_000);
  jest.advanceTimersByTime(1_000);
  expect(await waiting).toBe(false);
  late.reject(new Error('unheard'));
});
