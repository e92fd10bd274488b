// Digests of what was said, which nobody can find by guessing what it might have been: each has a salt of its own.
// Without its salt a digest says nothing any more, and the log is as whole as before.

import { createHmac, randomBytes } from 'node:crypto';

export const SALT_BYTES = 16;

/** HMAC-SHA256 of the text with the salt, hexadecimal. */
export function saltedDigest(salt: Uint8Array, text: string): string {
  return createHmac('sha256', salt).update(text).digest('hex');
}

export const newSalt = (): Buffer => randomBytes(SALT_BYTES);

/**
 * A name for a principal that says nothing of it, the same in each of its entries, and another one for another tenant,
 * or for the same id of another issuer.
 * @param key of this log alone
 */
export function pseudonym(
  key: Uint8Array,
  tenant: string | undefined,
  id: string,
  issuer?: string | undefined,
): string {
  const own = createHmac('sha256', key)
    .update(JSON.stringify(['tenant', tenant ?? null]))
    .digest();
  const who = issuer === undefined ? id : JSON.stringify([issuer, id]);
  return createHmac('sha256', own).update(who).digest('hex').slice(0, 32);
}

/** The same for the same text in each entry of one log: for texts that must not stand there. */
export function keyedDigest(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update('name\0').update(text).digest('hex').slice(0, 32);
}
