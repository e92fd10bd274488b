// Secrets that come and go: in no text while they are held, in whatever form, and free text is left as it is.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { PassingMask } from '../../../src/lib/passing-mask.ts';
import { createRedactor } from '../../../src/lib/redact.ts';

const holding = (...values: string[]) => {
  const mask = new PassingMask();
  for (const value of values) mask.hide(value, 100, 0);
  return mask;
};

test('every form of a value is taken out, wherever it stands', () => {
  const value = 'canary.token/+ "4711"\u00e9~x';
  const mask = holding(value);
  const basic = (before: string) => Buffer.from(`${before}${value}`).toString('base64');
  for (const form of [
    value,
    JSON.stringify(value),
    encodeURIComponent(value),
    basic(''),
    basic('u'),
    basic('us'),
  ])
    expect(mask.mask(`a=${form}${form} b`)).not.toMatch(/canary|Y2FuYXJ5/);
});

test('of two values the longer is meant where one is the end of the other', () => {
  expect(holding('long-end-of-it-all', 'end-of-it-all').mask('<long-end-of-it-all end-of-it-all>')).toBe(
    '<•••• ••••>',
  );
});

test('what has ended is hidden no more once another comes, and what is hidden again is until the later time', () => {
  const mask = holding('first-token-4711', 'second-token-4711');
  mask.hide('first-token-4711', 300, 50);
  mask.hide('first-token-4711', 200, 60);
  mask.hide('third-token-4711', 400, 150);
  expect(mask.mask('first-token-4711 second-token-4711 third-token-4711')).toBe(
    '•••• second-token-4711 ••••',
  );
  expect(mask.size).toBe(2);
  mask.hide('fourth-token-4711', 500, 500);
  expect(mask.size).toBe(1);
});

test('beyond five thousand the one known longest goes', () => {
  const mask = holding(
    'oldest-token-0000',
    ...Array.from({ length: 5_000 }, (_, at) => `a-token-${at}-${at}-x`),
  );
  expect(mask.mask('oldest-token-0000 a-token-0-0-x')).toBe('oldest-token-0000 ••••');
});

test('no value is left in any text, and nothing else is changed', () => {
  const value = fc.string({ minLength: 12 }).filter((text) => !text.includes('•'));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.string(), (values, filler) => {
      expect(holding(...values).mask(values.join(filler))).not.toContain(values[0] as string);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(holding('a-token-that-is-not-there').mask(text)).toBe(text);
    }),
  );
});

test('the redactor takes both kinds out', () => {
  const redact = createRedactor(() => 0);
  redact.learn(['a-lasting-secret']);
  redact.hide('a-passing-secret', 10);
  expect(redact('a-lasting-secret, a-passing-secret')).toBe('••••, ••••');
});
