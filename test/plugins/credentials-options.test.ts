// What the options refuse, and that no refusal repeats a secret.
import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { testPlugin } from 'sluice/testing';
import credentials from '../../plugins/credentials.ts';

const problems = (options: unknown): string[] =>
  credentials.schema
    .safeParse(options)
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
const client = (more: object = {}) => ({
  client_credentials: { issuer: 'https://id.example', client_id: 'gw', client_secret: 'CANARY', ...more },
});
const pem = (key: ReturnType<typeof generateKeyPairSync>['privateKey']) =>
  (key as unknown as { export(options: object): string }).export({ type: 'pkcs8', format: 'pem' });

const FORBIDDEN = [
  ...[
    'Authorization',
    'cookie',
    'Cookie2',
    'dpop',
    'signature',
    'signature-input',
    'x-api-key',
    'x-api-secret',
  ],
  ...['mcp-session-id', 'Mcp-Method', 'mcp-param-x', 'last-event-id', 'host', 'connection', 'te', 'upgrade'],
  ...['transfer-encoding', 'content-length', 'content-type', 'proxy-authorization', 'keep-alive', 'trailer'],
  ...['x-forwarded-for', 'X-Forwarded-User', 'forwarded', 'x-real-ip', 'via', 'origin', 'sec-fetch-site'],
];
test.each(FORBIDDEN)('the header %s is never passed on', (name) => {
  expect(problems({ forward: [name] })).toHaveLength(1);
});

test.each(['x-locale', 'X-Tenant-Hint', 'traceparent', 'x_under'])('the header %s may be', (name) => {
  expect(problems({ forward: [name] })).toEqual([]);
});

test.each(['mcp-session-id', 'content-type', 'host', 'Transfer-Encoding', 'accept', 'bad name', 'x\ny', ''])(
  'a credential is not sent as %j',
  (name) => {
    expect(problems({ headers: { [name]: 'v' } }).length).toBeGreaterThan(0);
    expect(problems(client({ header: name })).length).toBeGreaterThan(0);
  },
);

test.each(['', ' x', 'x ', 'a\nb', 'a\r\nx-y: z', 'ä', '\0'])(
  'the value %j of a header is refused',
  (value) => {
    expect(problems({ headers: { 'x-a': value } }).join()).toContain('cannot stand in a header');
  },
);

test.each([
  [{}, 'write `headers`, `client_credentials` or `token_exchange`, or `callers` or `forward`'],
  [{ header: {} }, 'Unrecognized key'],
  [{ headers: {} }, 'names no header'],
  [{ headers: { 'X-A': '1', 'x-a': '2' } }, 'the same header twice'],
  [{ ...client(), token_exchange: client().client_credentials }, 'not by both'],
  [{ callers: [{ headers: { 'x-a': '1' } }] }, 'write `tenant` or `principal`'],
  [{ callers: [{ tenant: 'a' }] }, 'write `headers`'],
  [
    {
      callers: [
        { tenant: 'a', headers: { 'x-a': '1' } },
        { tenant: 'a', headers: { 'x-a': '2' } },
      ],
    },
    'another entry',
  ],
  [client({ issuer: undefined }), 'write `issuer` or `token_url`'],
  [
    {
      token_exchange: {
        ...client({ issuer: undefined, token_url: 'https://id.example/token' }).client_credentials,
      },
    },
    'write whose tokens are exchanged',
  ],
  [client({ issuer: 'http://id.example' }), 'https'],
  [client({ issuer: 'http://localhost.evil.example' }), 'https'],
  [client({ issuer: 'https://user:CANARY@id.example' }), 'https'],
  [client({ token_url: 'file:///etc/passwd' }), 'https'],
  [client({ client_secret: undefined }), 'write `client_secret`, `private_key` or `tls`'],
  [client({ private_key: 'CANARY' }), 'not a private key'],
  [client({ auth: 'private_key_jwt' }), 'needs `private_key`'],
  [client({ certificate: 'CANARY' }), 'not a certificate'],
  [client({ algorithm: 'PS256' }), 'belongs to `private_key`'],
  [client({ key_id: 'k' }), 'belongs to `private_key`'],
  [client({ parameters: { grant_type: 'password' } }), 'option of its own'],
  [client({ scopes: ['a b'] }), 'not a scope'],
] as const)('%j is refused', (options, why) => {
  const said = problems(options).join('\n');
  expect(said).toContain(why);
  expect(said).not.toContain('CANARY');
});

describe('a private key', () => {
  const keys = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    ed25519: generateKeyPairSync('ed25519').privateKey,
  };
  for (const [kind, key] of Object.entries(keys))
    test(`of ${kind} is taken`, async () => {
      const options = client({ client_secret: undefined, private_key: pem(key as never) });
      await using _ = await testPlugin(credentials, options as never, { upstream: 'up' });
    });
  test('of a kind or curve that nobody signs with is not', async () => {
    for (const key of [
      generateKeyPairSync('x25519').privateKey,
      generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey,
    ]) {
      const options = client({ client_secret: undefined, private_key: pem(key as never) });
      expect(problems(options).join()).toContain('not a private key');
    }
  });
});
