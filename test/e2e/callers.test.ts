// Plugins that know who calls: whoever is not let in is told by a status, before an upstream hears of anything, on
// every way in; and what is proven for a time ends with it.
import { afterEach, describe, expect, test } from 'bun:test';
import { definePlugin, type Inbound, refuse, z } from 'sluice/plugin';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize } from '../fixtures/raw.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

const looks: (Inbound & { from: string | undefined })[] = [];
const seen: string[] = [];
const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  looks.length = 0;
  seen.length = 0;
  for (const end of ending.splice(0).reverse()) await end();
});

/** `x-badge: ada`, or `x-badge: ada 1500` for so many milliseconds. */
const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a proof.',
  schema: z.strictObject({}),
  setup: (_, host) => ({
    onCaller(x) {
      looks.push({ ...x.inbound, from: x.inbound.peer?.()?.address });
      if (x.inbound.isOwn) return { principal: x.client.principal };
      const [id = '', ms] = x.inbound.headers.get('x-badge')?.split(' ') ?? [];
      if (id === 'broken') throw new Error('out of order');
      if (id === '') return refuse('UNAUTHENTICATED').withHeaders({ 'www-authenticate': 'Badge' });
      const expires = ms === undefined ? {} : { expires: host.now() + Number(ms) };
      return { principal: { id, scopes: [], ...expires } };
    },
    onHttp: ({ path, query }, endpoints) =>
      path === '/about' ? { status: 200, body: JSON.stringify({ query, endpoints }) } : undefined,
  }),
});

const above = definePlugin({
  name: 'above',
  api: 1,
  about: 'Notes what comes of requests.',
  schema: z.strictObject({}),
  setup: () => ({
    onResult(result, x) {
      seen.push(`${x.request.method} ${result.raw.object('data')?.string('code') ?? result.kind}`);
    },
  }),
});

const plugins = { badges, above };

interface Scene {
  readonly gateway: InProcess;
  readonly upstreams: readonly Rogue[];
  hits(): number;
}

/** Two upstreams, so that a name has to be looked up in their lists. */
async function start(pipeline: unknown[] = ['above', 'badges'], more: object = {}): Promise<Scene> {
  const upstreams = await Promise.all(
    [1, 2].map(() => startRogue((hit, res) => json(res, answer(hit, 'done')))),
  );
  const [one, two] = upstreams.map(({ url }) => ({ url }));
  const gateway = await startInProcess(
    configOf({ one, two }, { pipeline, endpoints: { '/mcp': { names: 'none' } }, ...more }),
    { plugins },
  );
  ending.push(() => gateway.stop(), ...upstreams.map((each) => () => each.stop()));
  return { gateway, upstreams, hits: () => upstreams.reduce((sum, { hits }) => sum + hits.length, 0) };
}

async function told(got: Answer): Promise<unknown> {
  const text = await got.text();
  const body = text === '' ? undefined : JSON.parse(text);
  return [got.status, got.headers['www-authenticate'], body?.error?.code, body?.id];
}

const modern = { 'mcp-protocol-version': '2026-07-28' };

