// Values that are taken out of text, in every form a program may write them in.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createMask } from '../../../src/lib/mask.ts';

test('takes values out wherever they stand, the longer one first', () => {
  const mask = createMask(['hunter2', 'hunter2-more']);
  expect(mask('a hunter2, hunter2-more; hunter2hunter2')).toBe('a ••••, ••••; ••••••••');
});

test('knows a value in JSON, in a URL, in Base64, and line by line', () => {
  const value = 'p@ss "word"\nsecond line';
  const mask = createMask([value]);
  for (const form of [
    value,
    JSON.stringify(value),
    `https://x/?key=${encodeURIComponent(value)}`,
    `Basic ${Buffer.from(value).toString('base64')}`,
    'only second line here',
  ]) {
    const masked = mask(form);
    expect(masked).toContain('••••');
    expect(masked).not.toMatch(/word|second|p%40|cEBz/);
  }
});

test('leaves words alone that are no secret, and short ones', () => {
  expect(createMask(['1', '', 'no'])('no 1 is here')).toBe('no 1 is here');
  expect(createMask([])('text').length).toBe(4);
  expect(createMask(['abcde', 'ab']).longest).toBeGreaterThanOrEqual(5);
});

test('takes what is longer than an expression may be, and more than one has room for', () => {
  const long = 'long-'.repeat(1_000_000);
  const many = Array.from({ length: 5_000 }, (_, at) => `value-${at}-${'x'.repeat(at % 50)}`);
  const mask = createMask([long, ...many]);
  expect(mask(`a ${long} b ${many.join(' ')} c`)).toBe(`a •••• b ${many.map(() => '••••').join(' ')} c`);
});

test('never leaves a value in', () => {
  const value = fc.string({ minLength: 4 }).filter((text) => !text.includes('•'));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.string(), (values, filler) => {
      const masked = createMask(values)(values.join(filler));
      // What a mask leaves side by side may look like another value; nothing but that may remain of the first.
      expect(masked).not.toContain(values[0] as string);
    }),
  );
});
