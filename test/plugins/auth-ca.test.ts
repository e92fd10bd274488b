// Issuers with a certificate of the operator's own authority: that one vouches for them, and no other.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';
import { createAuthority } from '../fixtures/certificates.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { type Secured, secured } from '../fixtures/secured.ts';

let files: Secured;
let issuer: Issuer;
let server: Bun.Server<undefined>;
beforeAll(async () => {
  files = secured();
  issuer = await startIssuer(() => 1_800_000_000_000);
  const read = (name: string) => readFileSync(files.path(name), 'utf8');
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert: read('own.pem'), key: read('own.key') },
    fetch: (request) =>
      new URL(request.url).pathname === '/introspect'
        ? Response.json({ active: true, sub: 'ada', aud: AUDIENCE })
        : Response.json({ keys: issuer.published }),
  });
});
afterAll(async () => {
  await server.stop(true);
  await issuer[Symbol.asyncDispose]();
  files[Symbol.dispose]();
});

const at = (path: string) => `https://127.0.0.1:${server.port}${path}`;

async function statuses(ca: string | undefined): Promise<number[]> {
  const introspection = { url: at('/introspect'), client_id: 'gw', client_secret: 's' };
  const issuers = [{ issuer: issuer.url, jwks_uri: at('/keys'), introspection, ...(ca && { ca }) }];
  await using by = await testPlugin(auth, { issuers });
  const status = async (token: string): Promise<number> => {
    const { result } = await by.call({
      method: 'tools/list',
      headers: { authorization: `Bearer ${token}` },
    });
    return result.http ?? 200;
  };
  return [await status(await issuer.token()), await status('opaque')];
}

test('are asked for keys and about tokens where their authority is written', async () => {
  expect(await statuses(files.authority.cert)).toEqual([200, 200]);
  expect(await statuses(`${createAuthority('another').cert}${files.authority.cert}`)).toEqual([200, 200]);
});

test('are not believed by the word of another, nor of those of the machine, also after they were', async () => {
  expect(await statuses(undefined)).toEqual([503, 503]);
  expect(await statuses(createAuthority('another').cert)).toEqual([503, 503]);
});

test.each([
  ['a text', 'ca.pem'],
  ['a certificate cut off', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
  ['nothing', ''],
])('%s is no authority', (_, ca) => {
  const read = auth.schema.safeParse({ issuers: [{ issuer: 'https://id.example.com', ca }] });
  expect(read.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
    ['issuers.0.ca', 'is no certificate in PEM: write a reference to the file, "${file:./ca.pem}"'],
  ]);
});

test.each([
  ['issuers', { issuers: [{ issuer: 'https://id.example.com', skew: '601s' }] }],
  ['signatures', { signatures: { 'standard-webhooks': { keys: [] }, skew: '1d' } }],
])('the clocks of %s may not be apart for long', (_, options) => {
  const messages = auth.schema
    .safeParse(options)
    .error?.issues.map(({ path, message }) => [path.at(-1), message]);
  expect(messages).toContainEqual(['skew', 'must be at most 10m']);
});
