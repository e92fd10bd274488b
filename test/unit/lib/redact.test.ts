// The redactor: what it has learned is in no text, in whatever form.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createRedactor, redactData } from '../../../src/lib/redact.ts';

function knowing(...values: string[]) {
  const redact = createRedactor();
  redact.learn(values);
  return redact;
}

test('every form of a value is taken out', () => {
  const value = 'canary/+ "4711"\u00e9';
  const redact = knowing(value);
  const basic = (before: string, after = '') => Buffer.from(`${before}${value}${after}`).toString('base64');
  for (const form of [
    value,
    JSON.stringify(value),
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('base64url'),
    ...['', 'u', 'us', 'use'].flatMap((before) => [basic(before), basic(before, ':more')]),
  ]) {
    const told = redact(`before ${form} after`);
    expect(told).toContain('••••');
    expect(told).not.toMatch(/canary|Y2FuYXJ5/);
  }
});

test('a key in PEM is known by its lines, and its frame is nobody’s', () => {
  const redact = knowing(
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\nabcdefgh12\n-----END PRIVATE KEY-----\n',
  );
  expect(redact('it begins MC4CAQAwBQYDK2VwBCIEIJ and goes on abcdefgh12')).toBe(
    'it begins •••• and goes on ••••',
  );
  expect(redact('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----');
});

test('of fewer than eight bytes it is a word like others; of eight it is not', () => {
  const redact = knowing('1234567', '12345678');
  expect(redact('1234567')).toBe('1234567');
  expect(redact('x12345678x')).toBe('x••••x');
});

test('what was learned first stays known, and what is learned again is no more than once', () => {
  const redact = knowing('old-secret');
  redact.learn(['new-secret', 'new-secret']);
  expect(redact('old-secret new-secret')).toBe('•••• ••••');
  redact.learn([]);
  expect(redact('old-secret')).toBe('••••');
});

test('beyond ten thousand values the one learned longest ago goes, not the one learned again', () => {
  const redact = knowing('first-secret', 'second-secret');
  redact.learn(['first-secret']);
  redact.learn(Array.from({ length: 9_999 }, (_, at) => `filler-${at}-`));
  expect(redact('first-secret second-secret')).toBe('•••• second-secret');
});

test('data keeps its shape, and numbers that look like a value stay numbers', () => {
  const redact = knowing('canary-4711', '12345678');
  const data = { pid: 12345678, 'canary-4711': ['a canary-4711', null, true, { deep: '12345678' }] };
  expect(redactData<unknown>(data, redact)).toEqual({
    pid: 12345678,
    '••••': ['a ••••', null, true, { deep: '••••' }],
  });
});

test('no value is left in any text', () => {
  const value = fc.string({ minLength: 8 }).filter((text) => !text.includes('•'));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.string(), (values, filler) => {
      expect(knowing(...values)(values.join(filler))).not.toContain(values[0] as string);
    }),
  );
});
