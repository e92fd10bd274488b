// Ids keep their type and their spelling.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseMessage, rawId, readId, resultText } from '../../../src/protocol/jsonrpc.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { AMPLE, numberText, stringText, valueText } from './json-text.ts';

const EMPTY = RawObject.trusted('{}');
const integer = fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n });

describe('readId', () => {
  test('integers of any length, by their digits', () => {
    fc.assert(
      fc.property(integer, (n) => {
        expect(readId(`${n}`)).toEqual({ text: `${n}`, key: `n:${n}` });
      }),
    );
    expect(readId('9007199254740993')?.key).not.toBe(readId('9007199254740992')?.key as string);
  });

  test('strings, by what they spell', () => {
    fc.assert(
      fc.property(stringText, (text) => {
        const decoded: string = JSON.parse(text);
        const id = readId(text);
        if (decoded.length > 256) expect(id).toBeUndefined();
        else expect(id).toEqual({ text, key: `s:${decoded}` });
      }),
    );
    expect(readId('"\\u0061"')?.key).toBe(readId('"a"')?.key as string);
    expect(readId(`"${'x'.repeat(256)}"`)?.text).toHaveLength(258);
    expect(readId(`"${'x'.repeat(257)}"`)).toBeUndefined();
    expect(readId(`"${'\\u0061'.repeat(256)}"`)?.key).toHaveLength(258);
  });

  test('0 and the empty string are ids, and no type is another', () => {
    const keys = ['0', '""', '"0"', '1', '"1"', '-1', '"-1"', '"n:1"', '"s:"'].map(
      (text) => readId(text)?.key,
    );
    expect(keys).not.toContain(undefined);
    expect(new Set(keys).size).toBe(keys.length);
    expect(readId('-0')).toEqual({ text: '-0', key: 'n:0' });
  });

  test.each([
    'null',
    '1.5',
    '1.0',
    '1e3',
    '1E3',
    '-',
    '',
    ' 1',
    '1 ',
    '01',
    '-01',
    '+1',
    '0x1',
    'true',
    '{}',
    '[]',
    '"',
    '"a',
    '"a"b',
    '"a" ',
    '"\n"',
    '"\\x"',
    "'a'",
    '１',
  ])('%s is none', (text) => {
    expect(readId(text)).toBeUndefined();
  });

  test('accepts of all JSON exactly short strings and plain integers', () => {
    fc.assert(
      fc.property(fc.oneof(valueText, numberText), (text) => {
        const value: unknown = JSON.parse(text);
        const isId = typeof value === 'string' ? value.length <= 256 : /^-?[0-9]+$/.test(text);
        expect(readId(text) !== undefined).toBe(isId);
      }),
    );
  });
});

describe('rawId', () => {
  test('is what a peer that echoes it sends back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 256 }), fc.maxSafeInteger()), (value) => {
        const id = rawId(value);
        expect(JSON.parse(id.text)).toBe(value === 0 ? 0 : value);
        const echoed = parseMessage(resultText(JSON.stringify(JSON.parse(id.text)), EMPTY), AMPLE);
        expect(echoed.kind === 'result' && echoed.id).toEqual(id);
      }),
    );
  });

  test('refuses numbers that are no safe integer', () => {
    for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
      expect(() => rawId(bad)).toThrow(RangeError);
    expect(rawId(-0)).toEqual({ text: '0', key: 'n:0' });
  });
});
