// Proofs of possession: the vector of RFC 9449, and what is refused of a proof.
import { describe, expect, test } from 'bun:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { createDpop, dpopSchema } from '../../plugins/auth/dpop.ts';
import { createFreshness } from '../../plugins/auth/freshness.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import { attempt, type Brought } from '../fixtures/auth/attempt.ts';
import { holder } from '../fixtures/auth/proofs.ts';
import { RFC } from '../fixtures/auth/rfc9449.ts';
import { flip, NOW } from '../fixtures/signing/mutations.ts';

const ROOM = { each: 100, all: 1_000 };
const TOKEN = 'a-token-of-its-issuer';
const owner = await holder();
const options = dpopSchema.parse({});

const judge = (nonces?: ReturnType<typeof createFreshness>, room = ROOM) => {
  const dpop = createDpop(options, { proofs: new NonceMemory(room), nonces, proven: new WeakMap() });
  return async (proof: string | undefined, more: Brought = {}) => {
    const headers = { authorization: `DPoP ${TOKEN}`, ...(proof !== undefined && { dpop: proof }) };
    return dpop.judge(attempt({ headers, ...more }), TOKEN, owner.jkt);
  };
};
const reasonOf = async (proof: string | undefined, more?: Brought) => (await judge()(proof, more))?.reason;

describe('the vector of RFC 9449', () => {
  const dpop = createDpop(options, {
    proofs: new NonceMemory(ROOM),
    nonces: undefined,
    proven: new WeakMap(),
  });
  const asked = {
    method: 'GET',
    url: 'https://resource.example.org/protectedresource',
    headers: { dpop: RFC.proof },
    now: 1_562_262_618_000,
  };
  test('holds, once', async () => {
    expect(await dpop.judge(attempt(asked), RFC.token, RFC.jkt)).toBeUndefined();
    expect(await dpop.judge(attempt(asked), RFC.token, RFC.jkt)).toMatchObject({
      reason: 'proof_replayed',
      error: 'invalid_dpop_proof',
    });
  });
  test('is judged anew after a reload without being taken for a second one', async () => {
    const again = createDpop(options, {
      proofs: new NonceMemory(ROOM),
      nonces: undefined,
      proven: new WeakMap(),
    });
    const request = attempt(asked);
    expect(await again.judge(request, RFC.token, RFC.jkt)).toBeUndefined();
    const later = { ...request, now: asked.now + 3_600_000 };
    expect(await again.judge(later, RFC.token, RFC.jkt)).toBeUndefined();
    expect((await again.judge(later, RFC.token, owner.jkt))?.reason).toBe('proof_too_old');
  });
  test('fits no other key and no other token', async () => {
    expect((await dpop.judge(attempt(asked), RFC.token, owner.jkt))?.reason).toBe('proof_of_other_key');
    expect((await dpop.judge(attempt(asked), TOKEN, RFC.jkt))?.reason).toBe('proof_of_other_token');
  });
});

describe('a proof holds', () => {
  for (const alg of ['ES256', 'EdDSA', 'PS256']) {
    test(`with ${alg}`, async () => {
      const own = await holder(alg);
      const dpop = createDpop(options, {
        proofs: new NonceMemory(ROOM),
        nonces: undefined,
        proven: new WeakMap(),
      });
      const headers = { dpop: await own.prove(TOKEN) };
      expect(await dpop.judge(attempt({ headers }), TOKEN, own.jkt)).toBeUndefined();
    });
  }
  for (const htu of [
    'https://gateway.example/mcp?a=1#b',
    'HTTPS://GATEWAY.example:443/mcp',
    'https://gateway.example/x/../mcp',
  ]) {
    test(`for ${htu}, which is the same place`, async () =>
      expect(await reasonOf(await owner.prove(TOKEN, { htu }))).toBeUndefined());
  }
  test('for a GET', async () =>
    expect(await reasonOf(await owner.prove(TOKEN, { htm: 'GET' }), { method: 'GET' })).toBeUndefined());
  for (const off of [-60, 60])
    test(`with a clock that is ${off} seconds off`, async () =>
      expect(await reasonOf(await owner.prove(TOKEN, { iat: NOW / 1_000 + off }))).toBeUndefined());
});

