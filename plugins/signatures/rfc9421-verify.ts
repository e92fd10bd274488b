// Verifies what the scheme `rfc9421` signs. Stricter than the RFC: one signature, no parameters on components, and
// what has to be covered is covered.

import { type BareItem, isInnerList } from 'structured-headers';
import { type Algorithm, verifyBase } from './algorithms.ts';
import { baseOf, inputOf } from './base.ts';
import { dictionaryIn } from './dictionary.ts';
import { verifyDigest } from './digest.ts';
import { keyNamed } from './keys.ts';
import { headerOf, type Message, type Rule, require, requireNew } from './message.ts';
import { covered, DERIVED, type SigningKey } from './rfc9421.ts';

/** `material` is the secret, or the public key. */
export interface VerifyingKey extends SigningKey {
  readonly algorithm: Algorithm;
}

export interface SignatureRule<K> extends Rule<K> {
  /** What has to be covered beside what always has, as far as the message has it. */
  readonly components: readonly string[];
  /** The longest a signature may be good for. Milliseconds. */
  readonly longest: number;
  readonly tag?: string | undefined;
}

/**
 * Verifies a message.
 * @returns the key it is signed with
 * @throws Refused
 */
export function verifyRfc9421<K extends VerifyingKey>(message: Message, rule: SignatureRule<K>): K {
  const { keys, now, skew, longest } = rule;
  const { components, parameters, signature } = parsed(message);
  const { created, expires, nonce, keyid } = known(parameters);
  const key = keyNamed(keys, keyid, now);
  // The key says which algorithm; a signature may say the same.
  require(parameters.get('alg') === undefined || parameters.get('alg') === key.algorithm, 'header_invalid');
  require(parameters.get('tag') === rule.tag, 'header_invalid');
  require(expires > created && (expires - created) * 1000 <= longest, 'header_invalid');
  require(expires * 1000 > now - skew, 'too_old');
  require(created * 1000 <= now + skew, 'too_new');
  requireCovered(message, components, rule.components);
  // Before the signature: a digest that does not fit costs a hash, and says what is wrong.
  const isDigested = message.body !== '' || components.includes('content-digest');
  if (isDigested) verifyDigest(message, headerOf(message, 'content-digest'));
  // The library makes methods upper-case, and `post` is another method than `POST`.
  require(message.method === message.method.toUpperCase(), 'header_invalid');
  const base = baseOf(message, components, inputOf(components, parameters));
  require(verifyBase(key.algorithm, key.material, base, signature), 'signature_wrong');
  requireNew(rule, key, nonce, longest + 2 * skew);
  return key;
}

const HEADER = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

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
    require(name.startsWith('@') ? DERIVED.includes(name) : HEADER.test(name), 'header_invalid');
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

/** Without these a signature would be good for another message. */
const ALWAYS = ['@method', 'content-digest', 'content-type', 'mcp-*', 'last-event-id'];

/** @throws Refused when something that has to be covered is not */
function requireCovered(
  { url, headers, body }: Message,
  components: readonly string[],
  more: readonly string[],
): void {
  const has = (name: string): boolean => components.includes(name);
  require(covered([...ALWAYS, ...more], headers).every(has), 'not_covered');
  require(has('@target-uri') || (has('@authority') && has('@path')), 'not_covered');
  require(has('@target-uri') || has('@query') || new URL(url).search === '', 'not_covered');
  require(body === '' || has('content-digest'), 'not_covered');
}
