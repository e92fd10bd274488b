// How an API key is written: `sluice_`, its id, its secret, a checksum. The id finds the key and may be shown; the
// mark and the checksum let scanners of repositories and logs know a key when they see one, without asking anybody.

import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MARK = 'sluice';
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 letters of 62 are 256 bits. */
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

const KEY = new RegExp(
  `^${MARK}_([a-z2-7]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
);

export const ID_PATTERN = new RegExp(`^[a-z2-7]{${ID_LENGTH}}$`);

/** A new key, and the id in it. */
export function newKey(): { readonly id: string; readonly key: string } {
  const id = letters(ID_LETTERS, ID_LENGTH);
  return { id, key: keyOf(id, letters(LETTERS, SECRET_LENGTH)) };
}

/** A key as it is written. */
export function keyOf(id: string, secret: string): string {
  const body = `${MARK}_${id}_${secret}`;
  return body + checksum(body);
}

/** Whether a text means to be a key of ours, however it ends. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(`${MARK}_`);
}

/** The id in a key; undefined when the text is no whole key: cut off, mistyped, or something else. */
export function idOfKey(text: string): string | undefined {
  const [, id, sum] = KEY.exec(text) ?? [];
  if (id === undefined || sum === undefined) return undefined;
  return checksum(text.slice(0, -CHECKSUM_LENGTH)) === sum ? id : undefined;
}

/**
 * What is kept of a key. One round of SHA-256 is enough: slow hashes are for secrets that people choose and others can
 * guess, and nobody guesses 256 random bits; a slow one would only be work that any caller could have done for
 * nothing. The id is hashed along with the secret, so no two keys have the same digest: it is the salt.
 */
export function digestOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Letters drawn evenly: bytes beyond the last whole multiple are drawn again. */
function letters(alphabet: string, length: number): string {
  const fair = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length)
    for (const byte of randomBytes(length))
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length];
  return text;
}

function checksum(text: string): string {
  let rest = crc32(text);
  let sum = '';
  for (let at = 0; at < CHECKSUM_LENGTH; at++) {
    sum = LETTERS[rest % LETTERS.length] + sum;
    rest = Math.floor(rest / LETTERS.length);
  }
  return sum;
}
