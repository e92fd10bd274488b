// Digests of what was said, which nobody can find by guessing what it might have been: each has a salt of its own.
// The salts lie beside the log. Without its salt a digest says nothing any more, and the log is as whole as before.

import { createHmac, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

export const SALT_BYTES = 16;

/** HMAC-SHA256 of the text with the salt, hexadecimal. */
export function saltedDigest(salt: Uint8Array, text: string): string {
  return createHmac('sha256', salt).update(text).digest('hex');
}

export const newSalt = (): Buffer => randomBytes(SALT_BYTES);

/**
 * A name for a principal that says nothing of it, the same in each of its entries, and another one for another tenant.
 * @param key of this log alone
 */
export function pseudonym(key: Uint8Array, tenant: string | undefined, id: string): string {
  const own = createHmac('sha256', key)
    .update(JSON.stringify(['tenant', tenant ?? null]))
    .digest();
  return createHmac('sha256', own).update(id).digest('hex').slice(0, 32);
}

/** Salts by the number of the request they were made for: lines of `ID SALT`. */
export class Salts {
  constructor(private readonly file: FileHandle) {}

  static async open(directory: string): Promise<Salts> {
    return new Salts(await open(join(directory, 'salts'), 'a', 0o600));
  }

  async keep(id: string, salt: Uint8Array): Promise<void> {
    await this.file.write(`${id} ${Buffer.from(salt).toString('hex')}\n`);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
