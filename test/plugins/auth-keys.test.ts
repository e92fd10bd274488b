// The keys of an issuer: found by its metadata, fetched no more often than they should, believed no longer.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { type Harness, testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';
import { type Issuer, startIssuer } from '../fixtures/issuer.ts';

const MINUTE = 60_000;
let issuer: Issuer;
let harness: Harness;
let now = 0;

beforeEach(async () => {
  issuer = await startIssuer(() => now);
  harness = await testPlugin(auth, { issuers: [{ issuer: issuer.url }] });
  now = harness.now();
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

async function status(token: string, by = harness): Promise<number> {
  const { result } = await by.call({ method: 'tools/list', headers: { authorization: `Bearer ${token}` } });
  return result.http ?? 200;
}

async function pass(ms: number): Promise<void> {
  await harness.advance(ms);
  now = harness.now();
}

const fetches = (): number => issuer.asked.filter((path) => path === '/keys').length;
const away = (_: string, res: ServerResponse): boolean => {
  res.statusCode = 503;
  res.end();
  return true;
};

test('are fetched once for many, by what its metadata says', async () => {
  const token = await issuer.token();
  expect(await Promise.all(Array.from({ length: 20 }, () => status(token)))).toEqual(Array(20).fill(200));
  expect(issuer.asked).toEqual([
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/keys',
  ]);
  expect(harness.counts.get('fetch{kind=jwks,reason=ok}')).toBe(1);
});

test('are fetched where it is said, without metadata', async () => {
  const issuers = [{ issuer: issuer.url, jwks_uri: new URL('/keys', issuer.url).href }];
  await using by = await testPlugin(auth, { issuers });
  expect(await status(await issuer.token(), by)).toBe(200);
  expect(issuer.asked).toEqual(['/keys']);
});

test('an issuer with a path has its metadata between host and path, or behind it', async () => {
  await using own = await startIssuer(() => now, '/tenant/');
  own.answers = (path, res) => {
    if (path !== '/tenant/.well-known/openid-configuration') return false;
    res.end(JSON.stringify({ issuer: own.url, jwks_uri: new URL('/keys', own.url).href }));
    return true;
  };
  await using by = await testPlugin(auth, { issuers: [{ issuer: own.url }] });
  expect(await status(await own.token(), by)).toBe(200);
  expect(own.asked).toEqual([
    '/.well-known/oauth-authorization-server/tenant',
    '/.well-known/openid-configuration/tenant',
    '/tenant/.well-known/openid-configuration',
    '/keys',
  ]);
});

test('one that is new there is fetched when it is asked for, and the old one is good no more', async () => {
  const old = await issuer.token();
  expect(await status(old)).toBe(200);
  await issuer.rotate('two');
  await pass(30_000);
  expect(await status(await issuer.token())).toBe(200);
  expect([await status(old), fetches()]).toEqual([401, 2]);
});

test('one that was taken back is good no more when they have been looked at again', async () => {
  const old = await issuer.token();
  expect(await status(old)).toBe(200);
  await issuer.rotate('two');
  await pass(10 * MINUTE);
  expect(await status(old)).toBe(401);
});

test('a flood of unknown key ids makes one fetch in a cooldown', async () => {
  expect(await status(await issuer.token())).toBe(200);
  await pass(30_000);
  for (let at = 0; at < 50; at++) expect(await status(await issuer.token({}, { kid: `k${at}` }))).toBe(401);
  expect(fetches()).toBe(2);
  await pass(30_000);
  expect(await status(await issuer.token({}, { kid: 'more' }))).toBe(401);
  expect(fetches()).toBe(3);
});

test('of a thousand keys the one that is named is taken, without one none is, and a megabyte of them is none', async () => {
  const first = issuer.keys.at(-1);
  const { jwk } = await issuer.rotate('many');
  const many = Array.from({ length: 999 }, (_, at) => ({ ...jwk, kid: `k${at}` }));
  issuer.published = [...many, jwk];
  expect(JSON.stringify(issuer.published).length).toBeLessThan(262_144);
  expect(await status(await issuer.token())).toBe(200);
  expect(await status(await issuer.token({}, { kid: undefined }))).toBe(401);
  expect(await status(await issuer.token({}, { kid: 'k999' }))).toBe(401);
  expect(await status(await issuer.token({}, {}, first))).toBe(401);
  expect(fetches()).toBe(1);
  issuer.published = [...issuer.published, ...many.map((key) => ({ ...key, x5c: ['A'.repeat(1_000)] }))];
  await pass(11 * MINUTE);
  expect(await status(await issuer.token())).toBe(200);
  expect(harness.log.at(-1)).toMatchObject({ level: 'warn', fields: { reason: 'too_large' } });
});

test('while the issuer is away they are used, asked for now and then, and not for ever', async () => {
  const token = (): Promise<string> => issuer.token();
  expect(await status(await token())).toBe(200);
  issuer.answers = away;
  await pass(11 * MINUTE);
  expect(await status(await token())).toBe(200);
  const asked = issuer.asked.length;
  expect(await status(await token())).toBe(200);
  expect(issuer.asked.length).toBe(asked);
  expect(harness.log.find(({ level }) => level === 'warn')).toMatchObject({ fields: { reason: 'status' } });
  await pass(24 * 60 * MINUTE);
  const { result } = await harness.call({
    method: 'x',
    headers: { authorization: `Bearer ${await token()}` },
  });
  expect([result.http, result.raw.object('data')?.string('code')]).toEqual([503, 'AUTH_UNAVAILABLE']);
  expect(result.headers).toEqual({ 'retry-after': '30' });
  // It comes back.
  issuer.answers = undefined;
  await pass(30_000);
  expect(await status(await token())).toBe(200);
});

const FAULTS: [string, (path: string, res: ServerResponse, issuer: Issuer) => boolean, string][] = [
  [
    'redirects',
    (_, res) => {
      res.writeHead(302, { location: '/elsewhere' }).end();
      return true;
    },
    'redirected',
  ],
  [
    'answers no JSON',
    (_, res) => {
      res.end('<html>');
      return true;
    },
    'not_json',
  ],
  [
    'answers a list',
    (_, res) => {
      res.end('[]');
      return true;
    },
    'not_json',
  ],
  [
    'answers too much',
    (_, res) => {
      res.end(JSON.stringify({ keys: [], pad: 'x'.repeat(300_000) }));
      return true;
    },
    'too_large',
  ],
  [
    'closes',
    (_, res) => {
      res.destroy();
      return true;
    },
    'unreachable',
  ],
  [
    'says it is another',
    (path, res) => {
      if (!path.includes('openid')) return false;
      res.end(JSON.stringify({ issuer: 'https://evil.example', jwks_uri: 'https://evil.example/keys' }));
      return true;
    },
    'issuer_mismatch',
  ],
  [
    'has its keys in the open',
    (path, res, { url }) => {
      if (!path.includes('openid')) return false;
      res.end(JSON.stringify({ issuer: url, jwks_uri: 'http://other.example/keys' }));
      return true;
    },
    'no_jwks_uri',
  ],
  [
    'has no metadata',
    (path, res) => {
      if (path === '/keys') return false;
      res.writeHead(404).end();
      return true;
    },
    'not_found',
  ],
  [
    'has keys that are none',
    (path, res) => {
      if (path !== '/keys') return false;
      res.end('{"keys":7}');
      return true;
    },
    'not_keys',
  ],
];

test.each(FAULTS)('one that %s lets nobody in, and is asked once', async (_, answers, reason) => {
  issuer.answers = (path, res) => answers(path, res, issuer);
  const token = await issuer.token();
  expect([await status(token), await status(token)]).toEqual([503, 503]);
  expect(harness.counts.get(`fetch{kind=jwks,reason=${reason}}`)).toBe(1);
  expect(issuer.asked).not.toContain('/elsewhere');
});

test('one that hangs is waited for as long as it may', async () => {
  issuer.answers = () => true;
  const issuers = [{ issuer: issuer.url, fetch: { timeout: '50ms' } }];
  await using by = await testPlugin(auth, { issuers });
  expect(await status(await issuer.token(), by)).toBe(503);
  expect(by.counts.get('limit{kind=fetch_timeout}')).toBe(1);
});

test('what was fetched outlives a reload, with the same options', async () => {
  expect(await status(await issuer.token())).toBe(200);
  await harness.reload();
  expect(await status(await issuer.token())).toBe(200);
  expect(fetches()).toBe(1);
  await harness.reload({ issuers: [{ issuer: issuer.url, keys: { fresh: '5m' } }] });
  expect(await status(await issuer.token())).toBe(200);
  expect(fetches()).toBe(2);
});

test('keys with a private part, or for encryption, verify nothing', async () => {
  const [key] = issuer.published;
  issuer.published = [{ ...key, use: 'enc' }];
  expect(await status(await issuer.token())).toBe(401);
});

test('one that hangs is waited for once while its keys may still be used', async () => {
  const issuers = [{ issuer: issuer.url, fetch: { timeout: '50ms' } }];
  await using by = await testPlugin(auth, { issuers });
  expect(await status(await issuer.token(), by)).toBe(200);
  issuer.answers = () => true;
  await by.advance(11 * MINUTE);
  now = by.now();
  expect(await status(await issuer.token(), by)).toBe(200);
  await by.advance(MINUTE);
  now = by.now();
  const { outcome } = by.start({
    method: 'tools/list',
    headers: { authorization: `Bearer ${await issuer.token()}` },
  });
  expect((await outcome).result.kind).toBe('complete');
  // The answer was there before the second look had come to its end.
  expect(by.counts.get('fetch{kind=jwks,reason=timeout}')).toBe(1);
});
