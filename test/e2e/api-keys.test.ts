// API keys at a whole gateway: who has one is let in, as whom it says, and is shown out when it ends.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintKey, revokeKey } from '../../plugins/auth/key-file.ts';
import { plugins } from '../../plugins/index.ts';
import { ask, call, listen, openSession, sessionOf } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { initialize } from '../fixtures/raw.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

interface Scene {
  readonly gateway: InProcess;
  readonly upstream: Rogue;
  readonly file: string;
  config(options?: object): Record<string, unknown>;
  mint(more?: object): { key: string; id: string };
  revoke(id: string): void;
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function start(options: object = {}, upstreams?: object): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-e2e-keys-'));
  const file = join(dir, 'api-keys.json');
  const upstream = await startRogue((hit, res) => json(res, answer(hit, 'done')));
  const config = (given: object = options) =>
    configOf(
      { ...(upstreams ?? { one: { url: upstream.url } }) },
      { pipeline: [{ auth: { api_keys: given } }] },
    );
  const gateway = await startInProcess(config(), { plugins, stateDir: dir });
  ending.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => upstream.stop(),
    () => gateway.stop(),
  );
  return {
    gateway,
    upstream,
    file,
    config,
    mint(more = {}) {
      const { key, entry } = mintKey(file, { principal: 'ada', scopes: [], groups: [], ...more }, Date.now());
      return { key, id: entry.id };
    },
    revoke: (id) => void revokeKey(file, id, Date.now()),
  };
}

const requests: [string, (url: string, headers: Record<string, string>) => Promise<Answer>][] = [
  ['a call of 2026', (url, headers) => call(url, 'x', {}, { headers })],
  ['initialize', (url, headers) => post(url, initialize('2025-11-25'), headers)],
];

