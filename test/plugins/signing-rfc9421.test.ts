// The scheme rfc9421: the published vectors of RFC 9421 and RFC 9530, and what verifying refuses.
import { describe, expect, test } from 'bun:test';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Algorithm, Material } from '../../plugins/signatures/algorithms.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import { COMPONENTS, type Form, rfc9421Schema, signRfc9421 } from '../../plugins/signatures/rfc9421.ts';
import { verifyRfc9421 } from '../../plugins/signatures/rfc9421-verify.ts';
import { CALL, FORTY, mutations, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { ECC_KEY, ED25519_KEY, SHARED_SECRET } from '../fixtures/signing/rfc9421.ts';
import { ROOM, ruleOf } from '../fixtures/signing/rule.ts';

const ed25519 = createPrivateKey(ED25519_KEY);
const secret = Buffer.from(SHARED_SECRET, 'base64');

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const materials: Record<Algorithm, [own: Material, theirs: Material]> = {
  'hmac-sha256': [secret, secret],
  ed25519: [ed25519, createPublicKey(ed25519)],
  'ecdsa-p256-sha256': [ec.privateKey, ec.publicKey],
};
const formOf = (algorithm: Algorithm): Form => ({
  algorithm,
  components: COMPONENTS,
  digest: 'sha-256',
  expires: 300_000,
  label: 'sig1',
});

for (const algorithm of ['hmac-sha256', 'ed25519', 'ecdsa-p256-sha256'] as const) {
  describe(algorithm, () => {
    const [own, theirs] = materials[algorithm];
    const signed = signedWith(CALL, signRfc9421(CALL, formOf(algorithm), [{ id: 'k1', material: own }], NOW));
    const key = { id: 'k1', algorithm, material: theirs };
    const rule = (more: object = {}) => ruleOf({ keys: [key], components: [], longest: 300_000, ...more });
    const all = mutations(signed, ['signature-input', 'signature'], {
      method: true,
      url: true,
      authority: true,
      body: true,
      headers: ['content-digest', 'content-type', 'mcp-name', 'mcp-method', 'mcp-protocol-version'],
    });

    test('what was signed holds', () => expect(verifyRfc9421(signed, rule())).toBe(key));
    test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
    for (const [name, mutated] of all) {
      test(`${name} is refused`, () =>
        expect(() => verifyRfc9421(mutated, rule())).toThrow('the signature is refused'));
    }
    test('a header of MCP that is put in is refused', () => {
      const more = signedWith(signed, { 'mcp-param-region': 'eu' });
      expect(() => verifyRfc9421(more, rule())).toThrow('not_covered');
    });
    test('it is good once, and for so long', () => {
      const nonces = new NonceMemory(ROOM);
      expect(verifyRfc9421(signed, rule({ nonces }))).toBe(key);
      expect(() => verifyRfc9421(signed, rule({ nonces, now: NOW + 300_000 }))).toThrow('replayed');
      expect(() => verifyRfc9421(signed, rule({ now: NOW + 360_000 }))).toThrow('too_old');
      expect(() => verifyRfc9421(signed, rule({ now: NOW - 60_001 }))).toThrow('too_new');
      expect(() => verifyRfc9421(signed, rule({ longest: 299_000 }))).toThrow('header_invalid');
    });
    test('a GET without a body is signed, and a body put into it refused', () => {
      const get = {
        ...CALL,
        method: 'GET',
        headers: { accept: 'text/event-stream', 'mcp-session-id': 's1', 'last-event-id': 'e1' },
        body: '',
      };
      const headers = signRfc9421(get, formOf(algorithm), [{ id: 'k1', material: own }], NOW);
      expect(headers['signature-input']).toStartWith(
        'sig1=("@method" "@authority" "@path" "@query" "mcp-session-id" "last-event-id");created=1800000000;expires=1800000300;nonce="',
      );
      expect(verifyRfc9421(signedWith(get, headers), rule())).toBe(key);
      expect(() => verifyRfc9421({ ...signedWith(get, headers), body: '{}' }, rule())).toThrow('not_covered');
    });
    test('another key, or one that is not valid, is refused', () => {
      const keys = [{ ...key, not_after: NOW }];
      expect(() => verifyRfc9421(signed, rule({ keys }))).toThrow('key_not_valid');
      expect(() => verifyRfc9421(signed, rule({ keys: [] }))).toThrow('key_unknown');
    });
  });
}

describe('options', () => {
  const problems = (options: object): string[] => {
    const parsed = rfc9421Schema.safeParse({ scheme: 'rfc9421', ...options });
    return parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  const shared = { keys: [{ id: 'k', secret: SHARED_SECRET, encoding: 'base64' }] };
  const pem = { keys: [{ id: 'k', private_key: ED25519_KEY }] };
  test('the least there can be', () => {
    expect(problems(shared)).toEqual([]);
    expect(problems({ algorithm: 'ed25519', ...pem })).toEqual([]);
    expect(problems({ algorithm: 'ecdsa-p256-sha256', keys: [{ id: 'k', private_key: ECC_KEY }] })).toEqual(
      [],
    );
  });
  for (const [what, options, problem] of [
    [
      'a key on another curve',
      { algorithm: 'ecdsa-p256-sha256', ...pem },
      'keys.0.private_key: the private key is no key on the curve P-256',
    ],
    [
      'no key in PEM',
      { algorithm: 'ed25519', keys: [{ id: 'k', private_key: 'x' }] },
      'keys.0.private_key: the private key cannot be read',
    ],
    ['no secret', { keys: [{ id: 'k' }] }, 'keys.0.secret: hmac-sha256 needs a secret'],
    [
      'a body that nothing covers',
      { ...shared, components: ['@method', '@target-uri'] },
      'components: must have content-digest',
    ],
    [
      'a path that nothing covers',
      { ...shared, components: ['@method', '@path', 'content-digest'] },
      'components: must have @target-uri, or',
    ],
    [
      'a component there is none of',
      { ...shared, components: ['@method', '@target-uri', 'content-digest', '@status'] },
      'components.3: "@" begins',
    ],
  ] as const) {
    test(`${what} is refused`, () => expect(problems(options)).toEqual([expect.stringContaining(problem)]));
  }
  test('an option of the wrong kind of key is refused', () => {
    expect(problems(pem)).toEqual([
      'keys.0.private_key: hmac-sha256 has no private_key',
      'keys.0.secret: hmac-sha256 needs a secret',
    ]);
  });
});
