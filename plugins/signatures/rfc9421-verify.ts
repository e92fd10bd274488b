// Verifies what the scheme `rfc9421` signs. Stricter than the RFC: one signature, no parameters on components, and
// what has to be covered is covered.

import { type BareItem, isInnerList } from 'structured-headers';
import { type Algorithm, verifyBase } from './algorithms.ts';
import { baseOf, inputOf } from './base.ts';
import { dictionaryIn } from './dictionary.ts';
import { verifyDigest } from './digest.ts';
import { keyNamed } from './keys.ts';
import { headerOf, type Leeway, type Message, require } from './message.ts';
import type { Nonces } from './nonces.ts';
import { COMPONENTS, covered, DERIVED, type SigningKey } from './rfc9421.ts';

export interface SignatureRule extends Leeway {
  readonly algorithm: Algorithm;
  /** `material` is the secret, or the public key. */
  readonly keys: readonly SigningKey[];
  readonly nonces: Nonces;
  /** What has to be covered, as far as the message has it. Default: what is signed by default. */
  readonly components?: readonly string[];
  /** The longest a signature may be good for. Milliseconds. Default: 300000. */
  readonly longest?: number;
  readonly tag?: string;
}

const LONGEST = 300_000;

/**
 * Verifies a message.
 * @returns the id of the key it is signed with
 * @throws Refused
 */
export function verifyRfc9421(message: Message, rule: SignatureRule): string {
  const { algorithm, keys, now, skew, nonces, longest = LONGEST } = rule;
  const { components, parameters, signature } = parsed(message);
  const { created, expires, nonce, keyid } = known(parameters);
  require(parameters.get('alg') === undefined || parameters.get('alg') === algorithm, 'header_invalid');
  require(parameters.get('tag') === rule.tag, 'header_invalid');
  const key = keyNamed(keys, keyid, now);
  require(expires > created && (expires - created) * 1000 <= longest, 'header_invalid');
  require(expires * 1000 > now - skew, 'too_old');
  require(created * 1000 <= now + skew, 'too_new');
  requireCovered(message, components, rule.components ?? COMPONENTS);
  // Before the signature: a digest that does not fit costs a hash, and says what is wrong.
  const isDigested = message.body !== '' || components.includes('content-digest');
  if (isDigested) verifyDigest(message, headerOf(message, 'content-digest'));
  // The library makes methods upper-case, and `post` is another method than `POST`.
  require(message.method === message.method.toUpperCase(), 'header_invalid');
  const base = baseOf(message, components, inputOf(components, parameters));
  require(verifyBase(algorithm, key.material, base, signature), 'signature_wrong');
  require(nonces.take(key.id, nonce, expires * 1000 + skew, now), 'replayed');
  return key.id;
}

interface Parsed {
  readonly components: readonly string[];
  readonly parameters: ReadonlyMap<string, BareItem>;
  readonly signature: Uint8Array;
}

/** @throws Refused unless both headers have one signature, of one name, and it covers plain components */
function parsed(message: Message): Parsed {
  const [label, input] = only(headerOf(message, 'signature-input'));
  const [again, item] = only(headerOf(message, 'signature'));
  require(label === again && isInnerList(input) && !isInnerList(item), 'header_invalid');
  const [names, parameters] = input;
  const components = names.map(([name, own]) => {
    require(typeof name === 'string' && own.size === 0, 'header_invalid');
    require(!name.startsWith('@') || DERIVED.includes(name), 'header_invalid');
    require(name === name.toLowerCase(), 'header_invalid');
    return name;
  });
  require(new Set(components).size === components.length, 'header_invalid');
  const [value] = item;
  require(value instanceof ArrayBuffer, 'header_invalid');
  return { components, parameters, signature: new Uint8Array(value) };
}

/** The one entry of a dictionary. */
function only(header: string) {
  const entries = dictionaryIn(header);
  const [first, second] = entries;
  require(first !== undefined && second === undefined, 'header_invalid');
  return first;
}

function known(parameters: Parsed['parameters']) {
  const [created, expires] = [parameters.get('created'), parameters.get('expires')];
  const [nonce, keyid] = [parameters.get('nonce'), parameters.get('keyid')];
  require(Number.isSafeInteger(created) && Number.isSafeInteger(expires), 'header_invalid');
  require(typeof nonce === 'string' && /^[\x21-\x7e]{16,128}$/.test(nonce), 'header_invalid');
  require(typeof keyid === 'string', 'header_invalid');
  return { created: created as number, expires: expires as number, nonce, keyid };
}

/** @throws Refused when something that has to be covered is not */
function requireCovered(message: Message, components: readonly string[], wanted: readonly string[]): void {
  require(covered(wanted, message.headers).every((name) => components.includes(name)), 'not_covered');
  require(message.body === '' || components.includes('content-digest'), 'not_covered');
}
