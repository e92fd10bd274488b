// Bodies come out whole however they are cut, and what follows them is told apart; what is malformed is refused.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { unframer } from '../../../src/upstreams/http1-body.ts';
import type { Framing } from '../../../src/upstreams/http1-head.ts';

/** @returns the body, what is behind it, and whether the connection may end there */
function read(
  framing: Framing,
  wire: Buffer,
  cuts: readonly number[],
): [string, string | undefined, boolean] {
  const reader = unframer(framing);
  const body: Uint8Array[] = [];
  let rest: Uint8Array | undefined;
  const ends = [...new Set(cuts.map((cut) => cut % (wire.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, wire.length]) {
    const part = wire.subarray(at, end);
    at = end;
    if (rest) rest = Buffer.concat([rest, part]);
    else {
      const came = reader.push(part);
      body.push(...came.pieces);
      rest = came.rest;
    }
  }
  return [Buffer.concat(body).toString('latin1'), rest && Buffer.from(rest).toString('latin1'), reader.end()];
}

const bytes = fc.uint8Array({ maxLength: 300 });
const cuts = fc.array(fc.nat(2_000), { maxLength: 12 });
const latin1 = (part: Uint8Array): string => Buffer.from(part).toString('latin1');

/** `5;a=b\r\nhello\r\n…0\r\n\r\n` */
function chunked(parts: readonly Uint8Array[], extension: string, trailers: string): Buffer {
  const lines = parts
    .filter(({ length }) => length > 0)
    .map((part) =>
      Buffer.concat([Buffer.from(`${part.length.toString(16)}${extension}\r\n`), part, Buffer.from('\r\n')]),
    );
  return Buffer.concat([...lines, Buffer.from(`000\r\n${trailers}\r\n`)]);
}

describe('a body', () => {
  test('of a length', () => {
    fc.assert(
      fc.property(bytes, bytes, cuts, (body, behind, cut) => {
        fc.pre(body.length > 0);
        const wire = Buffer.concat([body, behind]);
        expect(read({ kind: 'length', bytes: body.length }, wire, cut)).toEqual([
          latin1(body),
          latin1(behind),
          true,
        ]);
      }),
    );
  });

  test('in chunks, with extensions and trailers that nobody reads', () => {
    const extension = fc.constantFrom('', ';a', ' ; a="b"', ';');
    const trailers = fc.constantFrom('', 'X: y\r\n', 'A: b\r\nC:\r\n');
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 6 }),
        bytes,
        cuts,
        extension,
        trailers,
        (parts, behind, cut, ext, end) => {
          const wire = Buffer.concat([chunked(parts, ext, end), behind]);
          expect(read({ kind: 'chunked' }, wire, cut)).toEqual([
            latin1(Buffer.concat(parts)),
            latin1(behind),
            true,
          ]);
        },
      ),
    );
  });

  test('that ends with the connection', () => {
    expect(read({ kind: 'close' }, Buffer.from('abc'), [1, 2])).toEqual(['abc', undefined, true]);
  });

  test('that is not there', () => {
    expect(read({ kind: 'none' }, Buffer.from('next'), [])).toEqual(['', 'next', true]);
  });

  test.each<[Framing, string]>([
    [{ kind: 'length', bytes: 5 }, 'abcd'],
    [{ kind: 'chunked' }, '5\r\nabcd'],
    [{ kind: 'chunked' }, '5\r\nabcde\r\n'],
    [{ kind: 'chunked' }, '0\r\n'],
    [{ kind: 'chunked' }, ''],
  ])('by %j is not whole with %j', (framing, text) => {
    const [, rest, isWhole] = read(framing, Buffer.from(text), []);
    expect([rest, isWhole]).toEqual([undefined, false]);
  });
});

describe('chunks that are refused', () => {
  test.each([
    ['5\nabcde\r\n0\r\n\r\n', 'LF alone'],
    ['5\r\nabcde\n0\r\n\r\n', 'LF alone'],
    ['5\r\nabcdef\r\n0\r\n\r\n', 'longer than it was said to be'],
    ['-5\r\nabcde\r\n', 'no size'],
    ['+5\r\nabcde\r\n', 'no size'],
    ['0x5\r\nabcde\r\n', 'no size'],
    [' 5\r\nabcde\r\n', 'no size'],
    ['5 \r\nabcde\r\n', 'no size'],
    ['5 5\r\nabcde\r\n', 'no size'],
    ['\r\n5\r\nabcde\r\n', 'no size'],
    ['g\r\n', 'no size'],
    ['ffffffffffffff\r\n', 'no size'],
    ['5;\x00\r\nabcde\r\n', 'no size'],
    ['5;\ra\r\nabcde\r\n', 'no size'],
    [`5;${'a'.repeat(2_000)}`, 'too long a line'],
    ['0\r\nno colon\r\n\r\n', 'malformed header field'],
    ['0\r\nx: \x00\r\n\r\n', 'forbidden character'],
    [`0\r\n${'a: b\r\n'.repeat(20_000)}`, 'trailers are too long'],
    [`0\r\na: ${'b'.repeat(70_000)}`, 'trailers are too long'],
  ])('%p', (text, why) => {
    expect(() => read({ kind: 'chunked' }, Buffer.from(text, 'latin1'), [])).toThrow(why);
    expect(() => read({ kind: 'chunked' }, Buffer.from(text, 'latin1'), [1, 2, 3])).toThrow(why);
  });
});
