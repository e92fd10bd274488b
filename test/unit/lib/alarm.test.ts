import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { alarm } from '../../../src/lib/alarm.ts';

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

test('rings when it is due, once', () => {
  let rung = 0;
  alarm(
    () => 100,
    Date.now,
    () => rung++,
  );
  jest.advanceTimersByTime(99);
  expect(rung).toBe(0);
  jest.advanceTimersByTime(1);
  expect(rung).toBe(1);
  jest.advanceTimersByTime(1_000);
  expect(rung).toBe(1);
});

test('rings at once what is due already, and never what is not due at all', () => {
  let rung = 0;
  alarm(
    () => 0,
    Date.now,
    () => rung++,
  );
  expect(rung).toBe(1);
  alarm(
    () => undefined,
    Date.now,
    () => rung++,
  );
  jest.advanceTimersByTime(1_000_000);
  expect(rung).toBe(1);
});

test('may be put off before it rings, further than a timer reaches, and ended', () => {
  let rung = 0;
  let due = 100;
  const end = alarm(
    () => due,
    Date.now,
    () => rung++,
  );
  due = 3_000_000_000;
  jest.advanceTimersByTime(2_999_999_999);
  expect(rung).toBe(0);
  end();
  jest.advanceTimersByTime(10_000);
  expect(rung).toBe(0);
});
