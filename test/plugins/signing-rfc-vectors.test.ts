// What RFC 9421 and RFC 9530 publish: bases, signatures, transformations, digests.
import { describe, expect, test } from 'bun:test';
import { constants, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { type Algorithm, type Material, signBase, verifyBase } from '../../plugins/signatures/algorithms.ts';
import { baseOf, type Signed } from '../../plugins/signatures/base.ts';
import { bytesUnder } from '../../plugins/signatures/dictionary.ts';
import { contentDigest, verifyDigest } from '../../plugins/signatures/digest.ts';
import { component } from '../../plugins/signatures/rfc9421.ts';
import { verifyRfc9421 } from '../../plugins/signatures/rfc9421-verify.ts';
import { CALL, flip } from '../fixtures/signing/mutations.ts';
import {
  BASES,
  ECC_KEY,
  ED25519_KEY,
  REQUEST,
  RESPONSE,
  RSA_PSS_KEY,
  SHARED_SECRET,
} from '../fixtures/signing/rfc9421.ts';
import {
  DIGEST_OF_TWO,
  DIGESTS,
  DIGESTS_BROKEN,
  LINES,
  PROXY,
  TRANSFORMED,
  WHOLE,
} from '../fixtures/signing/rfc9421-more.ts';
import { ruleOf } from '../fixtures/signing/rule.ts';

const ed25519 = createPrivateKey(ED25519_KEY);
const ecc = createPublicKey(ECC_KEY);
const secret = Buffer.from(SHARED_SECRET, 'base64');

/** The components in an input, those with parameters as they are written there. */
const componentsIn = (input: string): string[] =>
  [...(/^\((.*?)\)/.exec(input)?.[1] ?? '').matchAll(/"([^"]+)"(;name="[^"]+")?/g)].map(
    ([whole, name = '', parameter]) => (parameter === undefined ? name : whole),
  );
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

