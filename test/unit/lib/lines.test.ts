// Lines out of bytes, however they are cut, and no more held than the limit.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Sink } from '../../../src/lib/flow.ts';
import { Lines } from '../../../src/lib/lines.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (lines: readonly Uint8Array[]): string[] => lines.map((line) => new TextDecoder().decode(line));

describe('lines', () => {
  test('end with LF or CRLF; what follows the last waits', () => {
    const lines = new Lines(100);
    expect(texts(lines.push(bytes('a\nb\r\n\n\r\nc')))).toEqual(['a', 'b', '', '']);
    expect(texts(lines.push(bytes('d\n')))).toEqual(['cd']);
  });

  test('keep a lone CR, and one in the middle', () => {
    expect(texts(new Lines(100).push(bytes('a\rb\n\r\r\n')))).toEqual(['a\rb', '\r']);
  });

  test('are the same for every way to cut the bytes, and do not hang on the caller’s buffer', () => {
    const piece = fc.constantFrom('\n', '\r\n', '\r', 'ü', '😀', '{"a":1}', '');
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (pieces, cuts) => {
        const all = bytes(pieces.join(''));
        const whole = texts(new Lines(1_000).push(all));
        const lines = new Lines(1_000);
        const places = cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b);
        const found: string[] = [];
        let from = 0;
        for (const to of [...places, all.length]) {
          const chunk = all.slice(from, to);
          found.push(...texts(lines.push(chunk)));
          chunk.fill(0x2a);
          from = to;
        }
        expect(found).toEqual(whole);
      }),
    );
  });
});

describe('the limit', () => {
  test('lets a line of just so many bytes pass, in one chunk or in many', () => {
    expect(texts(new Lines(4).push(bytes('abcd\nefgh\n')))).toEqual(['abcd', 'efgh']);
    const lines = new Lines(4);
    for (const part of ['a', 'b', 'c', 'd']) expect(lines.push(bytes(part))).toEqual([]);
    expect(texts(lines.push(bytes('\n')))).toEqual(['abcd']);
  });

  test('counts bytes, not characters', () => {
    expect(() => new Lines(3).push(bytes('ää\n'))).toThrow('a line of more than 3 bytes');
  });

  test('is kept before a line has come to its end', () => {
    const lines = new Lines(4);
    lines.push(bytes('abc'));
    expect(() => lines.push(bytes('de'))).toThrow(RangeError);
    expect(() => new Lines(4).push(bytes('abcde'))).toThrow(RangeError);
  });

  test.each([[['abcdefgh', 'ijkl\nm\n']], [['abcdefghijkl\nm\n']], [['abcdefgh', 'ijkl', '\nm\n']]])(
    'passes over what is longer, wherever its end comes: %j',
    (chunks) => {
      const passed: string[] = [];
      const sink: Sink = {
        over: false,
        push: (part) => void passed.push(...texts([part])),
        room: () => undefined,
        end: () => void passed.push('.'),
        fail() {},
      };
      const skip = (head: Uint8Array): Sink => {
        sink.push(head);
        return sink;
      };
      const lines = new Lines(10, { from: () => 4, take: () => undefined, skip });
      const found = chunks.flatMap((chunk) => texts(lines.push(bytes(chunk))));
      expect({ found, passed: passed.join('') }).toEqual({ found: ['m'], passed: 'abcdefghijkl.' });
    },
  );
});
