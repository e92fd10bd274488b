// Limits at a whole gateway: over every way in each call counts once, and the caller is told in a way that it reads.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugins } from '../../plugins/index.ts';
import { definePlugin, z } from '../../src/plugin.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize, modern } from '../fixtures/raw.ts';
import { answer, json, startRogue } from '../fixtures/rogue.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(pipeline: unknown[], upstreams: object = DEMO, more: object = {}): Promise<InProcess> {
  const config = configOf({ ...upstreams }, { pipeline, ...more });
  const gateway = await startInProcess(config, { plugins, listen: !('pipes' in more) });
  ends.push(() => gateway.stop());
  return gateway;
}

const TWO = [{ ratelimit: { rate: '2/h' } }];
const ECHO = ['echo', { text: 'a' }] as const;
const CALL = { name: 'echo', arguments: { text: 'a' } };

/** Status, the code of the error, and what the headers say. */
async function said(answered: Promise<Answer>) {
  const got = await answered;
  const last = (await got.messages()).at(-1);
  const { ratelimit, 'retry-after': retry } = got.headers;
  return [got.status, last.error?.data?.code ?? 'done', ratelimit, retry];
}

const REFUSED = [200, 'RATE_LIMITED', '"calls";r=0;t=3600', expect.stringMatching(/^(1800|1799)$/)];
/** What became of it alone. */
const codeOf = async (answered: Promise<Answer>) => (await said(answered)).slice(0, 2);

describe('each call counts once', () => {
  test('of a client of 2026, also where its arguments are mirrored, and in streams', async () => {
    const { url } = await start(TWO);
    expect(await said(call(url, ...ECHO))).toEqual([200, 'done', '"calls";r=1;t=1800', undefined]);
    const stream = await call(url, 'slow_count', { to: 1, every_ms: 0 }, { token: 't' });
    expect([stream.type, stream.headers.ratelimit]).toEqual(['text/event-stream', '"calls";r=0;t=3600']);
    await stream.text();
    const refused = await call(url, ...ECHO);
    expect(refused.headers['ratelimit-policy']).toBe('"calls";q=2;w=3600');
    expect((await refused.json()).error).toMatchObject({
      code: 1429,
      message: 'Limit "calls" of 2 per hour is reached: try again in 30 min.',
      data: { code: 'RATE_LIMITED', limit: 'calls', retryAfterMs: expect.any(Number) },
    });
  });

  test('of a session; pings, its stream and its end are free', async () => {
    const { url } = await start([{ ratelimit: { rate: '3/h' } }]);
    const session = await openSession(url);
    expect((await session.call(...ECHO)).headers.ratelimit).toBe('"calls";r=1;t=2400');
    for (const _ of [1, 2, 3]) expect((await session.ask('ping')).status).toBe(200);
    expect((await session.stream()).status).toBe(200);
    expect((await session.call(...ECHO)).headers.ratelimit).toBe('"calls";r=0;t=3600');
    expect(await codeOf(session.call(...ECHO))).toEqual([200, 'RATE_LIMITED']);
    expect((await send(url, { method: 'DELETE', headers: session.headers })).status).toBe(200);
  });

  test('of a batch, each of its items; the tightest is told', async () => {
    const { url } = await start([{ ratelimit: { rate: '4/h' } }]);
    const session = await openSession(url, { version: '2025-03-26' });
    const one = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: CALL });
    const answered = await post(url, [one(1), one(2), one(3), one(4)], session.headers);
    expect(answered.headers.ratelimit).toStartWith('"calls";r=0');
    const codes = (await answered.json()).map(
      (each: { error?: { data: { code: string } } }) => each.error?.data.code,
    );
    expect(codes.sort()).toEqual(['RATE_LIMITED', undefined, undefined, undefined].sort());
  });

  test('of HTTP+SSE, in its stream', async () => {
    const { url } = await start(TWO);
    const stream = await send(url.replace('/mcp', '/sse'), { method: 'GET' });
    const place = new URL((await stream.data()) ?? '', url).href;
    const tell = async (message: object) => (await post(place, message)).status;
    expect(await tell(initialize('2024-11-05'))).toBe(202);
    await stream.message();
    await tell({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: CALL });
    expect((await stream.message()).result).toBeDefined();
    expect(await tell({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: CALL })).toBe(202);
    expect((await stream.message()).error.data).toMatchObject({ code: 'RATE_LIMITED', limit: 'calls' });
    stream.drop();
  });

  test('of a pipe, of either era', async () => {
    const gateway = await start(TWO, DEMO, { pipes: undefined });
    const pipes = openPipes(gateway.gateway);
    for (const id of [1, 2, 3]) {
      pipes.write(modern('tools/call', CALL, id));
      const { error, result } = await pipes.next((message) => message.id === id);
      expect(error?.data?.code ?? (result && 'done')).toBe(id < 3 ? 'done' : 'RATE_LIMITED');
      if (error) expect(error.data.retryAfterMs).toBeGreaterThan(1_700_000);
    }
    await pipes.end();
  });

  test('that asks its user something counts once, however many rounds there are', async () => {
    const gateway = await start([{ ratelimit: { rate: '3/h' } }], DEMO, { pipes: undefined });
    const pipes = openPipes(gateway.gateway);
    pipes.write({
      ...initialize('2025-11-25'),
      id: 1,
      params: { ...initialize('2025-11-25').params, capabilities: { elicitation: {} } },
    });
    await pipes.next(({ id }) => id === 1);
    pipes.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
    for (const id of [2, 3]) {
      pipes.write({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'ask', arguments: {} } });
      const question = await pipes.next(({ method }) => method === 'elicitation/create');
      pipes.write({
        jsonrpc: '2.0',
        id: question.id,
        result: { action: 'accept', content: { answer: 'yes' } },
      });
      expect((await pipes.next((message) => message.id === id)).error).toBeUndefined();
    }
    pipes.write({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: CALL });
    expect((await pipes.next(({ id }) => id === 4)).error.data.code).toBe('RATE_LIMITED');
    await pipes.end();
  });
});