/** Not an algorithm of the gateway's: that its signatures hold says that the bases are right to the byte. */
const holdsByRsaPss = (base: string, signature: string): boolean =>
  verify(
    'sha512',
    Buffer.from(base),
    { key: RSA_PSS_KEY, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
    bytes(signature),
  );

describe('RFC 9421, B.2 and B.3', () => {
  const { b21, b22, b23, b24, b25, b26 } = BASES;
  const byOurs =
    (algorithm: Algorithm, key: Material) =>
    (base: string, signature: string): boolean =>
      verifyBase(algorithm, key, base, bytes(signature));
  for (const [name, { input, base, signature }, message, holds] of [
    ['B.2.1, nothing covered', b21, REQUEST, holdsByRsaPss],
    ['B.2.2, some components', b22, REQUEST, holdsByRsaPss],
    ['B.2.3, all of them', b23, REQUEST, holdsByRsaPss],
    ['B.2.4, a response by ECDSA P-256', b24, RESPONSE, byOurs('ecdsa-p256-sha256', ecc)],
    ['B.2.5, HMAC-SHA256', b25, REQUEST, byOurs('hmac-sha256', secret)],
    ['B.2.6, Ed25519', b26, REQUEST, byOurs('ed25519', createPublicKey(ed25519))],
    ['B.3, behind a proxy that ends TLS', PROXY, PROXY.message, byOurs('ecdsa-p256-sha256', ecc)],
  ] as const) {
    test(`${name}: the base, and its signature`, () => {
      const made = baseOf(message, componentsIn(input), input);
      expect(made).toBe(base);
      expect(holds(made, signature)).toBe(true);
      expect(holds(`${made} `, signature)).toBe(false);
      expect(holds(made, flip(signature, 20))).toBe(false);
    });
    test(`${name}: is not enough for a call`, () => {
      if ('status' in message)
        return expect(() => baseOf(message, ['@method'], input)).toThrow('not_covered');
      const headers = {
        ...message.headers,
        'signature-input': `sig=${input}`,
        signature: bytesUnder('sig', bytes(signature)),
      };
      const keys = [
        { id: 'test-shared-secret', algorithm: 'hmac-sha256' as const, material: secret },
        { id: 'test-key-ed25519', algorithm: 'ed25519' as const, material: createPublicKey(ed25519) },
        { id: 'test-key-ecc-p256', algorithm: 'ecdsa-p256-sha256' as const, material: ecc },
      ];
      const rule = ruleOf({ keys, components: [], longest: 300_000, now: 1_618_884_473_000 });
      // Neither `expires` nor a nonce, or components with parameters.
      expect(() => verifyRfc9421({ ...message, headers, body: '{"hello": "world"}' }, rule)).toThrow(
        'header_invalid',
      );
    });
  }
  test('B.2.5 and B.2.6, which are the same each time, are made', () => {
    expect(signBase('hmac-sha256', secret, b25.base).toString('base64')).toBe(b25.signature);
    expect(signBase('ed25519', ed25519, b26.base).toString('base64')).toBe(b26.signature);
  });
});

describe('RFC 9421, B.4: on its way a message may change', () => {
  const { sent, input, base, signature, holds, breaks } = TRANSFORMED;
  const fits = (message: Signed): boolean =>
    verifyBase(
      'ed25519',
      createPublicKey(ed25519),
      baseOf(message, componentsIn(input), input),
      bytes(signature),
    );
  test('the base', () => expect(baseOf(sent, componentsIn(input), input)).toBe(base));
  for (const [what, message] of holds) test(`${what}: holds`, () => expect(fits(message)).toBe(true));
  for (const [what, message] of breaks)
    test(`${what}: does not hold`, () => expect(fits(message)).toBe(false));
});

describe('RFC 9421, section 2: components', () => {
  for (const [section, name, message, line] of LINES) {
    test(`${section}: ${name}`, () =>
      expect(baseOf(message, [name], '()').split('\n')).toEqual([line, '"@signature-params": ()']));
  }
  test('2.5: a whole base', () =>
    expect(baseOf(WHOLE.message, componentsIn(WHOLE.input), WHOLE.input)).toBe(WHOLE.base));
  for (const name of ['@request-target', '@query-param', '@status', 'host'])
    test(`${name} is not offered`, () => expect(component.safeParse(name).success).toBe(false));
  test('of a header that is not there is none', () =>
    expect(() => baseOf(REQUEST, ['x-not-there'], '()')).toThrow('not_covered'));
});

describe('RFC 9530', () => {
  for (const [algorithm, body, header] of DIGESTS) {
    test(`${algorithm} of ${JSON.stringify(body)}`, () => {
      expect(contentDigest(algorithm, body)).toBe(header);
      const message = { ...CALL, body };
      expect(() => verifyDigest(message, header)).not.toThrow();
      expect(() => verifyDigest({ ...message, body: `${body}\n` }, header)).toThrow('digest_wrong');
    });
  }
  const hello = '{"hello": "world"}';
  test('the two of section 2 fit no one body', () =>
    expect(() => verifyDigest({ ...CALL, body: `${hello}\n` }, DIGEST_OF_TWO)).toThrow('digest_wrong'));
  for (const header of DIGESTS_BROKEN) {
    test(`${header} is right, and not enough`, () => {
      const message = { ...CALL, body: hello };
      expect(() => verifyDigest(message, header)).toThrow('digest_wrong');
      expect(() => verifyDigest(message, `${header}, ${contentDigest('sha-256', hello)}`)).not.toThrow();
    });
  }
  test('two that are known have to fit both', () =>
    expect(() =>
      verifyDigest(CALL, `${contentDigest('sha-256', CALL.body)}, ${contentDigest('sha-512', '')}`),
    ).toThrow('digest_wrong'));
  for (const header of [
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:',
    'sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=',
    'SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=',
    'sha-256="RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="',
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:',
  ]) {
    test(`${header} is written wrongly`, () =>
      expect(() => verifyDigest({ ...CALL, body: `${hello}\n` }, header)).toThrow('header_invalid'));
  }
});