describe('a proof is refused', async () => {
  const other = await holder();
  const good = await owner.prove(TOKEN);
  const [head = '', claims = '', signature = ''] = good.split('.');
  const table: [what: string, reason: string, proof: string | undefined][] = [
    ['that is not there', 'proof_missing', undefined],
    ['that is empty', 'proof_invalid', ''],
    ['that is no JWT', 'proof_invalid', 'x'],
    ['of two', 'proof_invalid', `${good}, ${await owner.prove(TOKEN)}`],
    ['with more behind it', 'proof_invalid', `${good}.x`],
    ['with another head', 'proof_invalid', `${flip(head, 20)}.${claims}.${signature}`],
    ['with other claims', 'proof_invalid', `${head}.${flip(claims, 20)}.${signature}`],
    ['with another signature', 'proof_invalid', `${head}.${claims}.${flip(signature, 20)}`],
    ['without a signature', 'proof_invalid', `${head}.${claims}.`],
    ['that is too long', 'proof_invalid', await owner.prove(TOKEN, { more: 'x'.repeat(8_192) })],
    ['of another type', 'proof_invalid', await owner.prove(TOKEN, {}, { typ: 'JWT' })],
    [
      'of a type in another form',
      'proof_invalid',
      await owner.prove(TOKEN, {}, { typ: 'application/dpop+jwt' }),
    ],
    ['without a type', 'proof_invalid', await owner.prove(TOKEN, {}, { typ: undefined })],
    ['without its key', 'proof_invalid', await owner.prove(TOKEN, {}, { jwk: undefined })],
    ['with its private key', 'proof_invalid', await owner.prove(TOKEN, {}, { jwk: owner.privateJwk })],
    ['with a key that did not sign it', 'proof_invalid', await owner.prove(TOKEN, {}, { jwk: other.jwk })],
    ['of another key', 'proof_of_other_key', await other.prove(TOKEN)],
    ['that is not signed', 'proof_invalid', new UnsecuredJWT({ htm: 'POST' }).encode()],
    ['signed with a shared secret', 'proof_invalid', await hmac({ kty: 'oct', k: 'c2VjcmV0' })],
    ['signed with its public key as a secret', 'proof_invalid', await hmac(owner.jwk)],
    ['with an extension nobody knows', 'proof_invalid', await critical()],
    ['without an id', 'proof_without_id', await owner.prove(TOKEN, { jti: undefined })],
    ['with an id that is a number', 'proof_without_id', await forged({ jti: 7 })],
    ['with an empty id', 'proof_without_id', await owner.prove(TOKEN, { jti: '' })],
    ['with an id without an end', 'proof_without_id', await owner.prove(TOKEN, { jti: 'x'.repeat(513) })],
    ['for another method', 'proof_of_other_method', await owner.prove(TOKEN, { htm: 'GET' })],
    ['for the method in other letters', 'proof_of_other_method', await owner.prove(TOKEN, { htm: 'post' })],
    ['for no method', 'proof_of_other_method', await owner.prove(TOKEN, { htm: undefined })],
    ['without a time', 'proof_invalid', await owner.prove(TOKEN, { iat: undefined })],
    ['with a time that is text', 'proof_invalid', await forged({ iat: String(NOW / 1_000) })],
    ['that is too old', 'proof_too_old', await owner.prove(TOKEN, { iat: NOW / 1_000 - 61 })],
    ['of a time to come', 'proof_too_new', await owner.prove(TOKEN, { iat: NOW / 1_000 + 61 })],
    ['that says it is over', 'proof_invalid', await owner.prove(TOKEN, { exp: NOW / 1_000 - 61 })],
    ['of another token', 'proof_of_other_token', await owner.prove('another-token')],
    ['of no token', 'proof_of_other_token', await owner.prove(TOKEN, { ath: undefined })],
    ['of the token itself', 'proof_of_other_token', await owner.prove(TOKEN, { ath: TOKEN })],
    ...(await Promise.all(
      [
        'https://other.example/mcp',
        'http://gateway.example/mcp',
        'https://gateway.example:8443/mcp',
        'https://gateway.example/mcp/',
        'https://gateway.example/MCP',
        'https://gateway.example/',
        'https://gateway.example',
        'https://user@gateway.example/mcp',
        '/mcp',
        '',
        undefined,
      ].map(
        async (htu): Promise<[string, string, string]> => [
          `for ${htu}`,
          'proof_of_other_url',
          await owner.prove(TOKEN, { htu }),
        ],
      ),
    )),
  ];
  for (const [what, reason, proof] of table)
    test(`${what}`, async () => expect(await reasonOf(proof)).toBe(reason));

  test('there are forty of them', () => expect(table.length).toBeGreaterThanOrEqual(40));
  test('whose URL nobody has configured', async () =>
    expect(await reasonOf(good, { url: undefined })).toBe('url_unknown'));
  test('one that does not hold uses up no id, and of each key and in all so many are remembered', async () => {
    const judged = judge(undefined, { each: 2, all: 2 });
    expect((await judged(await owner.prove('another', { jti: 'one' })))?.reason).toBe('proof_of_other_token');
    expect(await judged(await owner.prove(TOKEN, { jti: 'one' }))).toBeUndefined();
    expect((await judged(await owner.prove(TOKEN, { jti: 'one' })))?.reason).toBe('proof_replayed');
    expect(await judged(await owner.prove(TOKEN, { jti: 'two' }))).toBeUndefined();
    expect((await judged(await owner.prove(TOKEN, { jti: 'three' })))?.reason).toBe('proofs_full');
    const later = NOW + 120_001;
    expect(await judged(await owner.prove(TOKEN, { iat: later / 1_000 }), { now: later })).toBeUndefined();
  });

  async function hmac(jwk: object): Promise<string> {
    const secret = new TextEncoder().encode(JSON.stringify(owner.jwk).padEnd(64));
    return new SignJWT({ htm: 'POST' })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk } as never)
      .sign(secret);
  }
  async function critical(): Promise<string> {
    const [, payload = '', signed = ''] = (await owner.prove(TOKEN)).split('.');
    const member = { typ: 'dpop+jwt', alg: 'ES256', jwk: owner.jwk, crit: ['x'], x: 1 };
    return `${Buffer.from(JSON.stringify(member)).toString('base64url')}.${payload}.${signed}`;
  }
  /** Claims of types that the library would not write. */
  async function forged(claims: object): Promise<string> {
    return owner.prove(TOKEN, claims as Record<string, unknown>);
  }
});

