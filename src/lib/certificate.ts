// A certificate with its key, as PEM texts: whether they can be used, and until when. Reads no file.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** PEM texts; the certificate may be followed by those that lead to its authority. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

/** Which of the two is wrong, and how. Never quotes what it read. */
export interface CertifiedFault {
  readonly about: 'cert' | 'key';
  readonly message: string;
}

/** Milliseconds since the epoch. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;

/** All certificates of a PEM text, in order. @throws Error that says what is wrong with it */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0)
    throw new Error(
      PRIVATE_KEY.test(pem)
        ? 'this is a private key, not a certificate'
        : 'this is no certificate in PEM form',
    );
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error('what stands between BEGIN and END CERTIFICATE is no certificate');
    }
  });
}

/** @throws Error that says what is wrong with it */
export function readPrivateKey(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem))
    throw new Error('the key is encrypted, and nobody is there to ask for its passphrase');
  if (!PRIVATE_KEY.test(pem)) throw new Error('this is no private key in PEM form');
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('what stands between BEGIN and END PRIVATE KEY is no key');
  }
}

/** Whether a listener or a client can use the two together. */
export function checkCertified({ cert, key }: CertifiedKey): CertifiedFault | Validity {
  let about: 'cert' | 'key' = 'cert';
  try {
    const [leaf] = readCertificates(cert) as [X509Certificate];
    about = 'key';
    if (!leaf.checkPrivateKey(readPrivateKey(key)))
      return { about, message: 'the key does not belong to the certificate' };
    return validityOf(leaf);
  } catch (error) {
    return { about, message: error instanceof Error ? error.message : String(error) };
  }
}

export function validityOf({ validFrom, validTo }: X509Certificate): Validity {
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}

/** Whether one of the authorities has signed a certificate, or one that another of them has signed. Times aside. */
export function isVouchedFor(leaf: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  return authorities.some((each) => leaf.checkIssued(each) && leaf.verify(each.publicKey));
}