describe('without a badge', () => {
  const requests: [string, (url: string) => Promise<Answer>, unknown][] = [
    ['a call of 2026', (url) => call(url, 'x'), 7],
    ['a list of 2026', (url) => ask(url, 'tools/list'), 7],
    ['an unknown method of 2026', (url) => ask(url, 'a/b'), 7],
    ['a subscription of 2026', (url) => ask(url, 'subscriptions/listen', { notifications: {} }), 7],
    [
      'a notification of 2026',
      (url) => post(url, { jsonrpc: '2.0', method: 'notifications/x' }, modern),
      undefined,
    ],
    ['initialize', (url) => post(url, initialize('2025-11-25')), 1],
    ['a call of no session', (url) => post(url, { jsonrpc: '2.0', id: 3, method: 'tools/call' }), 3],
    [
      'a call of an unknown session',
      (url) => post(url, { jsonrpc: '2.0', id: 3, method: 'ping' }, { 'mcp-session-id': 'x' }),
      3,
    ],
    ['a notification', (url) => post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }), null],
    [
      'a batch',
      (url) =>
        post(url, [
          { jsonrpc: '2.0', id: 1, method: 'ping' },
          { jsonrpc: '2.0', id: 2, method: 'ping' },
        ]),
      null,
    ],
    ['GET', (url) => send(url, { method: 'GET', headers: { accept: 'text/event-stream' } }), null],
    ['DELETE', (url) => send(url, { method: 'DELETE' }), null],
    [
      'GET of the older transport',
      (url) => send(url.replace('/mcp', '/sse'), { method: 'GET', headers: { accept: 'text/event-stream' } }),
      null,
    ],
  ];
  test.each(requests)('%s is a 401, and nothing goes on', async (_, request, id) => {
    const { gateway, hits } = await start();
    expect(await told(await request(gateway.url))).toEqual([401, 'Badge', 1401, id]);
    expect(hits()).toBe(0);
    expect(seen.length).toBe(1);
    expect(seen[0]).toEndWith(' UNAUTHENTICATED');
    expect(await gateway.figure('refused', { code: 'UNAUTHENTICATED' })).toBe(1);
  });

  test('what fails to tell is refused, too, and tells no upstream', async () => {
    const { gateway, hits } = await start();
    const got = await call(gateway.url, 'x', {}, { headers: { 'x-badge': 'broken' } });
    expect([got.status, (await got.json()).error.data.code]).toEqual([500, 'PLUGIN_FAILED']);
    expect(hits()).toBe(0);
  });

  test('a pipe gets the error, for each request anew', async () => {
    const gateway = await startInProcess(configOf(DEMO, { pipeline: ['badges'] }), {
      plugins,
      listen: false,
    });
    ending.push(() => gateway.stop());
    const pipes = openPipes(gateway.gateway);
    for (const _ of [1, 2]) {
      pipes.write(initialize('2025-11-25'));
      expect((await pipes.next()).error.code).toBe(1401);
    }
    expect(looks.length).toBe(2);
    await pipes.end();
  });
});

test('an unknown tool is looked up for those who are let in', async () => {
  const { gateway, hits } = await start();
  const got = await call(gateway.url, 'x', {}, { headers: { 'x-badge': 'ada' } });
  expect((await got.json()).error.code).toBe(-32602);
  expect(hits()).toBeGreaterThan(0);
});

