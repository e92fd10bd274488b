// How API keys are written: found by scanners, told from anything that is nearly one, never the same twice.
import { expect, test } from 'bun:test';
import { digestOfKey, idOfKey, looksLikeKey, newKey } from '../../../plugins/auth/key-text.ts';

/** Made once; scanners out there may go by it. */
const PUBLISHED = 'sluice_aaaaaaaaaaaa_000000000000000000000000000000000000000000017vMLR';

test('a key has its mark, its id, 256 random bits and a checksum', () => {
  const { id, key } = newKey();
  expect(key).toMatch(/^sluice_[a-z2-7]{12}_[0-9A-Za-z]{49}$/);
  expect(key.split('_')[1]).toBe(id);
  expect(idOfKey(key)).toBe(id);
  expect(looksLikeKey(key)).toBe(true);
});

test('no two of a thousand share an id or a secret', () => {
  const keys = Array.from({ length: 1_000 }, newKey);
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1_000);
  expect(new Set(keys.map(({ key }) => key.slice(20))).size).toBe(1_000);
});

test('every letter of the alphabet comes about as often as any other', () => {
  const counts = new Map<string, number>();
  for (const { key } of Array.from({ length: 2_000 }, newKey))
    for (const letter of key.slice(20, 63)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // 86,000 letters: 1,387 of each, give or take 37. A modulus of 256 would give the first eight a quarter more.
  for (const count of counts.values()) expect(Math.abs(count - 1_387)).toBeLessThan(260);
});

test('the checksum is CRC-32 of what stands before it, in six letters of 62', () => {
  expect(idOfKey(PUBLISHED)).toBe('aaaaaaaaaaaa');
});

test('a change of any one letter, a letter more and a letter less are no key', () => {
  const { key } = newKey();
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === 'x' ? 'y' : 'x';
    expect(idOfKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
    expect(idOfKey(key.slice(0, at))).toBeUndefined();
  }
  expect(idOfKey(`${key}0`)).toBeUndefined();
  expect(idOfKey(` ${key}`)).toBeUndefined();
  expect(idOfKey(`${key}\n`)).toBeUndefined();
  expect(idOfKey(key.replace('sluice', 'slu\u0456ce'))).toBeUndefined();
  expect(idOfKey(key.toUpperCase())).toBeUndefined();
});

test('the id is in the digest, which salts it', () => {
  const other = PUBLISHED.replace('aaaaaaaaaaaa', 'bbbbbbbbbbbb');
  expect(digestOfKey(PUBLISHED)).toHaveLength(32);
  expect(digestOfKey(PUBLISHED).equals(digestOfKey(other))).toBe(false);
});
