// "Did you mean": finds slips, and says nothing rather than something far-fetched.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { distance, suggest } from '../../../src/lib/suggest.ts';

const FIELDS = ['connect', 'first_byte', 'idle', 'total', 'start'];

test.each([
  ['ratelimt', ['audit', 'auth', 'ratelimit'], 'ratelimit'],
  ['conect', FIELDS, 'connect'],
  ['firstByte', FIELDS, 'first_byte'],
  ['first-byte', FIELDS, 'first_byte'],
  ['ilde', FIELDS, 'idle'],
  ['IDLE', FIELDS, 'idle'],
])('%s of %p is %s', (word, known, meant) => {
  expect(suggest(word, known)).toBe(meant);
});

test.each(['zzz', '', '---', 'toto-the-dog', 'x'.repeat(100)])('%p is nothing known', (word) => {
  expect(suggest(word, FIELDS)).toBeUndefined();
});

test('the first of two that are equally near', () => {
  expect(suggest('ax', ['ab', 'ac'])).toBe('ab');
});

test('no more edits than allowed', () => {
  expect(suggest('conet', FIELDS, 0)).toBeUndefined();
  expect(suggest('firstByte', FIELDS, 0)).toBe('first_byte');
});

test('a swap of neighbours is one edit', () => {
  expect(distance('ab', 'ba')).toBe(1);
  expect(distance('kitten', 'sitting')).toBe(3);
  expect(distance('', 'abc')).toBe(3);
});

test('distance is symmetric, zero for equal words only, and no more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, b) === 0).toBe(a === b);
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
