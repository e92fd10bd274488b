// How long heads of requests may take: what is waited for, and what is not.
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { watchHeads } from '../../../src/listeners/head-watch.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function watched() {
  const late: boolean[] = [];
  return {
    watch: watchHeads(
      () => 1_000,
      (asked) => late.push(asked),
    ),
    late,
  };
}

test('the first one is waited for from the beginning', () => {
  const { late } = watched();
  jest.advanceTimersByTime(999);
  expect(late).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(late).toEqual([false]);
});

test('bytes that drip give it no more time', () => {
  const { watch, late } = watched();
  for (let i = 0; i < 10; i++) {
    watch.bytes();
    jest.advanceTimersByTime(100);
  }
  expect(late).toEqual([true]);
});

test('nothing is waited for while a request is at work, nor between two', () => {
  const { watch, late } = watched();
  watch.bytes();
  watch.began();
  watch.bytes();
  jest.advanceTimersByTime(10_000);
  watch.answered(false);
  watch.sent();
  jest.advanceTimersByTime(10_000);
  expect(late).toEqual([]);
  watch.bytes();
  jest.advanceTimersByTime(1_000);
  expect(late).toEqual([true]);
});

test('what comes beside a stream is not timed', () => {
  const { watch, late } = watched();
  watch.bytes();
  watch.began();
  watch.answered(true);
  watch.bytes();
  jest.advanceTimersByTime(10_000);
  expect(late).toEqual([]);
});

test('what comes while an answer is still on its way waits for its turn', () => {
  const { watch, late } = watched();
  watch.began();
  watch.answered(false);
  watch.bytes();
  jest.advanceTimersByTime(900);
  watch.sent();
  jest.advanceTimersByTime(900);
  expect(late).toEqual([]);
});

test('after its end nothing is late, and it is late once', () => {
  const stopped = watched();
  stopped.watch.stop();
  jest.advanceTimersByTime(10_000);
  expect(stopped.late).toEqual([]);
  const { watch, late } = watched();
  jest.advanceTimersByTime(1_000);
  watch.bytes();
  watch.began();
  watch.answered(false);
  watch.bytes();
  jest.advanceTimersByTime(10_000);
  expect(late).toEqual([false]);
});
