// Signed requests as a method of `auth`: what has to be covered, rings of several tenants, options.
import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { testPlugin } from 'sluice/testing';
import { publicKeyOf, signaturesSchema } from '../../plugins/auth/signature-options.ts';
import auth from '../../plugins/auth.ts';
import { HMAC_FORM, signHmac } from '../../plugins/signatures/hmac-v1.ts';
import type { Message } from '../../plugins/signatures/message.ts';
import { COMPONENTS } from '../../plugins/signatures/rfc9421.ts';
import { signWebhook, WEBHOOK_HEADERS } from '../../plugins/signatures/webhooks.ts';
import { principalFact } from '../../src/plugin.ts';
import type { Brought } from '../fixtures/auth/attempt.ts';
import { came, memory, methodOf, pem, schemes, secret, whsec } from '../fixtures/auth/signers.ts';
import { CALL, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { ECC_KEY, ED25519_KEY, SHARED_SECRET } from '../fixtures/signing/rfc9421.ts';
import { vectorsOf } from '../fixtures/signing/vectors.ts';

describe('rfc9421', () => {
  const { options, sign } = schemes['rfc9421 with hmac-sha256'];
  const reason = async (message: Message, more: object = options, brought: Brought = {}) =>
    ((await methodOf(more).verify(came(message, brought))) as { reason?: string }).reason;
  const covering = (components: readonly string[], message = CALL) => sign(message, NOW, { components });
  const left = (...names: string[]) => COMPONENTS.filter((name) => !names.includes(name));

  test('a header of MCP that is put in, or was not covered, is refused', async () => {
    expect(await reason(signedWith(sign(CALL), { 'mcp-param-region': 'eu' }))).toBe('not_covered');
    expect(await reason(covering(left('mcp-*')))).toBe('not_covered');
    expect(await reason(covering([...left('mcp-*'), 'mcp-method', 'mcp-protocol-version']))).toBe(
      'not_covered',
    );
  });
  test('what gateways and servers take for one of MCP is none', async () =>
    expect(
      await reason(signedWith(sign(CALL), { mcp_name: 'other', 'x-tenant-id': 'other' })),
    ).toBeUndefined());
  for (const name of ['@method', '@path', '@authority', '@query', 'content-digest', 'content-type'])
    test(`without ${name} it is refused`, async () =>
      expect(await reason(covering(left(name)))).toBe('not_covered'));
  test('@target-uri stands for place and query, and a query that is not there need not be covered', async () => {
    expect(await reason(covering(['@target-uri', ...left('@path', '@authority', '@query')]))).toBeUndefined();
    const bare = { ...CALL, url: 'https://up.example.com/mcp' };
    const signed = covering(left('@query'), bare);
    expect(await reason(signed)).toBeUndefined();
    expect(await reason({ ...signed, url: `${bare.url}?a=1` })).toBe('not_covered');
  });
  test('what else is wanted has to be there', async () => {
    const wanting = { rfc9421: { ...options.rfc9421, components: ['authorization'] } };
    const token = { ...CALL, headers: { ...CALL.headers, authorization: 'Bearer x' } };
    expect(await reason(sign(token), wanting)).toBe('not_covered');
    expect(await reason(covering([...COMPONENTS, 'authorization'], token), wanting)).toBeUndefined();
    expect(await reason(sign(CALL), { rfc9421: { ...options.rfc9421, tag: 'mcp' } })).toBe('header_invalid');
    expect(
      await reason(sign(CALL, NOW, { tag: 'mcp' }), { rfc9421: { ...options.rfc9421, tag: 'mcp' } }),
    ).toBeUndefined();
  });
  test('a second signature, a good one too, is refused', async () => {
    const [one, two] = [sign(CALL), sign(CALL, NOW, { label: 'sig2' })];
    const both = ['signature', 'signature-input'].map((name) => [
      name,
      `${one.headers[name]}, ${two.headers[name]}`,
    ]);
    expect(await reason(signedWith(CALL, { ...one.headers, ...Object.fromEntries(both) }))).toBe(
      'header_invalid',
    );
  });
  test('one that is good for too long is refused', async () => {
    expect(await reason(sign(CALL, NOW, { expires: 301_000 }))).toBe('header_invalid');
    const longer = { rfc9421: { ...options.rfc9421, longest: '10m' } };
    expect(await reason(sign(CALL, NOW, { expires: 301_000 }), longer)).toBeUndefined();
  });
  test('whatever Host says: the place is that of the configuration', async () => {
    const host = signedWith(sign(CALL), { host: 'other.example', 'x-forwarded-host': 'other.example' });
    expect(await reason(host)).toBeUndefined();
    expect(await reason(host, options, { url: 'https://other.example/mcp' })).toBe('signature_wrong');
  });
});

describe('the vectors of docs/signing.md', async () => {
  const ring = [
    { id: 'test-shared-secret', secret: SHARED_SECRET, encoding: 'base64' },
    { id: 'test-key-ed25519', algorithm: 'ed25519', public_key: pem(ED25519_KEY) },
  ];
  for (const { name, now, message, headers, key } of await vectorsOf('rfc9421')) {
    test(`rfc9421: ${name}`, async () =>
      expect(
        await methodOf({ rfc9421: { keys: ring } }).verify(came(signedWith(message, headers), { now })),
      ).toEqual({ kind: 'found', principal: { id: `rfc9421:${key}`, scopes: [] } }));
  }
  for (const { name, secret: text, now, message, headers } of await vectorsOf('hmac-v1')) {
    test(`hmac-v1: ${name}`, async () =>
      expect(
        await methodOf({ 'hmac-v1': { keys: [{ id: 'demo-1', secret: text }] } }).verify(
          came(signedWith(message, headers), { now }),
        ),
      ).toMatchObject({ kind: 'found' }));
  }
});

describe('keys of several tenants', () => {
  const options = {
    'hmac-v1': {
      keys: [
        { id: 'a', secret: `${secret}a`, tenant: 'acme', principal: 'agent' },
        { id: 'b', secret: `${secret}b`, tenant: 'beta', principal: 'agent' },
      ],
    },
  };
  const by = (id: string, with_: string, nonce?: string) =>
    came(
      signedWith(
        CALL,
        signHmac(CALL, HMAC_FORM, [{ id, secret: `${secret}${with_}`, encoding: 'text' }], NOW, nonce),
      ),
    );
  test('stand each for its own', async () => {
    const method = methodOf(options);
    expect(await method.verify(by('a', 'a'))).toMatchObject({ principal: { id: 'agent', tenant: 'acme' } });
    expect(await method.verify(by('b', 'b'))).toMatchObject({ principal: { id: 'agent', tenant: 'beta' } });
    expect(await method.verify(by('b', 'a'))).toMatchObject({ reason: 'signature_wrong' });
    expect(await method.verify(by('c', 'a'))).toMatchObject({ reason: 'key_unknown' });
  });
  test('and neither sees nor fills the nonces of the other', async () => {
    const method = methodOf({ ...options, nonces: 1 });
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
    expect(await method.verify(by('a', 'a', nonce))).toMatchObject({ kind: 'found' });
    expect(await method.verify(by('a', 'a'))).toMatchObject({ reason: 'nonces_full' });
    expect(await method.verify(by('b', 'b', nonce))).toMatchObject({ kind: 'found' });
  });
  test('a request signed in two ways is refused', async () => {
    const both = { ...options, ...schemes['standard-webhooks'].options };
    const twice = schemes['standard-webhooks'].sign(schemes['hmac-v1'].sign(CALL));
    expect(await methodOf(both).verify(came(twice))).toMatchObject({ reason: 'several_signatures' });
  });
  test('of webhooks that overlap: what both have signed is good once', async () => {
    const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const ring = (id: string, text: string, more: object) => ({
      id,
      secret: text,
      principal: 'agent',
      ...more,
    });
    const kept = memory();
    const method = methodOf(
      {
        'standard-webhooks': {
          keys: [ring('old', whsec, { not_after: '2027-01-15T08:00:30Z' }), ring('new', next, {})],
        },
      },
      kept,
    );
    const signed = signedWith(
      CALL,
      signWebhook(CALL, WEBHOOK_HEADERS, [{ secret: whsec }, { secret: next }], NOW),
    );
    expect(await method.verify(came(signed))).toMatchObject({ kind: 'found' });
    expect(await method.verify(came(signed, { now: NOW + 40_000 }))).toMatchObject({ reason: 'replayed' });
  });
});

describe('options', () => {
  const problems = (options: object): string[] => {
    const parsed = signaturesSchema.safeParse(options);
    return parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
  const hmac = (more: object) => ({ 'hmac-v1': { keys: [{ id: 'k', secret }], ...more } });
  const signature = (key: object) => ({ rfc9421: { keys: [{ id: 'k', ...key }] } });
  for (const [what, options, problem] of [
    ['no scheme', {}, ': needs one of rfc9421, hmac-v1, standard-webhooks'],
    ['a short secret', signature({ secret: 'short' }), 'rfc9421.keys.0.secret: the secret has 5 bytes'],
    ['no secret', signature({}), 'rfc9421.keys.0.secret: hmac-sha256 needs a secret'],
    [
      'a secret of the wrong algorithm',
      signature({ algorithm: 'ed25519', secret, public_key: pem(ED25519_KEY) }),
      'rfc9421.keys.0.secret: ed25519 has no secret',
    ],
    [
      'a private key',
      signature({ algorithm: 'ed25519', public_key: ED25519_KEY }),
      'rfc9421.keys.0.public_key: the public key cannot be read',
    ],
    [
      'a key on another curve',
      signature({ algorithm: 'ecdsa-p256-sha256', public_key: ec }),
      'rfc9421.keys.0.public_key: the public key is no key on the curve P-256',
    ],
    [
      'a line without the body',
      hmac({ message: '{timestamp}:{nonce}:{method}:{path}{query}' }),
      'hmac-v1.message: must have',
    ],
    [
      'a line without a nonce',
      hmac({ message: '{timestamp}:{method}:{path}{query}:{body_sha256}' }),
      'hmac-v1.message: must have',
    ],
    [
      'a line that runs together',
      hmac({ message: '{timestamp}{nonce}:{method}:{path}{query}:{body_sha256}' }),
      'hmac-v1.message: must have',
    ],
    [
      'a text with a part that may have colons of its own',
      hmac({ message: '{timestamp}:{nonce}:{method}:{path}{query}:{path_decoded}:{body_sha256}' }),
      'hmac-v1.message: must have',
    ],
    [
      'two keys of one name',
      {
        'hmac-v1': {
          keys: [
            { id: 'k', secret },
            { id: 'k', secret },
          ],
        },
      },
      'hmac-v1.keys.1: another key',
    ],
  ] as const) {
    test(`${what} is refused`, () => expect(problems(options)).toEqual([expect.stringContaining(problem)]));
  }
  test('a certificate has a public key, too', () => expect(publicKeyOf(pem(ECC_KEY))?.type).toBe('public'));
});

test('at the plugin: a key with too many nonces to remember is a 503, which counts as a limit', async () => {
  const { options, sign } = schemes['hmac-v1'];
  await using harness = await testPlugin(auth, { signatures: { ...options, nonces: 1 } as never });
  const ask = () => {
    const { method, url, headers, body } = sign(
      { ...CALL, url: 'https://gateway.example/mcp' },
      harness.now(),
    );
    return harness.call({ method: 'tools/list', headers, inbound: { method, url, body: () => body } });
  };
  const first = await ask();
  expect([first.result.kind, first.get(principalFact)?.tenant]).toEqual(['complete', 'acme']);
  const second = await ask();
  expect([second.result.http, second.request]).toEqual([503, undefined]);
  expect(Object.fromEntries(harness.counts)).toMatchObject({
    'found{kind=signatures}': 1,
    'refused{kind=signatures,reason=nonces_full}': 1,
    nonces: 1,
  });
});
