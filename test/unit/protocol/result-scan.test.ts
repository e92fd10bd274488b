// The scan of an answer as it comes: what it lets through, wherever the bytes are cut, and what it refuses.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type ResultEdits, ResultScan, type ResultScanOptions } from '../../../src/protocol/result-scan.ts';

const encoder = new TextEncoder();
const edits = (some: Partial<ResultEdits>): ResultEdits => ({
  front: new Map(),
  without: new Set(),
  objects: new Set(),
  ...some,
});

/** The result that comes out of a text that comes in parts of so many bytes. @throws JsonError */
function scanned(text: string | Uint8Array, options: Partial<ResultScanOptions> = {}, size = 1): string {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  const scan = new ResultScan({ depth: 64, ...options });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const part of scan.push(bytes.slice(at, at + size))) parts.push(part.slice());
  scan.end();
  return Buffer.concat(parts).toString();
}

const answer = (result: string): string => `{"jsonrpc":"2.0","id":1,"result":${result}}`;

test('the result comes out as it is, however it is cut, but for line breaks and blanks before its own keys', () => {
  const text =
    '{"a":[1,-0.5e+3,true,null,{"b":{}}],"é€𝄞":"\\u00e9\\n\\\\\\"€𝄞",  "c"\n:\r\n{\t"d" : [ ] }\n}';
  const expected = '{"a":[1,-0.5e+3,true,null,{"b":{}}],"é€𝄞":"\\u00e9\\n\\\\\\"€𝄞","c" :  {\t"d" : [ ] }}';
  for (let size = 1; size < 100; size++) expect(scanned(answer(text), {}, size)).toBe(expected);
});

test('whatever JSON can say comes out as it went in', () => {
  const results = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 });
  fc.assert(
    fc.property(results, fc.integer({ min: 1, max: 64 }), fc.nat(3), (result, size, indent) => {
      const message = { _meta: { result: 1 }, id: 'x', jsonrpc: '2.0', result, other: [result] };
      const text = JSON.stringify(message, undefined, indent);
      expect(JSON.parse(scanned(text, {}, size))).toEqual(JSON.parse(JSON.stringify(result)));
    }),
    { numRuns: 300 },
  );
});

test('what JSON.parse refuses is refused', () => {
  const texts = fc
    .jsonValue({ maxDepth: 3 })
    .map((value) => answer(JSON.stringify({ value, a: [1.5, true, 'é'] })));
  const change = fc.record({
    at: fc.nat(),
    put: fc.constantFrom('', '"', ',', '}', ']', '0', '\\', '\u0001', 'e'),
  });
  fc.assert(
    fc.property(texts, change, (text, { at, put }) => {
      const place = 33 + (at % (text.length - 33));
      const changed = text.slice(0, place) + put + text.slice(place + 1);
      let isJson = true;
      try {
        JSON.parse(changed);
      } catch {
        isJson = false;
      }
      if (!isJson) expect(() => scanned(changed, {}, 3)).toThrow();
    }),
    { numRuns: 1_000 },
  );
});

describe('members of the result', () => {
  const some = '{"a":1,"resultType":"complete","b":{"a":2},"c":[]}';

  test('are left out and put in front', () => {
    const all = edits({
      front: new Map([
        ['z', '"new"'],
        ['c', '{}'],
      ]),
      without: new Set(['a', 'nothing']),
    });
    for (let size = 1; size < 60; size++)
      expect(scanned(answer(some), { edits: all }, size)).toBe(
        '{"z":"new","c":{},"resultType":"complete","b":{"a":2}}',
      );
  });

  test('are left out of what has no others', () => {
    const none = edits({ without: new Set(['a']) });
    expect(scanned(answer('{"a":[1,2]}'), { edits: none })).toBe('{}');
    expect(scanned(answer('{ }'), { edits: edits({ front: new Map([['a', '1']]) }) })).toBe('{"a":1}');
  });

  test('are left out unless they are objects', () => {
    const all = edits({ objects: new Set(['b', 'c']) });
    expect(scanned(answer(some), { edits: all })).toBe('{"a":1,"resultType":"complete","b":{"a":2}}');
  });

  test('that are short are known, and the id is', () => {
    const scan = new ResultScan({ depth: 64 });
    const long = `"${'x'.repeat(5_000)}"`;
    scan.push(encoder.encode(`{"jsonrpc":"2.0","id":"é","result":{"a":${long},"b":12,"c":{"d":[1]},"e":{"f`));
    expect([scan.id, scan.begun]).toEqual(['"é"', true]);
    expect([...scan.members]).toEqual([
      ['a', { text: undefined, isObject: false }],
      ['b', { text: '12', isObject: false }],
      ['c', { text: '{"d":[1]}', isObject: true }],
      ['e', { text: undefined, isObject: true }],
    ]);
  });
});

describe('refused is', () => {
  for (const [what, text, says] of [
    ['a second key', answer('{"a":1,"\\u0061":2}'), 'a key stands twice'],
    ['a second result', '{"jsonrpc":"2.0","id":1,"result":{},"result":{}}', 'a key stands twice'],
    ['an error beside it', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 'exactly one of'],
    ['a twin of a key', '{"jsonrpc":"2.0","id":1,"Result":{},"result":{}}', 'mistaken'],
    ['another version', '{"jsonrpc":"2.1","id":1,"result":{}}', '"2.0"'],
    ['no version', '{"id":1,"result":{}}', 'no jsonrpc'],
    ['no id', '{"jsonrpc":"2.0","result":{}}', 'no id'],
    ['no result', '{"jsonrpc":"2.0","id":1}', 'no result'],
    ['a result that is no object', answer('[]'), 'must be an object'],
    ['no object', '[]', 'expected a JSON object'],
    ['what follows', `${answer('{}')} 1`, 'unexpected byte 0x31'],
    ['an end too early', answer('{"a":"').slice(0, -1), 'unexpected end'],
    ['a closing bracket of the other kind', answer('{"a":[1}'), 'unexpected byte 0x7d'],
    ['a leading zero', answer('{"a":01}'), 'unexpected byte 0x31'],
    ['a bare point', answer('{"a":1.}'), 'unexpected byte 0x7d'],
    ['a bad escape', answer('{"a":"\\x"}'), 'unexpected byte 0x78'],
    ['a control character', answer('{"a":"\t"}'), 'unexpected byte 0x09'],
    ['nesting', answer(`{"a":${'['.repeat(70)}`), 'nested too deep'],
    ['a key without an end', answer(`{"${'k'.repeat(5_000)}":1}`), 'a key is too long'],
  ] as const)
    test(what, () => {
      for (const size of [1, 7, 10_000]) expect(() => scanned(text, {}, size)).toThrow(says);
    });

  for (const [what, bytes] of [
    ['a lone continuation', [0x80]],
    ['a character cut short', [0xe2, 0x82]],
    ['a longer form than needed', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['what lies beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ] as const)
    test(`UTF-8 with ${what}`, () => {
      const [head = '', tail = ''] = answer('{"a":"§"}').split('§');
      const text = Buffer.concat([Buffer.from(head), Uint8Array.from(bytes), Buffer.from(tail)]);
      for (const size of [1, 2, 100]) expect(() => scanned(text, {}, size)).toThrow('invalid UTF-8');
    });

  test('a resultType other than complete, where that was agreed', () => {
    for (const other of ['"task"', '1', `"${'x'.repeat(5_000)}"`])
      expect(() => scanned(answer(`{"resultType":${other}}`), { completeOnly: true })).toThrow('resultType');
    expect(scanned(answer('{"resultType":"complete"}'), { completeOnly: true })).toContain('complete');
  });
});
