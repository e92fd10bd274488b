// What RFC 9449 publishes, and each character of it changed.
import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, type JWK } from 'jose';
import { createDpop, dpopSchema } from '../../plugins/auth/dpop.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import { attempt } from '../fixtures/auth/attempt.ts';
import { BOUND_TOKEN, REFRESH_PROOF, RFC, TOKEN_PROOF, TOKEN_URL } from '../fixtures/auth/rfc9449.ts';
import { FORTY, flip } from '../fixtures/signing/mutations.ts';

const reasonOf = async (
  proof: string,
  at: { method: string; url: string; iat: number },
  token = RFC.token,
  jkt = RFC.jkt,
) => {
  const proofs = new NonceMemory({ each: 100, all: 1_000 });
  const dpop = createDpop(dpopSchema.parse({}), { proofs, nonces: undefined, proven: new WeakMap() });
  const { method, url, iat } = at;
  const judged = await dpop.judge(
    attempt({ method, url, headers: { dpop: proof }, now: iat * 1_000 }),
    token,
    jkt,
  );
  return judged?.reason;
};

const RESOURCE = { method: 'GET', url: 'https://resource.example.org/protectedresource', iat: 1_562_262_618 };

test('ath is the hash of the token, jkt the thumbprint of the key, and a token is bound to it', async () => {
  expect(createHash('sha256').update(RFC.token).digest('base64url')).toBe(RFC.ath);
  expect(decodeJwt(RFC.proof).ath).toBe(RFC.ath);
  expect(decodeJwt(BOUND_TOKEN).cnf).toEqual({ jkt: RFC.jkt });
  for (const proof of [TOKEN_PROOF, REFRESH_PROOF, RFC.proof])
    expect(await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk as JWK)).toBe(RFC.jkt);
});

test('the proof for a resource holds', async () => {
  expect(await reasonOf(RFC.proof, RESOURCE)).toBeUndefined();
  for (const iat of [RESOURCE.iat - 60, RESOURCE.iat + 60])
    expect(await reasonOf(RFC.proof, { ...RESOURCE, iat })).toBeUndefined();
});

for (const [what, proof, iat] of [
  ['for a first token', TOKEN_PROOF, 1_562_262_616],
  ['for a next token', REFRESH_PROOF, 1_562_265_296],
] as const) {
  test(`the proof ${what} is signed, and is of no token: it is none for a call`, async () => {
    const at = { method: 'POST', url: TOKEN_URL, iat };
    expect(await reasonOf(proof, at)).toBe('proof_of_other_token');
    expect(await reasonOf(proof, { ...at, method: 'GET' })).toBe('proof_of_other_method');
    expect(await reasonOf(proof, { ...at, url: `${TOKEN_URL}s` })).toBe('proof_of_other_url');
    expect(await reasonOf(proof, { ...at, iat: iat + 61 })).toBe('proof_too_old');
    expect(await reasonOf(proof, { ...at, iat: iat - 61 })).toBe('proof_too_new');
    expect(await reasonOf(flip(proof, -20), at)).toBe('proof_invalid');
  });
}

test('with one character changed it is refused, wherever that is', async () => {
  const places = [...RFC.proof].flatMap((sign, at) => (sign === '.' ? [] : [at]));
  expect(places.length).toBeGreaterThanOrEqual(FORTY);
  const held: number[] = [];
  for (const at of places) if ((await reasonOf(flip(RFC.proof, at), RESOURCE)) === undefined) held.push(at);
  expect(held).toEqual([]);
});

test('with one character of the token or of the thumbprint changed it is refused', async () => {
  for (const at of RFC.token.split('').keys())
    expect(await reasonOf(RFC.proof, RESOURCE, flip(RFC.token, at))).toBe('proof_of_other_token');
  for (const at of RFC.jkt.split('').keys())
    expect(await reasonOf(RFC.proof, RESOURCE, RFC.token, flip(RFC.jkt, at))).toBe('proof_of_other_key');
});
