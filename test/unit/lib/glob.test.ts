// Patterns with `*`.
import { describe, expect, test } from 'bun:test';
import { anyOf, glob } from '../../../src/lib/glob.ts';

describe('a pattern', () => {
  const yes = [
    ['a', 'a'],
    ['*', ''],
    ['*', 'anything'],
    ['tools/*', 'tools/call'],
    ['tools/*', 'tools/'],
    ['*/list', 'tools/list'],
    ['a*b*c', 'abc'],
    ['a*b*c', 'a1b2c'],
    ['a*b*c', 'abbcc'],
    ['**', 'x'],
    ['a.b', 'a.b'],
    ['*a*', 'bab'],
    ['aa*aa', 'aaaa'],
  ];
  for (const [pattern = '', text = ''] of yes)
    test(`${pattern} matches ${JSON.stringify(text)}`, () => expect(glob(pattern)(text)).toBe(true));
  const no = [
    ['a', 'A'],
    ['a', 'ab'],
    ['', 'a'],
    ['tools/*', 'tool/call'],
    ['*/list', 'tools/lists'],
    ['a*b*c', 'acb'],
    ['a.b', 'axb'],
    ['a*a', 'a'],
    ['aa*aa', 'aaa'],
    ['[a]', 'a'],
    ['a?', 'ab'],
  ];
  for (const [pattern = '', text = ''] of no)
    test(`${pattern} does not match ${JSON.stringify(text)}`, () => expect(glob(pattern)(text)).toBe(false));

  test('takes no time to speak of on a text made for it', () => {
    expect(glob(`${'a*'.repeat(50)}b`)('a'.repeat(100_000))).toBe(false);
  });
});

test('of several patterns one is enough, and no list is no opinion', () => {
  const test = anyOf(['get_*', 'list']);
  expect(['get_a', 'list', 'lists'].map((name) => test?.(name))).toEqual([true, true, false]);
  expect(anyOf(undefined)).toBeUndefined();
});