describe('no other way in is another budget', () => {
  const key = (who: string) => `${who}-0123456789abcdef0123456789abcdef`;
  const keys = [
    { key: key('ada'), id: 'ada', tenant: 'north' },
    { key: key('bob'), id: 'bob', tenant: 'south' },
  ];
  const pipeline = [{ auth: { api_keys: { file: 'off', keys } } }, ...TWO];
  const endpoints = { endpoints: { '/mcp': {}, '/other': {} } };
  const as = (who: string, more: object = {}) => ({ authorization: `Bearer ${key(who)}`, ...more });

  test('than that of who calls', async () => {
    const { url } = await start(pipeline, DEMO, endpoints);
    const other = url.replace('/mcp', '/other');
    const session = await openSession(other, { headers: as('ada') });
    expect((await session.call(...ECHO)).headers.ratelimit).toBe('"calls";r=0;t=3600');
    const tries = [
      call(url, ...ECHO, { headers: as('ada') }),
      call(other, ...ECHO, { headers: as('ada') }),
      call(url, ...ECHO, { headers: as('ada', { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'other' }) }),
      call(url, 'demo__echo', { text: 'a' }, { headers: as('ada') }),
      call(url, 'ECHO', { text: 'a' }, { headers: as('ada') }),
      ask(url, 'tools/list', {}, { headers: as('ada') }),
      session.call(...ECHO),
    ];
    for (const each of tries) expect(await said(each)).toEqual(REFUSED);
    const again = await post(url, { ...initialize('2025-06-18'), id: 1 }, as('ada'));
    expect((await again.json()).error.data.code).toBe('RATE_LIMITED');
    expect((await call(url, ...ECHO, { headers: as('bob') })).headers.ratelimit).toBe('"calls";r=1;t=1800');
  });
});

describe('callers who are not let in', () => {
  const good = `good-${'0123456789abcdef'.repeat(2)}`;
  const auth = { auth: { api_keys: { file: 'off', keys: [{ key: good, id: 'ada' }] } } };
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

  test('are stopped by their address, above the entry that looks at what they show', async () => {
    const upstream = await startRogue((hit, res) => json(res, answer(hit, 'done')));
    ends.push(() => upstream.stop());
    const limit = { ratelimit: { rate: '3/h', per: 'address', count: 'failures' } };
    const gateway = await start([limit, auth], { one: { url: upstream.url } });
    const { url } = gateway;
    for (const _ of [1, 2, 3, 4, 5]) expect((await call(url, ...ECHO, as(good))).status).toBe(200);
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await call(url, ...ECHO, as(`made-up-${i}`))).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
    const stopped = await call(url, ...ECHO, as(good));
    expect([stopped.status, stopped.headers['retry-after']]).toEqual([
      429,
      expect.stringMatching(/^1(200|199)$/),
    ]);
    expect(upstream.of('tools/call').length).toBe(5);
    const looked = await gateway.figure('pluginEvents', { plugin: 'auth', event: 'refused' });
    expect(looked).toBe(3);
  });

  test('count with all others where that is wanted: each HTTP request, before its message is looked at', async () => {
    const { url } = await start([{ ratelimit: { rate: '3/h', per: 'address' } }, auth]);
    const session = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expect((await call(url, ...ECHO, as('made-up'))).status).toBe(401);
    expect((await call(url, ...ECHO, as(good))).status).toBe(200);
    expect((await send(url, { method: 'GET', ...as('made-up') })).status).toBe(401);
    expect((await send(url, { method: 'DELETE', ...as(good) })).status).toBe(429);
    expect((await post(url, session, as(good).headers)).status).toBe(429);
  });
});

