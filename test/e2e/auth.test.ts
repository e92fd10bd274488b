// Tokens at a whole gateway: a real issuer, both eras, HTTP and HTTP+SSE, and upstreams that count what reaches them.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { initialize } from '../fixtures/raw.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

const URL_OF_ALL = 'https://mcp.example.com';
const AUDIENCE = `${URL_OF_ALL}/mcp`;
const METADATA = `${URL_OF_ALL}/.well-known/oauth-protected-resource`;

const ending: AsyncDisposable[] = [];
let issuer: Issuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(async () => {
  for (const each of ending.splice(0).reverse()) await each[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

interface Scene {
  readonly gateway: InProcess;
  readonly upstreams: readonly Rogue[];
  hits(): number;
}

/** Two upstreams whose tools have to be looked up by name, behind an endpoint that takes tokens. */
async function start(options: object = {}, more: object = {}): Promise<Scene> {
  const upstreams = await Promise.all(
    [1, 2].map(() => startRogue((hit, res) => json(res, answer(hit, 'done')))),
  );
  const [one, two] = upstreams.map(({ url }) => ({ url }));
  const config = configOf(
    { one, two },
    {
      listeners: [{ http: { listen: '127.0.0.1:0', url: URL_OF_ALL } }],
      endpoints: { '/mcp': { names: 'none' } },
      pipeline: [{ auth: { issuers: [{ issuer: issuer.url }], ...options } }],
      ...more,
    },
  );
  const gateway = await startInProcess(config, { plugins: { auth } });
  for (const rogue of upstreams) ending.push({ [Symbol.asyncDispose]: () => rogue.stop() });
  ending.push(gateway);
  return { gateway, upstreams, hits: () => upstreams.reduce((sum, { hits }) => sum + hits.length, 0) };
}

const token = (claims: object = {}) => issuer.token({ aud: AUDIENCE, ...claims });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

const BAD: [string, () => Promise<Record<string, string | string[]>>][] = [
  ['none', async () => ({})],
  ['an empty header', async () => ({ authorization: '' })],
  ['the scheme alone', async () => ({ authorization: 'Bearer' })],
  ['two headers', async () => ({ authorization: [`Bearer ${await token()}`, `Bearer ${await token()}`] })],
  ['a good and a bad one', async () => ({ authorization: `Bearer ${await token()}, Bearer x` })],
  ['one for another endpoint', async () => bearer(await token({ aud: `${AUDIENCE}/ci` }))],
  ['one of another issuer', async () => bearer(await token({ iss: 'https://evil.example' }))],
  ['one that is over', async () => bearer(await token({ exp: 1_000 }))],
  ['one with a bit changed', async () => bearer(`${(await token()).slice(0, -3)}AAA`)],
  [
    'headers of a proxy that is not there',
    async () => ({ 'x-forwarded-user': 'ada', 'x-tenant-id': 'a', 'x-original-url': '/' }),
  ],
];

/** The ways in, each with what an unauthenticated caller would have of it. */
const WAYS: [string, (url: string, headers: Record<string, string | string[]>) => Promise<Answer>][] = [
  ['2026', (url, headers) => call(url, 'x', {}, { headers: headers as Record<string, string> })],
  ['2025', (url, headers) => post(url, initialize('2025-11-25'), headers)],
  [
    'a session that is not there',
    (url, headers) =>
      post(
        url,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } },
        { ...headers, 'mcp-session-id': 'x' },
      ),
  ],
  ['a batch', (url, headers) => post(url, [{ jsonrpc: '2.0', id: 1, method: 'tools/list' }], headers)],
  [
    'GET',
    (url, headers) => send(url, { method: 'GET', headers: { accept: 'text/event-stream', ...headers } }),
  ],
];

describe.each(WAYS)('%s', (_, request) => {
  test.each(BAD)('with %s is a 401 that says where tokens are, and reaches nobody', async (name, headers) => {
    const { gateway, hits } = await start({ scopes: ['mcp:use'] });
    const got = await request(gateway.url, await headers());
    const challenge = got.headers['www-authenticate'];
    const isSent = !['none', 'headers of a proxy that is not there'].includes(name);
    expect(got.status).toBe(401);
    expect(challenge).toContain(`resource_metadata="${METADATA}/mcp", scope="mcp:use"`);
    expect(challenge?.includes('error=')).toBe(isSent);
    expect(hits()).toBe(0);
    expect(JSON.stringify([gateway.lines, await got.text()])).not.toContain('eyJ');
  });
});

test('a token in the query is refused, and nowhere to be read', async () => {
  const { gateway, hits } = await start();
  const secret = await token();
  const got = await ask(`${gateway.url}?access_token=${secret}`, 'tools/list');
  expect([got.status, hits()]).toEqual([401, 0]);
  const figures = await gateway.metrics.registry.metrics();
  expect(JSON.stringify([gateway.lines, figures, await got.text(), got.headers])).not.toContain(secret);
});

test('a good one opens both eras and the older transport, and goes on to no upstream', async () => {
  const { gateway, upstreams } = await start();
  const headers = bearer(await token());
  expect((await ask(gateway.url, 'tools/list', {}, { headers })).status).toBe(200);
  const session = await openSession(gateway.url, { headers });
  expect((await session.ask('tools/list')).status).toBe(200);
  const place = gateway.url.replace('/mcp', '/sse');
  const own = bearer(await token({ aud: `${URL_OF_ALL}/sse` }));
  const stream = await send(place, { method: 'GET', headers: { accept: 'text/event-stream', ...own } });
  const at = new URL((await stream.data()) ?? '', place).href;
  expect((await post(at, initialize('2024-11-05'))).status).toBe(401);
  expect((await post(at, initialize('2024-11-05'), own)).status).toBe(202);
  expect(JSON.parse((await stream.data()) ?? '').result.protocolVersion).toBe('2024-11-05');
  stream.drop();
  const received = upstreams.flatMap(({ hits }) => hits);
  expect(received.length).toBeGreaterThan(0);
  expect(JSON.stringify(received.map((hit) => [hit.headers, hit.text]))).not.toContain('eyJ');
});

test('a session is no proof, and another’s is not there', async () => {
  const { gateway } = await start();
  const session = await openSession(gateway.url, { headers: bearer(await token()) });
  const id = { 'mcp-session-id': session.id };
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  expect((await post(gateway.url, ping, id)).status).toBe(401);
  expect((await post(gateway.url, ping, { ...id, ...bearer(await token({ sub: 'eve' })) })).status).toBe(404);
  expect((await post(gateway.url, ping, { ...id, ...bearer(await token()) })).status).toBe(200);
});

test('a call that needs more is a 403 that says all of it, in both eras; with that it is made', async () => {
  const rules = [{ methods: ['tools/call'], names: ['echo'], scopes: ['mcp:admin'] }];
  const gateway = await startInProcess(
    configOf(DEMO, {
      listeners: [{ http: { listen: '127.0.0.1:0', url: URL_OF_ALL } }],
      pipeline: [{ auth: { issuers: [{ issuer: issuer.url }], scopes: ['mcp:use'], rules } }],
    }),
    { plugins: { auth } },
  );
  ending.push(gateway);
  const challenge = `Bearer error="insufficient_scope", resource_metadata="${METADATA}/mcp", scope="mcp:use mcp:admin"`;
  const few = bearer(await token({ scope: 'mcp:use' }));
  const all = bearer(await token({ scope: 'mcp:use mcp:admin' }));
  const session = await openSession(gateway.url, { headers: few });
  for (const got of [
    await call(gateway.url, 'echo', { text: 'x' }, { headers: few }),
    await session.call('echo', { text: 'x' }),
  ]) {
    expect([got.status, got.headers['www-authenticate']]).toEqual([403, challenge]);
    expect((await got.json()).error.data.code).toBe('SCOPE_MISSING');
  }
  expect((await call(gateway.url, 'echo', { text: 'x' }, { headers: all })).status).toBe(200);
  // One that has none of them is told of those that every call needs.
  const got = await ask(gateway.url, 'tools/list', {}, { headers: bearer(await token()) });
  expect([got.status, got.headers['www-authenticate']]).toEqual([403, challenge.replace(' mcp:admin', '')]);
});

test('a stream ends with the token it was opened with', async () => {
  const { gateway } = await start({ issuers: [{ issuer: issuer.url, skew: '0s' }] }, { upstreams: DEMO });
  const headers = async () => bearer(await token({ exp: Math.floor(Date.now() / 1_000) + 2 }));
  const { answer: stream } = await listen(
    gateway.url,
    { toolsListChanged: true },
    { headers: await headers() },
  );
  const session = await openSession(gateway.url, { headers: await headers() });
  const standing = await session.stream();
  expect((await stream.messages()).at(-1).result.resultType).toBe('complete');
  await standing.text();
  expect(gateway.gateway.report().streams).toBe(0);
  expect((await session.ask('ping')).status).toBe(401);
});

test('keys that are rotated are taken without a restart, and an issuer that is away locks nobody out', async () => {
  const { gateway } = await start({ issuers: [{ issuer: issuer.url, keys: { cooldown: '1s' } }] });
  const list = async (text: string) =>
    (await ask(gateway.url, 'tools/list', {}, { headers: bearer(text) })).status;
  const old = await token({ exp: Math.floor(Date.now() / 1_000) + 86_400 });
  expect(await list(old)).toBe(200);
  await issuer.rotate('two');
  gateway.turn(2_000);
  expect([await list(await token()), await list(old)]).toEqual([200, 401]);
  issuer.answers = (_, res) => {
    res.destroy();
    return true;
  };
  gateway.turn(20 * 60_000);
  expect(await list(await token())).toBe(200);
  gateway.turn(24 * 3_600_000);
  const late = await issuer.token({ aud: AUDIENCE, exp: Math.floor(Date.now() / 1_000) + 10 * 86_400 });
  const got = await ask(gateway.url, 'tools/list', {}, { headers: bearer(late) });
  expect([got.status, got.headers['retry-after']]).toEqual([503, '1']);
});

describe('metadata', () => {
  const get = (gateway: InProcess, path: string, headers = {}) =>
    send(new URL(path, gateway.url).href, { method: 'GET', headers });

  test('of each endpoint, in both forms of its path', async () => {
    const { gateway } = await start(
      { scopes: ['mcp:use'] },
      { endpoints: { '/mcp': {}, '/mcp/ci': { sse: 'off' } } },
    );
    for (const path of ['/mcp', '/mcp/ci', '/sse'])
      for (const form of [
        `/.well-known/oauth-protected-resource${path}`,
        `${path}/.well-known/oauth-protected-resource`,
      ]) {
        const got = await get(gateway, form, { origin: 'http://localhost:1' });
        expect([got.status, got.type, got.headers['access-control-allow-origin']]).toEqual([
          200,
          'application/json',
          'http://localhost:1',
        ]);
        expect(await got.json()).toEqual({
          resource: URL_OF_ALL + path,
          authorization_servers: [issuer.url],
          scopes_supported: ['mcp:use'],
          bearer_methods_supported: ['header'],
        });
      }
  });

  const PROBES = [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/mcp/.well-known/oauth-protected-resource',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/mcp',
    '/mcp/.well-known/openid-configuration',
    '/authorize',
    '/token',
    '/register',
  ];
  test.each(PROBES)('an endpoint without issuers has none at %s: 404, as JSON', async (path) => {
    const { gateway } = await start({ issuers: undefined, peers: [{ uid: 0, principal: 'root' }] });
    for (const method of ['GET', 'POST']) {
      const got = await send(new URL(path, gateway.url).href, { method });
      expect([got.status, got.type, await got.json()]).toEqual([
        404,
        'application/json;charset=utf-8',
        { error: 'not_found', path },
      ]);
    }
    const plain = await ask(gateway.url, 'tools/list');
    expect([plain.status, plain.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  test('endpoints with rules of their own do not know those of others', async () => {
    const { gateway } = await start(
      {},
      {
        endpoints: { '/mcp': {}, '/ci': { sse: 'off' }, '/open': { sse: 'off' } },
        pipeline: [
          { auth: { issuers: [{ issuer: issuer.url, name: 'own' }] }, when: { endpoints: ['/mcp'] } },
          { auth: { peers: [{ uid: 0 }] }, id: 'ci', when: { endpoints: ['/ci'] } },
        ],
      },
    );
    const at = (path: string) => new URL(path, gateway.url).href;
    expect((await get(gateway, '/.well-known/oauth-protected-resource/mcp')).status).toBe(200);
    expect((await get(gateway, '/.well-known/oauth-protected-resource/ci')).status).toBe(404);
    expect((await ask(at('/ci'), 'tools/list', {}, { headers: bearer(await token()) })).status).toBe(401);
    expect((await ask(at('/mcp'), 'tools/list', {}, { headers: bearer(await token()) })).status).toBe(200);
    expect((await ask(at('/open'), 'tools/list')).status).toBe(200);
    for (const path of ['/mcp/', '/MCP', '//mcp', '/mcp;x', '/%6dcp', '/mcp%00', '/open/../mcp%2f'])
      expect([path, (await ask(at('/') + path.slice(1), 'tools/list')).status]).toEqual([path, 404]);
  });
});