describe.each(requests)('%s', (_, request) => {
  test('passes with a key, made while the gateway runs', async () => {
    const { gateway, mint } = await start();
    const { key } = mint();
    for (const headers of [bearer(key), { 'x-api-key': key }])
      expect((await request(gateway.url, headers)).status).toBe(200);
  });

  test('is a plain 401 without one, and reaches nobody', async () => {
    const { gateway, upstream, mint } = await start();
    const { key } = mint();
    const none = await request(gateway.url, {});
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const wrong: Record<string, string>[] = [
      bearer(key.slice(0, -1)),
      bearer(`${key}x`),
      bearer('anything'),
      bearer('a.b.c'),
      { 'x-api-key': 'anything' },
      { 'x-api-key': '' },
    ];
    for (const headers of wrong) {
      const got = await request(gateway.url, headers);
      expect([headers, got.status, got.headers['www-authenticate']]).toEqual([
        headers,
        401,
        'Bearer error="invalid_token"',
      ]);
      expect(JSON.stringify(await got.json())).not.toContain(key.slice(20, 60));
    }
    const both = await request(gateway.url, { ...bearer(key), 'x-api-key': key });
    expect([both.status, both.headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_request"']);
    expect(upstream.hits).toEqual([]);
    expect(JSON.stringify(gateway.lines)).not.toContain(key.slice(20, 60));
  });

  test('a key in the query, a cookie or the body opens nothing', async () => {
    const { gateway, upstream, mint } = await start();
    const { key } = mint();
    const got = [
      await request(`${gateway.url}?access_token=${key}&api_key=${key}`, {}),
      await request(gateway.url, { cookie: `x-api-key=${key}; authorization=Bearer ${key}` }),
      await request(gateway.url, { authorization: `Basic ${btoa(`${key}:`)}` }),
      await request(gateway.url, { x_api_key: key, 'x-forwarded-user': 'ada', 'x-apikey': key }),
    ];
    expect(got.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(upstream.hits).toEqual([]);
    expect(JSON.stringify(gateway.lines)).not.toContain(key.slice(20, 60));
  });

  test('is refused from the revocation on, and with a file that is bad asked to come again', async () => {
    const { gateway, upstream, file, mint, revoke } = await start();
    const [one, other] = [mint(), mint()];
    expect((await request(gateway.url, bearer(one.key))).status).toBe(200);
    revoke(one.id);
    const before = upstream.hits.length;
    expect((await request(gateway.url, bearer(one.key))).status).toBe(401);
    writeFileSync(file, '{');
    const unknown = await request(gateway.url, bearer(other.key));
    expect([unknown.status, unknown.headers['retry-after'], unknown.headers['www-authenticate']]).toEqual([
      503,
      '1',
      undefined,
    ]);
    expect((await unknown.json()).error.data).toMatchObject({
      code: 'AUTH_UNAVAILABLE',
      retryAfterMs: 1_000,
    });
    expect(upstream.hits).toHaveLength(before);
  });
});

test('discovery of an authorization server finds JSON that says there is none', async () => {
  const { gateway } = await start();
  const { origin } = new URL(gateway.url);
  for (const path of [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
    '/mcp/.well-known/openid-configuration',
    '/register',
  ]) {
    const got = await send(`${origin}${path}`, { method: 'GET' });
    expect([path, got.status, got.headers['content-type']]).toEqual([
      path,
      404,
      expect.stringContaining('application/json'),
    ]);
    expect(await got.json()).toMatchObject({ error: 'not_found' });
  }
});

describe('sessions', () => {
  test('belong to the principal, whichever of its keys comes', async () => {
    const { gateway, mint } = await start();
    const [a, b, eve] = [mint(), mint(), mint({ principal: 'eve' })];
    const session = await openSession(gateway.url, { headers: bearer(a.key) });
    const as = (key: string) => sessionOf(gateway.url, session.id, { ...session.headers, ...bearer(key) });
    expect((await session.ask('ping')).status).toBe(200);
    expect((await as(b.key).ask('ping')).status).toBe(200);
    expect((await as(eve.key).ask('ping')).status).toBe(404);
    const none = sessionOf(gateway.url, session.id, { 'mcp-session-id': session.id });
    expect((await none.ask('ping')).status).toBe(401);
  });

  test('with a key that is revoked: the standing stream ends by itself, and the next request is a 401', async () => {
    const { gateway, mint, revoke } = await start();
    const { key, id } = mint();
    const session = await openSession(gateway.url, { headers: bearer(key) });
    const stream = await session.stream();
    expect(stream.status).toBe(200);
    revoke(id);
    await stream.text();
    expect((await session.ask('ping')).status).toBe(401);
  });

  test('go on while another key of the principal proves them', async () => {
    const { gateway, mint, revoke } = await start();
    const [old, fresh] = [mint(), mint()];
    const session = await openSession(gateway.url, { headers: bearer(old.key) });
    const stream = await session.stream();
    const renewed = sessionOf(gateway.url, session.id, { ...session.headers, ...bearer(fresh.key) });
    expect((await renewed.ask('ping')).status).toBe(200);
    const witness = await (await openSession(gateway.url, { headers: bearer(old.key) })).stream();
    revoke(old.id);
    await witness.text();
    // A second stream would be taken if the first one were not there any more.
    expect((await renewed.stream()).status).toBe(409);
    revoke(fresh.id);
    await stream.text();
  });

  test('end with the keys of the configuration', async () => {
    const key = '0123456789abcdef0123456789abcdef';
    const { gateway, config } = await start({ file: 'off', keys: [{ key, id: 'me' }] }, DEMO);
    const session = await openSession(gateway.url, { headers: bearer(key) });
    const stream = await session.stream();
    gateway.configure(config({ file: 'off', keys: [{ key: `${key}0`, id: 'me' }] }));
    expect(await gateway.reload()).toMatchObject({ ok: true });
    await stream.text();
    expect((await session.ask('ping')).status).toBe(401);
  });
});

describe('subscriptions of 2026', () => {
  const toolsChanged = { toolsListChanged: true };

  test('end with their key', async () => {
    const { gateway, mint, revoke } = await start({}, DEMO);
    const [a, b] = [mint(), mint()];
    const one = await listen(gateway.url, toolsChanged, { headers: bearer(a.key) });
    const other = await listen(gateway.url, toolsChanged, { headers: bearer(b.key) });
    revoke(a.id);
    expect(await one.answer.message()).toMatchObject({ id: 7, result: {} });
    // The other goes on: it is there for what ends it next.
    revoke(b.id);
    expect(await other.answer.message()).toMatchObject({ id: 7, result: {} });
  });

  test('go on over a reload, and their key ends them there as well', async () => {
    const { gateway, config, mint, revoke } = await start({}, DEMO);
    const { key, id } = mint();
    const { answer: stream } = await listen(gateway.url, toolsChanged, { headers: bearer(key) });
    gateway.configure({ ...config(), drain: '6s' });
    expect(await gateway.reload()).toMatchObject({ ok: true });
    revoke(id);
    let last = await stream.message();
    while (last.id === undefined) last = await stream.message();
    expect(last).toMatchObject({ id: 7, result: {} });
  });

  test('end when the configuration takes no such keys any more', async () => {
    const { gateway, config, mint } = await start({}, DEMO);
    const { key } = mint();
    const { answer: stream } = await listen(gateway.url, toolsChanged, { headers: bearer(key) });
    gateway.configure(config({ file: 'other.json' }));
    expect(await gateway.reload()).toMatchObject({ ok: true });
    expect(await stream.message()).toMatchObject({ id: 7 });
    expect((await ask(gateway.url, 'tools/list', {}, { headers: bearer(key) })).status).toBe(401);
  });
});

test('keys of the configuration need no file, and end with it', async () => {
  const key = '0123456789abcdef0123456789abcdef';
  const { gateway, config } = await start({ file: 'off', keys: [{ key, id: 'me' }] }, DEMO);
  expect((await call(gateway.url, 'echo', { text: 'x' }, { headers: bearer(key) })).status).toBe(200);
  const { answer: stream } = await listen(gateway.url, { toolsListChanged: true }, { headers: bearer(key) });
  gateway.configure(config({ file: 'off', keys: [{ key: `${key}0`, id: 'me' }] }));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect(await stream.message()).toMatchObject({ id: 7 });
  expect((await call(gateway.url, 'echo', { text: 'x' }, { headers: bearer(key) })).status).toBe(401);
  expect((await call(gateway.url, 'echo', { text: 'x' }, { headers: bearer(`${key}0`) })).status).toBe(200);
});
