// What a client with a private key signs: read as a server would read it.
import { expect, test } from 'bun:test';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { testPlugin } from 'sluice/testing';
import credentials from '../../plugins/credentials.ts';
import { selfSigned } from '../fixtures/certificates.ts';

const pem = (key: { export(options: object): unknown }) =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** The assertion of a client with these options. */
async function assertionOf(more: object): Promise<string> {
  let form = new URLSearchParams();
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      form = new URLSearchParams(await request.text());
      return Response.json({ access_token: 'token', token_type: 'Bearer' });
    },
  });
  const token_url = `http://127.0.0.1:${server.port}/token`;
  const options = { client_credentials: { token_url, client_id: 'gw', ...more } };
  await using bench = await testPlugin(credentials, options as never, { upstream: 'up' });
  await bench.call({ method: 'tools/call' });
  expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  expect(form.has('client_secret')).toBe(false);
  return form.get('client_assertion') ?? '';
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const keys = [
  [rsa, {}, 'RS256'],
  [rsa, { algorithm: 'PS256' }, 'PS256'],
  [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {}, 'ES256'],
  [generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, {}, 'ES384'],
  [generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey, {}, 'ES512'],
  [generateKeyPairSync('ed25519').privateKey, {}, 'EdDSA'],
] as const;

for (const [key, more, alg] of keys)
  test(`${alg}: verifies, for a minute or so, for the server alone`, async () => {
    const issuer = 'https://id.example';
    const token = await assertionOf({ private_key: pem(key), key_id: 'k1', issuer, ...more });
    const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(key as never), {
      issuer: 'gw',
      subject: 'gw',
      audience: issuer,
      algorithms: [alg],
    });
    expect(protectedHeader).toMatchObject({ alg, kid: 'k1' });
    expect(payload.jti).toBeString();
    expect(Number(payload.exp) - Number(payload.iat)).toBeWithin(1, 301);
  });

test('the audience can be said, and a certificate is named by its thumbprints', async () => {
  const { cert, key } = selfSigned('sluice.example');
  const token = await assertionOf({
    private_key: key,
    certificate: cert,
    assertion_audience: 'https://aud.example',
  });
  const { payload } = await jwtVerify(token, createPublicKey(cert), { audience: 'https://aud.example' });
  expect(payload.iss).toBe('gw');
  const { fingerprint256 } = new X509Certificate(cert);
  const bytes = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex');
  expect(decodeProtectedHeader(token)['x5t#S256']).toBe(bytes.toString('base64url'));
});
