// The algorithms of RFC 9421 that are offered, by the names of its registry.

import { createHmac, type KeyObject, sign, verify } from 'node:crypto';
import { isSame } from './message.ts';

export const ALGORITHMS = ['hmac-sha256', 'ed25519', 'ecdsa-p256-sha256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** The bytes of a shared secret; or a private key, to sign, or a public one, to verify. */
export type Material = Buffer | KeyObject;

/** What is wrong with a key for an algorithm, as the rest of a sentence about it; undefined when nothing is. */
export function misfit(
  algorithm: Algorithm,
  { asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
): string | undefined {
  if (algorithm === 'ed25519') return asymmetricKeyType === 'ed25519' ? undefined : 'is no Ed25519 key';
  const isP256 = asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return isP256 ? undefined : 'is no key on the curve P-256';
}

export function signBase(algorithm: Algorithm, key: Material, base: string): Buffer {
  const bytes = Buffer.from(base);
  if (Buffer.isBuffer(key)) return createHmac('sha256', key).update(bytes).digest();
  // RFC 9421 wants r and s one after the other, not DER.
  return algorithm === 'ed25519'
    ? sign(null, bytes, key)
    : sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
}

export function verifyBase(
  algorithm: Algorithm,
  key: Material,
  base: string,
  signature: Uint8Array,
): boolean {
  if (Buffer.isBuffer(key)) return isSame(signBase(algorithm, key, base), signature);
  const bytes = Buffer.from(base);
  if (signature.length !== 64) return false;
  return algorithm === 'ed25519'
    ? verify(null, bytes, key, signature)
    : verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
