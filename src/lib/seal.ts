// Authenticated encryption of short texts that travel through clients: session ids, request states, task ids.
// AES-256-GCM; the kind is bound, so that one kind of seal never opens as another.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

export interface Seal {
  /** Base64url text behind a mark of its own. */
  seal(kind: string, text: string): string;
  /** As `seal`, but one text has one seal, so that its holder can tell things apart and know them again. */
  name(kind: string, text: string): string;
  /** The text, or undefined when it was not sealed here as this kind, or was altered. */
  open(kind: string, sealed: string): string | undefined;
}

const MARK = 's1.';
const NONCE = 12;
const TAG = 16;
export const SEAL_KEY_BYTES = 32;

/** @param key 32 random bytes, kept with the state so that seals outlive a restart */
export function createSeal(key: Uint8Array): Seal {
  if (key.length < SEAL_KEY_BYTES) throw new RangeError(`a seal key has ${SEAL_KEY_BYTES} bytes`);
  const aes = Buffer.from(hkdfSync('sha256', key, '', 'sluice seal v1', 32));
  const naming = Buffer.from(hkdfSync('sha256', key, '', 'sluice seal v1 nonces', 32));
  const sealed = (kind: string, text: string, nonce: Buffer): string => {
    const cipher = createCipheriv('aes-256-gcm', aes, nonce).setAAD(Buffer.from(kind));
    const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return MARK + body.toString('base64url');
  };
  return {
    seal: (kind, text) => sealed(kind, text, randomBytes(NONCE)),
    name(kind, text) {
      // Drawn from what is sealed, so that two texts never share one, which GCM would not forgive.
      const mac = createHmac('sha256', naming).update(`${kind}\0${text}`).digest();
      return sealed(kind, text, mac.subarray(0, NONCE));
    },
    open(kind, sealed) {
      if (!sealed.startsWith(MARK)) return undefined;
      const body = Buffer.from(sealed.slice(MARK.length), 'base64url');
      // Base64 decoding is lenient; one text per seal, so that a map of used ones cannot be walked around.
      if (body.length < NONCE + TAG || MARK + body.toString('base64url') !== sealed) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', aes, body.subarray(0, NONCE))
          .setAAD(Buffer.from(kind))
          .setAuthTag(body.subarray(-TAG));
        return decipher.update(body.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        return undefined;
      }
    },
  };
}
