// Tokens bound to a key or a certificate: what their caller has to prove beside them.
import { describe, expect, test } from 'bun:test';
import type { DpopMode } from '../../plugins/auth/attempt.ts';
import { bindingOf, unproven } from '../../plugins/auth/bound.ts';
import { createDpop, dpopSchema } from '../../plugins/auth/dpop.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import { attempt, type Brought } from '../fixtures/auth/attempt.ts';
import { holder } from '../fixtures/auth/proofs.ts';
import { NOW } from '../fixtures/signing/mutations.ts';

const ROOM = { each: 100, all: 1_000 };
const TOKEN = 'a-token-of-its-issuer';
const owner = await holder();
const options = dpopSchema.parse({});

describe('what a token is bound to', () => {
  const dpop = createDpop(options, {
    proofs: new NonceMemory(ROOM),
    nonces: undefined,
    proven: new WeakMap(),
  });
  const der = new TextEncoder().encode('a certificate');
  const x5t = 'gtzXbNEVKspQVsVMH-Ue3qL5JFVC-3uBbxqjHRmqRgs';
  const thumb = new Bun.CryptoHasher('sha256').update(der).digest('base64url');
  const certificate = {
    subject: 'CN=a',
    issuer: 'CN=b',
    san: {},
    fingerprint256: '',
    validTo: NOW + 1,
    authorized: true,
    raw: () => der,
  };
  const reason = async (
    cnf: unknown,
    scheme: 'bearer' | 'dpop',
    { mode = 'optional' as DpopMode, ...more }: Brought & { mode?: DpopMode } = {},
  ) => (await unproven(attempt(more), { token: TOKEN, scheme, binding: bindingOf(cnf) }, dpop, mode))?.reason;
  const proven = async () => ({ headers: { dpop: await owner.prove(TOKEN) } });

  test('a bound token with its proof, and one that is not bound as a bearer token, are let in', async () => {
    expect(await reason({ jkt: owner.jkt }, 'dpop', await proven())).toBeUndefined();
    expect(
      await reason({ jkt: owner.jkt }, 'dpop', { ...(await proven()), mode: 'required' }),
    ).toBeUndefined();
    expect(await reason(undefined, 'bearer')).toBeUndefined();
    expect(await reason({ 'x5t#S256': thumb }, 'bearer', { peer: { tls: certificate } })).toBeUndefined();
  });
  test('a bound token is no bearer token, with a proof or without', async () => {
    expect(await reason({ jkt: owner.jkt }, 'bearer')).toBe('bound_token_as_bearer');
    expect(await reason({ jkt: owner.jkt }, 'bearer', await proven())).toBe('bound_token_as_bearer');
    expect(await reason({ jkt: owner.jkt }, 'dpop')).toBe('proof_missing');
    expect(await reason({ jkt: owner.jkt }, 'dpop', { ...(await proven()), mode: 'off' })).toBe(
      'bound_token_as_bearer',
    );
  });
  test('a proof beside a token that is not bound proves nothing', async () => {
    expect(await reason(undefined, 'dpop', await proven())).toBe('not_bound');
    expect(await reason(undefined, 'bearer', { mode: 'required' })).toBe('not_bound');
  });
  test('a token of a certificate needs that certificate, verified by the listener', async () => {
    const cnf = { 'x5t#S256': thumb };
    expect(await reason(cnf, 'bearer')).toBe('certificate_missing');
    expect(await reason(cnf, 'bearer', { peer: { tls: { ...certificate, authorized: false } } })).toBe(
      'certificate_missing',
    );
    expect(await reason({ 'x5t#S256': x5t }, 'bearer', { peer: { tls: certificate } })).toBe(
      'certificate_of_another',
    );
  });
  test('both at once are both looked at', async () => {
    const cnf = { jkt: owner.jkt, 'x5t#S256': thumb };
    expect(await reason(cnf, 'dpop', await proven())).toBe('certificate_missing');
    expect(await reason(cnf, 'dpop', { peer: { tls: certificate } })).toBe('proof_missing');
    expect(await reason(cnf, 'dpop', { ...(await proven()), peer: { tls: certificate } })).toBeUndefined();
  });
  for (const cnf of [
    null,
    'x',
    [],
    {},
    { jwk: {} },
    { jkt: 7 },
    { jkt: 'short' },
    { jkt: owner.jkt, kid: 'x' },
  ])
    test(`of ${JSON.stringify(cnf)} nobody can tell whose it is`, async () =>
      expect(await reason(cnf, 'bearer')).toBe('binding_unknown'));
});