describe('nonces of the gateway', () => {
  const nonces = createFreshness('k'.repeat(32), 300_000);
  const judged = judge(nonces);
  const nonce = nonces.make(NOW);
  test('one is asked for, and the proof with it holds', async () => {
    expect(await judged(await owner.prove(TOKEN))).toEqual({
      kind: 'refused',
      reason: 'proof_nonce',
      error: 'use_dpop_nonce',
      headers: { 'dpop-nonce': nonce },
    });
    expect(await judged(await owner.prove(TOKEN, { nonce }))).toBeUndefined();
  });
  for (const [what, wrong] of [
    ['that is old', nonces.make(NOW - 301_000)],
    ['that is changed', flip(nonce, -1)],
    ['of another time', flip(nonce, 0)],
    ['of another gateway', createFreshness('o'.repeat(32), 300_000).make(NOW)],
    ['that is a number', 7],
    ['that is empty', ''],
  ] as const) {
    test(`one ${what} is none`, async () =>
      expect(await judged(await owner.prove(TOKEN, { nonce: wrong }))).toMatchObject({
        error: 'use_dpop_nonce',
      }));
  }
  test('are taken by gateways with the same key', () =>
    expect(createFreshness('k'.repeat(32), 300_000).isFresh(nonce, NOW + 300_000)).toBe(true));
});
