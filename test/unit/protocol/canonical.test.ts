import { expect, test } from 'bun:test';
import { canonical } from '../../../src/protocol/canonical.ts';

test('the order of members does not matter, that of items does', () => {
  const one = { b: [1, { y: null, x: 'é' }], a: { '': true, __proto__x: 1 } };
  const other = { a: { __proto__x: 1, '': true }, b: [1, { x: 'é', y: null }] };
  expect(canonical(one)).toBe(canonical(other));
  expect(JSON.parse(canonical(one))).toEqual(one);
  expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
  expect(canonical({ a: 1 })).not.toBe(canonical({ a: '1' }));
  expect(canonical({ a: '","b":"' })).not.toBe(canonical({ a: '', b: '' }));
});
