// What is signed and what verifying it needs: the message, the reasons to refuse one, the clock's leeway.

import { timingSafeEqual } from 'node:crypto';
import type { Nonces } from './nonces.ts';

/** A request as it leaves, or as it came: the parts a signature can cover. Header names are in lower case. */
export interface Message {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes, as text that is sent in UTF-8. */
  readonly body: string;
}

export type Reason =
  | 'header_missing'
  | 'header_invalid'
  | 'key_unknown'
  | 'key_not_valid'
  | 'too_old'
  | 'too_new'
  | 'replayed'
  | 'nonces_full'
  | 'not_covered'
  | 'digest_wrong'
  | 'signature_wrong';

/** A message whose signature does not hold. What is wrong is a word, so that nothing of the message is repeated. */
export class Refused extends Error {
  constructor(readonly reason: Reason) {
    super(`the signature is refused: ${reason}`);
  }
}

/** @throws Refused unless `holds` */
export function require(holds: boolean, reason: Reason): asserts holds {
  if (!holds) throw new Refused(reason);
}

/** @throws Refused when the message has no such header, or an empty one */
export function headerOf({ headers }: Message, name: string): string {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  require(value !== undefined && value !== '', 'header_missing');
  return value;
}

/** How far two clocks may be apart, and how long a signature lives. Milliseconds. */
export interface Leeway {
  readonly now: number;
  readonly skew: number;
}

/** @throws Refused when `signedAt` is further from now than the clocks may be apart */
export function requireRecent(signedAt: number, { now, skew }: Leeway): void {
  require(signedAt >= now - skew, 'too_old');
  require(signedAt <= now + skew, 'too_new');
}

/** How messages of a scheme are verified. */
export interface Rule<K> extends Leeway {
  readonly keys: readonly K[];
  readonly nonces: Nonces;
  /** Whose nonces those of a key are: as long as keys share one, what one has signed is not good with another. */
  spaceOf(key: K): string;
}

/**
 * Last of all: a message that does not hold must not use up a nonce.
 * @param ms how long the message could be accepted from now on, at most
 * @throws Refused when it was there before, or nobody could tell
 */
export function requireNew<K>(rule: Rule<K>, key: K, nonce: string, ms: number): void {
  const taken = rule.nonces.take(rule.spaceOf(key), nonce, ms, rule.now);
  require(taken !== 'seen', 'replayed');
  require(taken === 'new', 'nonces_full');
}

/** Takes the same time wherever two texts of one length differ. */
export function isSame(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const [left, right] = [Buffer.from(a as string), Buffer.from(b as string)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** @throws Refused when the text is no canonical Base64: another spelling of the same bytes is another text */
export function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  require(bytes.toString('base64') === text, 'header_invalid');
  return bytes;
}
