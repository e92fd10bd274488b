// An entry is one canonical line with its own hash in it; whatever is changed of it shows.
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { canonical } from '../../../plugins/audit/canonical.ts';
import { EntryReader, genesis, LONGEST, makeEntry } from '../../../plugins/audit/entry.ts';
import { hex, sha256 } from '../../../plugins/audit/hash.ts';

const reader = new EntryReader();
const FIELDS = {
  type: 'intent',
  text: 'a "quoted" \\ \n\u2028 é 😀',
  count: 7,
  isOne: true,
  none: undefined,
};
const entry = makeEntry(FIELDS, 3, genesis('gw'));
const lineOf = (text: string) => Buffer.from(text);

describe('canonical JSON (RFC 8785) of flat records', () => {
  test('members in order, no white space, undefined ones left out', () => {
    expect(canonical({ b: 1, a: 'x', c: undefined, B: false })).toBe('{"B":false,"a":"x","b":1}');
    expect(canonical({ a: -0, b: -5, c: Number.MAX_SAFE_INTEGER })).toBe(
      '{"a":0,"b":-5,"c":9007199254740991}',
    );
  });

  test('half a pair of surrogates is written as what stands for it', () => {
    expect(canonical({ a: 'x\ud800y' })).toBe('{"a":"x\ufffdy"}');
  });

  test('names with characters that JSON escapes', () => {
    expect(JSON.parse(canonical({ 'arg."x"': 1, 'arg.é': 2 }))).toEqual({ 'arg."x"': 1, 'arg.é': 2 });
  });

  test('numbers that are not whole are refused', () => {
    for (const wrong of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
      expect(() => canonical({ wrong })).toThrow('wrong is not a whole number');
  });
});

test('the hash is that of the line without its own member', () => {
  const { entry_hash, ...rest } = JSON.parse(entry.line) as Record<string, string>;
  expect(entry_hash).toBe(createHash('sha256').update(canonical(rest)).digest('hex'));
  expect(rest).toMatchObject({ v: 1, seq: 3, prev_hash: hex(genesis('gw')), text: FIELDS.text });
  expect(hex(genesis('gw'))).toBe(hex(sha256('sluice-audit-v1\ngw\n')));
});

test('it is read as it was made', () => {
  expect(reader.read(lineOf(entry.line))).toEqual({
    seq: 3,
    previous: hex(genesis('gw')),
    hash: hex(entry.hash),
  });
});

test('any changed byte is found', () => {
  for (let at = 0; at < entry.line.length; at++) {
    const bytes = lineOf(entry.line);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(reader.read(bytes)).toBeString();
  }
});

test('a text that looks like members of the chain is only a text', () => {
  const tricky = { type: 'x', a: '"seq":99,"prev_hash":"', z: '"entry_hash":"' };
  expect(reader.read(lineOf(makeEntry(tricky, 5, genesis('gw')).line))).toMatchObject({ seq: 5 });
});

test('what is no entry is told apart from one that was changed', () => {
  for (const text of ['', '{}', 'x', `{"entry_hash":"${'0'.repeat(64)}"}`, 'x'.repeat(LONGEST + 1)])
    expect(reader.read(lineOf(text))).toBe('syntax');
  expect(reader.read(lineOf(entry.line.replace('"count":7', '"count":8')))).toBe('hash');
});
