// Seals: opened by whom they were made by, as what they were made for, to the letter.
import { describe, expect, test } from 'bun:test';
import { createSeal } from '../../../src/lib/seal.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const ours = createSeal(key(1));
const TEXTS = [
  '',
  'a',
  'session\u0000id',
  '{"sub":"ü","n":9007199254740993}',
  '😀'.repeat(50),
  'x'.repeat(5_000),
];

test.each(TEXTS)('opens what it sealed: %p', (text) => {
  expect(ours.open('park', ours.seal('park', text))).toBe(text);
});

test('two seals of one text differ, and both open', () => {
  const [one, two] = [ours.seal('park', 'id'), ours.seal('park', 'id')];
  expect(one).not.toBe(two);
  expect([ours.open('park', one), ours.open('park', two)]).toEqual(['id', 'id']);
});

test('a name is the same for the same text and kind, no other, and opens like a seal', () => {
  const name = ours.name('task', 'id');
  expect(name).toBe(createSeal(key(1)).name('task', 'id'));
  expect(
    new Set([name, ours.name('task', 'id2'), ours.name('park', 'id'), createSeal(key(2)).name('task', 'id')])
      .size,
  ).toBe(4);
  expect([ours.open('task', name), ours.open('park', name), createSeal(key(2)).open('task', name)]).toEqual([
    'id',
    undefined,
    undefined,
  ]);
  // Texts that begin alike share no key stream.
  const [one, two] = ['x'.repeat(40), `${'x'.repeat(39)}y`].map((text) =>
    Buffer.from(ours.name('task', text).slice(3), 'base64url').subarray(12, 40).toString('hex'),
  );
  expect(one).not.toBe(two);
});

test('opens after a restart with the same key', () => {
  expect(createSeal(key(1)).open('park', ours.seal('park', 'id'))).toBe('id');
});

describe('does not open', () => {
  const sealed = ours.seal('park', 'a parked call');

  test('as another kind, nor with another key', () => {
    for (const kind of ['', 'par', 'park ', 'PARK', 'session'])
      expect(ours.open(kind, sealed)).toBeUndefined();
    expect(createSeal(key(2)).open('park', sealed)).toBeUndefined();
  });

  test('with any bit of any byte turned', () => {
    const body = Buffer.from(sealed.slice(3), 'base64url');
    for (let at = 0; at < body.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const altered = Buffer.from(body);
        altered.writeUInt8(body.readUInt8(at) ^ (1 << bit), at);
        expect(ours.open('park', `s1.${altered.toString('base64url')}`)).toBeUndefined();
      }
    }
  });

  test('with any character replaced, dropped, doubled or added', () => {
    for (let at = 0; at < sealed.length; at++) {
      const [before, c = '', after] = [sealed.slice(0, at), sealed[at], sealed.slice(at + 1)];
      for (const other of ['A', 'B', '-', '_', '=', '+', '/', ' ', '\n', '\0', 'é', '.']) {
        if (other !== c) expect(ours.open('park', before + other + after)).toBeUndefined();
        expect(ours.open('park', before + other + c + after)).toBeUndefined();
      }
      expect(ours.open('park', before + after)).toBeUndefined();
      expect(ours.open('park', before + c + c + after)).toBeUndefined();
    }
  });

  test('cut short anywhere, nor lengthened', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(ours.open('park', sealed.slice(0, length))).toBeUndefined();
      expect(ours.open('park', sealed + sealed.slice(0, length + 1))).toBeUndefined();
    }
  });

  test('in another spelling of the same bytes', () => {
    // Lengths with no, one and two padding characters, and with spare bits in the last one.
    for (const text of ['ab', 'abc', 'abcd', 'abcde', '>>>???']) {
      const seal = ours.seal('park', text);
      const body = Buffer.from(seal.slice(3), 'base64url');
      const variants = [
        body.toString('base64'),
        `${seal.slice(3)}=`,
        `${seal.slice(3)}==`,
        `${seal.slice(3)}\n`,
        ` ${seal.slice(3)}`,
      ];
      for (const variant of variants) {
        if (`s1.${variant}` !== seal) expect(ours.open('park', `s1.${variant}`)).toBeUndefined();
      }
      const spare = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
        .map((last) => seal.slice(0, -1) + last)
        .filter((other) => ours.open('park', other) !== undefined);
      expect(spare).toEqual([seal]);
    }
  });

  test.each(['', 's1', 's1.', 's1.AAAA', `s1.${'A'.repeat(38)}`, 's2.', 'x', '\ud800', 's1.\ud800'])(
    '%p',
    (text) => {
      expect(ours.open('park', text)).toBeUndefined();
    },
  );
});

test('a short key is refused', () => {
  expect(() => createSeal(new Uint8Array(31))).toThrow(RangeError);
});
