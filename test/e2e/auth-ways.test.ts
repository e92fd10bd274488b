// What callers are told of the ways in: the challenges of a 401, and the headers that pages of an allowed origin may send.
import { afterEach, describe, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import { call } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { send } from '../fixtures/wire.ts';

const ending: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of ending.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const KEY = '0123456789abcdef0123456789abcdef';
const api_keys = { file: 'off', keys: [{ key: KEY, id: 'me' }] };
const hmac = { 'hmac-v1': { keys: [{ id: 'k', secret: KEY }], headers: { key: 'X-Acme-Key' } } };
const webhooks = { keys: [{ id: 'k', secret: `whsec_${btoa(KEY)}` }] };
const certificates = [{ uri: 'spiffe://acme.example/*' }];
const issuers = [{ issuer: 'https://id.example.com', name: 'own' }];
const metadata = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';
const APP = 'https://app.example.com';

async function start(entries: object[], more: object = {}): Promise<string> {
  const http = { listen: '127.0.0.1:0', url: 'https://mcp.example.com', origins: [APP] };
  const config = configOf(DEMO, { listeners: [{ http }], pipeline: entries, ...more });
  const gateway = await startInProcess(config, { plugins: { auth } });
  ending.push(gateway);
  return gateway.url;
}

describe('the challenges name every way in', () => {
  test.each([
    ['keys alone', { api_keys }, 'Bearer'],
    ['keys and signatures', { api_keys, signatures: hmac }, 'Bearer, Signature'],
    ['keys and certificates', { api_keys, certificates }, 'Bearer'],
    [
      'keys that are no bearer tokens',
      { api_keys: { ...api_keys, bearer: false } },
      'ApiKey header="x-api-key"',
    ],
    [
      'such keys in a header of their own, and signatures',
      { api_keys: { ...api_keys, bearer: false, header: 'X-Team-Key' }, signatures: hmac },
      'ApiKey header="x-team-key", Signature',
    ],
    ['signatures alone', { signatures: hmac }, 'Signature'],
    ['certificates alone', { certificates }, 'Bearer'],
    ['tokens, keys and signatures', { issuers, api_keys, signatures: hmac }, `Bearer ${metadata}, Signature`],
  ])('%s', async (_, options, challenge) => {
    const got = await call(await start([{ auth: options }]), 'demo__echo', {});
    expect([got.status, got.headers['www-authenticate']]).toEqual([401, challenge]);
  });

  test('a bad key beside signatures is told so under its own scheme', async () => {
    const url = await start([{ auth: { api_keys, signatures: hmac } }]);
    const got = await call(url, 'demo__echo', {}, { headers: { authorization: `Bearer ${KEY}x` } });
    expect(got.headers['www-authenticate']).toBe('Bearer error="invalid_token", Signature');
  });
});

describe('a page of an allowed origin', () => {
  async function allowed(url: string): Promise<string[]> {
    const headers = {
      origin: APP,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-api-key',
    };
    const answer = await send(url, { method: 'OPTIONS', headers });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([204, APP]);
    return answer.headers['access-control-allow-headers']?.split(', ') ?? [];
  }

  test('may send the headers that the endpoint reads, by the names they have there', async () => {
    const rfc9421 = { keys: [{ id: 'k', secret: KEY }], components: ['x-tenant', '@query'] };
    const signatures = { ...hmac, rfc9421, 'standard-webhooks': webhooks };
    const names = await allowed(await start([{ auth: { api_keys, signatures } }]));
    expect(names).toContainValues([
      'authorization',
      'x-api-key',
      'x-acme-key',
      'x-timestamp',
      'x-nonce',
      'x-signature',
      'signature',
      'signature-input',
      'content-digest',
      'x-tenant',
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
    ]);
    expect(names).not.toContain('@query');
    expect(new Set(names).size).toBe(names.length);
  });

  test('and no other: not those of another endpoint, of keys elsewhere, or of none', async () => {
    const url = await start(
      [
        { auth: { api_keys: { ...api_keys, header: 'X-Team-Key' } }, when: { endpoints: ['/mcp'] } },
        { auth: { api_keys: { ...api_keys, header: 'off' } }, id: 'b', when: { endpoints: ['/mcp/b'] } },
      ],
      { endpoints: { '/mcp': {}, '/mcp/b': {} } },
    );
    const ours = (names: string[]) => names.filter((name) => /key|sign|webhook/.test(name));
    expect(ours(await allowed(url))).toEqual(['x-team-key']);
    expect(ours(await allowed(`${url}/b`))).toEqual([]);
  });

  test('calls with its key, in the header that the preflight allowed', async () => {
    const url = await start([{ auth: { api_keys } }]);
    const got = await call(url, 'demo__echo', { text: 'hi' }, { headers: { origin: APP, 'x-api-key': KEY } });
    expect([got.status, got.headers['access-control-allow-origin']]).toEqual([200, APP]);
  });
});