test('one HTTP request is looked at once, whatever it brings', async () => {
  const { gateway } = await start();
  const headers = { 'x-badge': 'ada' };
  const session = await openSession(gateway.url, { version: '2025-03-26', headers });
  const before = looks.length;
  const batch = [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/list' }));
  const got = await post(gateway.url, batch, session.headers);
  expect((await got.json()).length).toBe(3);
  expect(looks.length - before).toBe(1);
  const { method, url, query, body, from } = looks.at(-1) ?? {};
  expect([method, url, query]).toEqual(['POST', gateway.url, '']);
  expect([JSON.parse(body?.() ?? ''), from]).toEqual([batch, '127.0.0.1']);
});

test('a session is not another badge’s', async () => {
  const { gateway } = await start();
  const session = await openSession(gateway.url, { headers: { 'x-badge': 'ada' } });
  const stolen = { ...session.headers, 'x-badge': 'eve' };
  const got = await post(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, stolen);
  expect(got.status).toBe(404);
  expect(
    (await post(gateway.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, { ...stolen, 'x-badge': '' })).status,
  ).toBe(401);
});

describe('what is proven for a time', () => {
  const start = async () => {
    const gateway = await startInProcess(configOf(DEMO, { pipeline: ['badges'] }), { plugins });
    ending.push(() => gateway.stop());
    return { gateway };
  };
  const brief = { 'x-badge': 'ada 300' };

  test('ends the standing stream of a session with it', async () => {
    const { gateway } = await start();
    const session = await openSession(gateway.url, { headers: brief });
    const stream = await session.stream();
    expect(stream.status).toBe(200);
    await stream.text();
    expect(gateway.gateway.report().streams).toBe(0);
  });

  test('goes on where its client has proven it anew', async () => {
    const { gateway } = await start();
    const session = await openSession(gateway.url, { headers: brief });
    const stream = await session.stream();
    const got = await post(
      gateway.url,
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { ...session.headers, 'x-badge': 'ada' },
    );
    expect(got.status).toBe(200);
    // Another one, of the same length, is over: this one is not.
    const other = await listen(
      gateway.url,
      { toolsListChanged: true },
      { headers: { 'x-badge': 'ada 400' } },
    );
    await other.answer.text();
    expect(gateway.gateway.report().streams).toBe(1);
    stream.drop();
  });

  test('ends a subscription of 2026 with a result', async () => {
    const { gateway } = await start();
    const { answer: stream, acknowledged } = await listen(
      gateway.url,
      { toolsListChanged: true },
      { headers: brief },
    );
    expect(acknowledged.method).toBe('notifications/subscriptions/acknowledged');
    expect((await stream.messages()).at(-1).result.resultType).toBe('complete');
    expect(gateway.gateway.report().streams).toBe(0);
  });

  test('ends a stream of the older transport', async () => {
    const { gateway } = await start();
    const headers = { accept: 'text/event-stream', ...brief };
    const stream = await send(gateway.url.replace('/mcp', '/sse'), { method: 'GET', headers });
    expect(stream.status).toBe(200);
    await stream.text();
    expect(gateway.gateway.report().streams).toBe(0);
  });
});

test('what is posted beside a stream of the older transport has to come from whose it is', async () => {
  const { gateway } = await start();
  const url = gateway.url.replace('/mcp', '/sse');
  const stream = await send(url, {
    method: 'GET',
    headers: { accept: 'text/event-stream', 'x-badge': 'ada' },
  });
  const place = new URL((await stream.data()) ?? '', url).href;
  const from = async (badge: string) =>
    (await post(place, initialize('2024-11-05'), { 'x-badge': badge })).status;
  expect([await from(''), await from('eve'), await from('ada')]).toEqual([401, 404, 202]);
  expect(JSON.parse((await stream.data()) ?? '').result.protocolVersion).toBe('2024-11-05');
  stream.drop();
});

test('pages beside the endpoints are anybody’s, and know the endpoints they are for', async () => {
  const url = 'https://mcp.example.com/base';
  const { gateway } = await start([{ badges: {}, when: { endpoints: ['/mcp'] } }], {
    endpoints: { '/mcp': {}, '/open': { sse: 'off' } },
    listeners: [{ http: { listen: '127.0.0.1:0', url } }],
  });
  const at = (path: string, method = 'GET', headers = {}) =>
    send(new URL(path, gateway.url).href, { method, headers });
  const page = await at('/about?a=b');
  expect([page.status, await page.json()]).toEqual([
    200,
    {
      query: '?a=b',
      endpoints: [
        { path: '/mcp', url: `${url}/mcp`, endpoint: '/mcp' },
        { path: '/sse', url: `${url}/sse`, endpoint: '/mcp' },
      ],
    },
  ]);
  expect((await at('/other')).status).toBe(404);
  expect((await at('/about', 'POST')).status).toBe(404);
  const preflight = await at('/about', 'OPTIONS', { origin: 'http://localhost:1' });
  expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([
    204,
    'http://localhost:1',
  ]);
  expect((await at('/about', 'GET', { host: 'evil.example' })).status).toBe(403);
  expect((await at('/about', 'GET', { host: 'mcp.example.com' })).status).toBe(200);
  // The other endpoint is nobody's.
  expect((await ask(new URL('/open', gateway.url).href, 'tools/list')).status).toBe(200);
  expect((await ask(gateway.url, 'tools/list')).status).toBe(401);
});
