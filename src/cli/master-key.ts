// The key that secrets in the state directory are encrypted with: from the environment, from a file that it names, or
// from one that is made beside them. 32 bytes, as Base64 or hexadecimal, and nothing else.

import { hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CliError, EXIT, systemCode } from './exit.ts';
import { makeKeyFile, readKeyFile } from './key-file.ts';
import { readBounded } from './read-bounded.ts';
import type { Shell } from './shell.ts';

export const MASTER_KEY_FILE = 'secrets.key';

const BYTES = 32;

export interface MasterKey {
  /** For AES-256. */
  readonly aes: Uint8Array;
  /** Tells keys apart, and tells nothing of them. */
  readonly id: string;
  /** As people know it. */
  readonly from: string;
  /** Whether it lies beside what it opens. */
  readonly beside: boolean;
}

export interface KeyWanted {
  /** Whether a key is made where there is none. */
  readonly make: boolean;
  /** Its id, where that is known. */
  readonly id?: string | undefined;
}

/**
 * @returns undefined where there is none
 * @throws CliError where it is not 32 bytes, or cannot be read
 */
export function masterKey(
  shell: Pick<Shell, 'env'>,
  dir: string,
  { make, id }: KeyWanted,
): MasterKey | undefined {
  const { SLUICE_MASTER_KEY: text, SLUICE_MASTER_KEY_FILE: file } = shell.env;
  if (text && file)
    throw new CliError(EXIT.usage, 'SLUICE_MASTER_KEY and SLUICE_MASTER_KEY_FILE are both set', 'unset one');
  if (text) return keyOf(text, 'SLUICE_MASTER_KEY', false);
  const own = keyFileOf(shell, dir);
  const known = file ? keyOf(namedText(file), file, false) : keyIn(own, true, make);
  if (id === undefined || known?.id === id) return known;
  // A change of the key that was ended between the secrets and their key has left it there.
  const next = keyIn(nextKeyFile(own), !file, false);
  return next?.id === id ? next : known;
}

/** Where the key lies: what is named, else beside the secrets. Not where it is a variable. */
export function keyFileOf({ env }: Pick<Shell, 'env'>, dir: string): string {
  return env.SLUICE_MASTER_KEY_FILE || join(dir, MASTER_KEY_FILE);
}

/** Where the next key lies until the secrets are encrypted with it. */
export function nextKeyFile(file: string): string {
  return `${file}.next`;
}

/** The key of a file; made there where there is none. @throws CliError as above */
export function keyInFile(file: string): MasterKey {
  return keyIn(file, false, true) as MasterKey;
}

/** The key that a variable has. @throws CliError as above */
export function keyInText(text: string, variable: string): MasterKey {
  return keyOf(text, variable, false);
}

function keyIn(file: string, beside: boolean, make: boolean): MasterKey | undefined {
  const bytes = readKeyFile(file) ?? (make ? makeKeyFile(file, newKey()) : undefined);
  return bytes && keyOf(new TextDecoder().decode(bytes), file, beside);
}

function newKey(): Uint8Array {
  return Buffer.from(`${randomBytes(BYTES).toString('base64')}\n`);
}

function namedText(file: string): string {
  try {
    return readBounded(file);
  } catch (error) {
    const message = `cannot read SLUICE_MASTER_KEY_FILE ${file}: ${systemCode(error) ?? 'it failed'}`;
    throw new CliError(EXIT.failed, message, 'check the path and its rights');
  }
}

function keyOf(text: string, from: string, beside: boolean): MasterKey {
  const bytes = bytesOf(text.replace(/\r?\n$/, ''));
  // One byte again and again stands in examples, and is never random.
  if (bytes === undefined || bytes.every((byte) => byte === bytes[0]))
    throw new CliError(
      EXIT.failed,
      `${from} is no key: it has to be ${BYTES} random bytes in Base64 or hexadecimal`,
      beside ? 'restore it from where it was copied to' : 'make one with: openssl rand -base64 32',
    );
  const derived = (use: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', bytes, '', `sluice secrets v1 ${use}`, length));
  return { aes: derived('aes', BYTES), id: derived('id', 8).toString('hex'), from, beside };
}

/** Undefined unless the text is what its bytes are written as: a digit too many or too few is a slip. */
function bytesOf(text: string): Buffer | undefined {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=$/, '');
  const bytes = Buffer.from(plain, 'base64');
  return bytes.length === BYTES && bytes.toString('base64') === `${plain}=` ? bytes : undefined;
}
