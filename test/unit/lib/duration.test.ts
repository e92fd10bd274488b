// Durations: what is one, what is none, and that writing and reading agree.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/lib/duration.ts';

test.each([
  ['0ms', 0],
  ['250ms', 250],
  ['1s', 1_000],
  ['1.5s', 1_500],
  ['0.5ms', 1],
  ['1m30s', 90_000],
  ['24h', 86_400_000],
  ['1d12h', 129_600_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  '',
  '30',
  's',
  '-1s',
  '+1s',
  ' 1s',
  '1s ',
  '1 s',
  '1S',
  '1sec',
  '1e3s',
  '.5s',
  '1.s',
  '1,5s',
  '1s30',
  '٣s',
  `${'9'.repeat(30)}d`,
  '1s'.repeat(50),
])('%p is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});

test('whole units are written as such', () => {
  expect([0, 1, 1_000, 90_000, 86_400_000].map(formatDuration)).toEqual(['0ms', '1ms', '1s', '1m30s', '1d']);
});
