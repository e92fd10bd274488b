// Content-Digest (RFC 9530): which bytes a message has, in a header that a signature can cover.

import { createHash } from 'node:crypto';
import { bytesUnder, dictionaryIn } from './dictionary.ts';
import { isSame, type Message, require } from './message.ts';

export type DigestAlgorithm = 'sha-256' | 'sha-512';

const NODE_NAMES = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const;

const digestOf = (algorithm: DigestAlgorithm, body: string): Buffer =>
  createHash(NODE_NAMES[algorithm]).update(body).digest();

/** The value of the header for a body. */
export function contentDigest(algorithm: DigestAlgorithm, body: string): string {
  return bytesUnder(algorithm, digestOf(algorithm, body));
}

/**
 * Holds the header against the body. Algorithms that are broken or not known are passed over; one that is left has
 * to be there, and all that are left have to fit.
 * @throws Refused
 */
export function verifyDigest(message: Message, header: string): void {
  let judged = 0;
  for (const [algorithm, [value]] of dictionaryIn(header)) {
    if (algorithm !== 'sha-256' && algorithm !== 'sha-512') continue;
    require(value instanceof ArrayBuffer, 'header_invalid');
    require(isSame(new Uint8Array(value), digestOf(algorithm, message.body)), 'digest_wrong');
    judged += 1;
  }
  require(judged > 0, 'digest_wrong');
}