test('what stands above sees who was refused, and by which entry', async () => {
  const seen: unknown[][] = [];
  const watch = definePlugin({
    name: 'watch',
    api: 1,
    about: 'Sees results.',
    schema: z.strictObject({}),
    setup: () => ({
      onResult(result, x) {
        seen.push([x.request.method, result.raw.object('data')?.string('code'), x.decidedBy]);
      },
    }),
  });
  const door = { id: 'door', ratelimit: { rate: '2/h', per: 'address' } };
  const config = configOf({ ...DEMO }, { pipeline: ['watch', door, { ratelimit: { rate: '1/h' } }] });
  await using gateway = await startInProcess(config, { plugins: { ...plugins, watch } });
  for (const _ of [1, 2, 3]) await (await call(gateway.url, ...ECHO)).text();
  expect(seen.filter(([method]) => method === 'tools/call')).toEqual([
    ['tools/call', undefined, undefined],
    ['tools/call', 'RATE_LIMITED', 'ratelimit'],
    ['tools/call', 'RATE_LIMITED', 'door'],
  ]);
});

test('in the pipeline of an upstream what reaches it counts, and not what is looked up there', async () => {
  const demo = { builtin: 'demo', pipeline: [{ ratelimit: { rate: '2/h' } }] };
  const { url } = await start([], { demo, other: { builtin: 'demo' } });
  for (const _ of [1, 2]) expect(await codeOf(call(url, 'demo__echo', { text: 'a' }))).toEqual([200, 'done']);
  expect(await codeOf(call(url, 'demo__echo', { text: 'a' }))).toEqual([200, 'RATE_LIMITED']);
  expect(await codeOf(call(url, 'other__echo', { text: 'a' }))).toEqual([200, 'done']);
});

test('in a file, what was used outlives the gateway', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  const pipeline = [{ ratelimit: { quota: '3/day', store: 'sqlite' } }];
  const left: unknown[] = [];
  for (const _ of [1, 2]) {
    const options = { plugins, stateDir: dir };
    await using gateway = await startInProcess(configOf({ ...DEMO }, { pipeline }), options);
    for (const __ of [1, 2]) left.push((await call(gateway.url, ...ECHO)).headers.ratelimit);
  }
  expect(left.map((each) => /r=(\d)/.exec(String(each))?.[1])).toEqual(['2', '1', '0', '0']);
});

test('streams that stand open are limited, and a reload refuses none of them', async () => {
  const pipeline = [{ ratelimit: { concurrency: 1, of: 'streams', per: 'all' } }];
  const gateway = await start(pipeline);
  const { answer: first } = await listen(gateway.url, { toolsListChanged: true });
  expect(
    await codeOf(ask(gateway.url, 'subscriptions/listen', { notifications: { toolsListChanged: true } })),
  ).toEqual([200, 'RATE_LIMITED']);
  gateway.configure(configOf({ ...DEMO }, { pipeline, drain: '6s' }));
  expect((await gateway.reload()).ok).toBe(true);
  expect((await call(gateway.url, ...ECHO)).status).toBe(200);
  const session = await openSession(gateway.url);
  expect((await session.stream()).status).toBe(429);
  first.drop();
  let status = 0;
  while (status !== 200) {
    const stream = await session.stream();
    status = stream.status;
    stream.drop();
  }
  expect(status).toBe(200);
});

test('sessions are limited, each for as long as it lasts', async () => {
  const { url } = await start([{ ratelimit: { concurrency: 1, of: 'sessions' } }]);
  const session = await openSession(url);
  expect(await codeOf(session.call(...ECHO))).toEqual([200, 'done']);
  expect(await codeOf(post(url, { ...initialize('2025-06-18'), id: 1 }))).toEqual([200, 'RATE_LIMITED']);
  expect(await codeOf(call(url, ...ECHO))).toEqual([200, 'done']);
  expect((await send(url, { method: 'DELETE', headers: session.headers })).status).toBe(200);
  expect(await codeOf((await openSession(url)).call(...ECHO))).toEqual([200, 'done']);
});

test('a session has one place, whatever comes in it at once', async () => {
  const gateway = await start(TWO);
  const session = await openSession(gateway.url, { version: '2025-03-26' });
  const limit = { ratelimit: { concurrency: 2, of: 'sessions', per: 'all' } };
  gateway.configure(configOf({ ...DEMO }, { pipeline: [{ ...limit, timeout: '6s' }] }));
  expect((await gateway.reload()).ok).toBe(true);
  const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' });
  expect((await post(gateway.url, [ping(1), ping(2), ping(3)], session.headers)).status).toBe(200);
  expect(await codeOf((await openSession(gateway.url)).call(...ECHO))).toEqual([200, 'done']);
});

test('a reload goes on with what was used', async () => {
  const gateway = await start(TWO);
  await (await call(gateway.url, ...ECHO)).text();
  gateway.configure(configOf({ ...DEMO }, { pipeline: [{ ratelimit: { rate: '2/h' }, timeout: '6s' }] }));
  expect((await gateway.reload()).ok).toBe(true);
  expect((await call(gateway.url, ...ECHO)).headers.ratelimit).toBe('"calls";r=0;t=3600');
  expect(await codeOf(call(gateway.url, ...ECHO))).toEqual([200, 'RATE_LIMITED']);
});
