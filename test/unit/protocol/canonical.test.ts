import { expect, test } from 'bun:test';
import { canonical, canonicalText } from '../../../src/protocol/canonical.ts';

test('the order of members does not matter, that of items does', () => {
  const one = { b: [1, { y: null, x: 'é' }], a: { '': true, __proto__x: 1 } };
  const other = { a: { __proto__x: 1, '': true }, b: [1, { x: 'é', y: null }] };
  expect(canonical(one)).toBe(canonical(other));
  expect(JSON.parse(canonical(one))).toEqual(one);
  expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
  expect(canonical({ a: 1 })).not.toBe(canonical({ a: '1' }));
  expect(canonical({ a: '","b":"' })).not.toBe(canonical({ a: '', b: '' }));
});

test('of a text, numbers are told apart to the last digit', () => {
  const one = '{ "b": [1, {"y":null,"x":"\\u00e9"}], "a": {"__proto__": {"n": 1.0}} }';
  const other = '{"a":{"__proto__":{"n":1.0}},"b":[1,{"x":"é","y":null}]}';
  expect(canonicalText(one)).toBe(other);
  expect(canonicalText(other)).toBe(other);
  const texts = [
    '9007199254740993',
    '9007199254740992',
    '1',
    '1.0',
    '"1"',
    '-0',
    '0',
    '[1]',
    '{"1":1}',
    'null',
  ];
  expect(new Set(texts.map(canonicalText)).size).toBe(texts.length);
});
