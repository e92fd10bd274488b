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

/**
 * @param make whether a key is made where there is none
 * @returns undefined where there is none
 * @throws CliError where it is not 32 bytes, or cannot be read
 */
export function masterKey(
  { env }: Pick<Shell, 'env'>,
  dir: string,
  { make }: { readonly make: boolean },
): MasterKey | undefined {
  const { SLUICE_MASTER_KEY: text, SLUICE_MASTER_KEY_FILE: file } = env;
  if (text && file)
    throw new CliError(EXIT.usage, 'SLUICE_MASTER_KEY and SLUICE_MASTER_KEY_FILE are both set', 'unset one');
  if (text) return keyOf(text, 'SLUICE_MASTER_KEY', false);
  if (file) return keyOf(textOf(file), file, false);
  const own = join(dir, MASTER_KEY_FILE);
  const bytes = readKeyFile(own) ?? (make ? makeKeyFile(own, newKey()) : undefined);
  return bytes && keyOf(new TextDecoder().decode(bytes), own, true);
}

function newKey(): Uint8Array {
  return Buffer.from(`${randomBytes(BYTES).toString('base64')}\n`);
}

function textOf(file: string): string {
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
