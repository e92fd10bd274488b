// Rates: what is one and what is none.
import { expect, test } from 'bun:test';
import { parseRate } from '../../../src/lib/rate.ts';

test.each([
  ['10/s', 10, 1_000],
  ['60/m', 60, 60_000],
  ['0.5/h', 0.5, 3_600_000],
  ['1000/d', 1_000, 86_400_000],
])('%s is %d per %d ms', (text, count, per) => {
  expect(parseRate(text)).toEqual({ count, per });
});

test.each([
  '',
  '10',
  '/s',
  '10/',
  '10/x',
  '10 /s',
  '10/ms',
  '-1/s',
  '0/s',
  '0.0/s',
  '1e9/s',
  '10/s/s',
  `${'9'.repeat(40)}/s`,
])('%p is no rate', (text) => {
  expect(parseRate(text)).toBeUndefined();
});
