// RawObject.parse: accepts exactly the JSON objects within the limits and without duplicate keys.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  decodeUtf8,
  JsonError,
  type JsonFault,
  type JsonLimits,
  RawObject,
} from '../../../src/protocol/raw.ts';
import { AMPLE, census, isAcceptable, objectText, valueText } from './json-text.ts';

function fault(text: string, limits: JsonLimits = AMPLE): JsonFault | undefined {
  try {
    RawObject.parse(text, limits);
    return undefined;
  } catch (error) {
    if (error instanceof JsonError) return error.kind;
    throw error;
  }
}

/** Deep equality that tells -0 from 0 and an own `__proto__` from a prototype. */
function same(a: unknown, b: unknown): void {
  expect(Bun.inspect(a, { depth: 100 })).toBe(Bun.inspect(b, { depth: 100 }));
  expect(JSON.stringify(a)).toBe(JSON.stringify(b));
}

describe('what JSON.parse accepts', () => {
  test('is accepted, and every member slices to its own value', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const reference = JSON.parse(text);
        const raw = RawObject.parse(text, AMPLE);
        expect(raw.text).toBe(text);
        expect(new Set(raw.keys())).toEqual(new Set(Object.keys(reference)));
        same(raw.value, reference);
        for (const key of raw.keys()) {
          const slice = raw.raw(key) ?? '';
          expect(text).toContain(slice);
          expect(slice).toBe(slice.trim());
          same(JSON.parse(slice), reference[key]);
          same(raw.get(key), reference[key]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('inner objects noted by the pass are those located later', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const parsed = [RawObject.parse(text, AMPLE)];
        const located = [RawObject.trusted(text)];
        for (let a = parsed.pop(), b = located.pop(); a && b; a = parsed.pop(), b = located.pop()) {
          expect(a.keys()).toEqual(b.keys());
          for (const key of a.keys()) {
            expect(a.raw(key)).toBe(b.raw(key));
            const [x, y] = [a.object(key), b.object(key)];
            expect(x?.text).toBe(y?.text);
            if (x && y) parsed.push(x) && located.push(y);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('holds for damaged texts too: one edit anywhere', () => {
    const edit = fc.constantFrom(
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'u',
      '\n',
      '\x01',
      ' ',
      '\u00a0',
      '\ufeff',
      'x',
    );
    fc.assert(
      fc.property(objectText, fc.nat(), fc.nat(2), edit, (text, place, cut, put) => {
        const at = place % (text.length + 1);
        const damaged = text.slice(0, at) + put + text.slice(at + cut);
        expect(fault(damaged) === undefined).toBe(isAcceptable(damaged, AMPLE));
      }),
      { numRuns: 5000 },
    );
  });

  test('holds for random tokens', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-',
      '01',
      '1.',
      '.5',
      '1e',
      'true',
      'nul',
      'null',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        for (const text of [tokens.join(''), `{"a":${tokens.join('')}}`]) {
          expect(fault(text) === undefined).toBe(isAcceptable(text, AMPLE));
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('JSON that is no object is a shape fault, not a syntax fault', () => {
    fc.assert(
      fc.property(valueText, (text) => {
        fc.pre(!text.startsWith('{') && !census(text).hasDuplicate);
        expect(fault(text)).toBe('shape');
      }),
    );
    for (const text of [
      '',
      ' ',
      '{',
      '{}{}',
      '{},',
      'tru',
      '01',
      '[1',
      "{'a':1}",
      '{"a":1,}',
      '{a:1}',
      '\ufeff{}',
      '/**/{}',
      'NaN',
    ]) {
      expect([text, fault(text)]).toEqual([text, 'syntax']);
    }
  });
});

describe('limits', () => {
  test('are exact', () => {
    fc.assert(
      fc.property(
        objectText,
        fc.constantFrom('depth', 'keys', 'string'),
        fc.integer({ min: -1, max: 1 }),
        (text, name, off) => {
          const { depth, keys, longest } = census(text);
          const limit = { depth, keys, string: longest }[name as 'depth' | 'keys' | 'string'] + off;
          fc.pre(limit >= 0);
          const found = fault(text, { ...AMPLE, [name]: limit });
          expect(found).toBe(off < 0 ? (name as JsonFault) : undefined);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a bomb is refused without deep recursion', () => {
    const deep = 200_000;
    expect(fault(`{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`, { ...AMPLE, depth: 64 })).toBe('depth');
    expect(
      fault(`{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`, { ...AMPLE, depth: deep + 1 }),
    ).toBeUndefined();
    expect(fault('{"a":'.repeat(deep), AMPLE)).toBe('depth');
    expect(fault(`{"a":"${'x'.repeat(300)}"}`, { ...AMPLE, string: 299 })).toBe('string');
  });
});

describe('duplicate keys', () => {
  const members = (n: number) => Array.from({ length: n }, (_, i) => `"k${i}":${i}`).join(',');
  test.each([
    ['{"method":"a","method":"b"}'],
    ['{"m\\u0065thod":"a","method":"b"}'],
    ['{"method":"a","m\\u0065thod":"b"}'],
    ['{"\\/":1,"/":2}'],
    ['{"a":{"b":1,"c":2,"b":3}}'],
    ['{"a":[0,{"x":{},"x":{}}]}'],
    ['{"a":1,"b":{"a":2},"a":3}'],
    ['{"":1,"":2}'],
    ['{"__proto__":1,"__proto__":2}'],
    ['{"\\ud800":1,"\\uD800":2}'],
    [`{${members(40)},"k3":0}`],
    [`{${members(15)},"k14":0}`],
    [`{${members(16)},"k0":0}`],
    [`{"n":{${members(17)},"k\\u0031":0}}`],
  ])('%s', (text) => {
    expect(fault(text)).toBe('duplicate');
  });

  test.each([
    ['{"a":{"a":{"a":1}}}'],
    ['{"a":[{"a":1},{"a":1}]}'],
    ['{"ab":1,"ba":2,"a":3,"b":4}'],
    ['{"\\u0000":1,"":2}'],
    ['{"a":"a","b":"a","c":["a","a"]}'],
    [`{"x":{${members(40)}},"y":{${members(40)}},"k0":0}`],
  ])('%s is fine', (text) => {
    expect(fault(text)).toBeUndefined();
  });
});

describe('strings', () => {
  test('a control character is refused wherever it stands, in short and in long strings', () => {
    for (const length of [0, 10, 254, 255, 256, 257, 1000]) {
      for (const bad of ['\0', '\n', '\t', '\x1f', '\\x', '\\u12g4', '\\']) {
        const text = `{"a":"${'x'.repeat(length)}${bad}"}`;
        expect([length, bad, fault(text)]).toEqual([length, bad, 'syntax']);
      }
    }
  });

  test('lone surrogates, NUL escapes and big numbers keep their bytes', () => {
    const text = '{"s":"\\ud800 \\u0000","n":9007199254740993,"e":1e400,"z":-0,"f":1.0}';
    const raw = RawObject.parse(text, AMPLE);
    expect(raw.string('s')).toBe('\ud800 \0');
    expect(['n', 'e', 'z', 'f'].map((key) => raw.raw(key))).toEqual([
      '9007199254740993',
      '1e400',
      '-0',
      '1.0',
    ]);
    expect(raw.with({ added: true }).text).toBe(`${text.slice(0, -1)},"added":true}`);
  });

  test('the error says where', () => {
    expect(() => RawObject.parse('{"a":tru}', AMPLE)).toThrow('unexpected "t" at offset 5');
    expect(() => RawObject.parse('{"a":1', AMPLE)).toThrow('unexpected end of JSON at offset 6');
    expect(() => RawObject.parse('{"a":1,"a":2}', AMPLE)).toThrow('duplicate key "a" at offset 7');
  });
});

describe('decodeUtf8', () => {
  const bytes = (...list: number[]) => new Uint8Array(list);
  test('round trips text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.startsWith('\ufeff'));
        expect(decodeUtf8(new TextEncoder().encode(text), 'refuse')).toBe(text);
      }),
    );
  });

  test('one BOM is dropped or refused, a second stays', () => {
    const marked = bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d);
    expect(decodeUtf8(marked, 'strip')).toBe('{}');
    expect(() => decodeUtf8(marked, 'refuse')).toThrow(JsonError);
    expect(decodeUtf8(bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf), 'strip')).toBe('\ufeff');
  });

  test.each([
    ['a stray continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0x7b, 0xe2, 0x82]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('refuses %s', (_, list) => {
    expect(() => decodeUtf8(bytes(...list), 'strip')).toThrow('invalid UTF-8');
    expect(decodeUtf8(bytes(0x41), 'strip')).toBe('A');
  });
});
