// HTTP+SSE over real sockets, by hand: the stream, the place to post to, and who may post there.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { initialize, modern } from '../../fixtures/raw.ts';
import { until } from '../../fixtures/until.ts';
import { type Answer, post, send } from '../../fixtures/wire.ts';

const ENDPOINTS = { '/mcp': {}, '/a/mcp': {}, '/b': { sse: '/events' }, '/c': { sse: 'off' }, '/c/sse': {} };
let gateway: InProcess;
beforeAll(async () => {
  gateway = await startInProcess(configOf(DEMO, { endpoints: ENDPOINTS, limits: { body: '10KiB' } }));
});
afterAll(() => gateway.stop());

const at = (path: string, of = gateway) => new URL(path, of.url).href;
const accept = { accept: 'text/event-stream' };
const get = (path: string, headers: Record<string, string | string[]> = {}, of = gateway): Promise<Answer> =>
  send(at(path, of), { method: 'GET', headers: { ...accept, ...headers } });
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** Opens a stream and returns where to post to. */
async function begin(path = '/sse', of = gateway) {
  const stream = await get(path, {}, of);
  const target = await stream.data();
  const url = at(target ?? '', of);
  const tell = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await post(url, body, headers);
    return [answer.status, await answer.text()] as const;
  };
  return { stream, target, url, tell };
}

async function handshake(version = '2024-11-05', of = gateway) {
  const client = await begin('/sse', of);
  await client.tell(initialize(version));
  const hello = await client.stream.message();
  await client.tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return { ...client, hello };
}

describe('the stream', () => {
  test('names at first where to post, relative and unguessable, and has no event ids', async () => {
    const { stream, target } = await begin();
    expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
    expect(stream.headers['x-accel-buffering']).toBe('no');
    expect(target).toMatch(/^\/sse\?sessionId=[0-9a-f-]{36}$/);
    expect((await begin()).target).not.toBe(target ?? '');
    expect(stream.ids).toEqual([]);
    stream.drop();
  });

  test('is beside each endpoint, where the configuration says', async () => {
    for (const [path, status] of [
      ['/sse', 200],
      ['/a/sse', 200],
      ['/events', 200],
      ['/b/sse', 404],
      // An endpoint of its own, which wants a session.
      ['/c/sse', 400],
      ['/mcp', 400],
    ] as const) {
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, status]);
      answer.drop();
    }
  });

  for (const version of ['2024-11-05', '2025-03-26', '2025-11-25']) {
    test(`carries all answers, as message events, in ${version}`, async () => {
      const { stream, hello, tell } = await handshake(version);
      expect(hello).toMatchObject({ id: 1, result: { protocolVersion: version } });
      expect(await tell({ ...ping, id: 'p' }, { 'mcp-protocol-version': version })).toEqual([
        202,
        'Accepted',
      ]);
      expect(await stream.message()).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
      stream.drop();
    });
  }

  test('shows signs of life', async () => {
    await using own = await startInProcess(configOf(DEMO, { limits: { keep_alive: '1s' } }));
    const { stream } = await begin('/sse', own);
    await stream.comment();
    stream.drop();
  });

  test('is the session: when it ends, its name is unknown, and is not taken by anything else', async () => {
    const { stream, url } = await handshake();
    stream.drop();
    await until(async () => {
      const answer = await post(url, ping);
      await answer.text();
      return answer.status === 404;
    });
    // No header makes a stream out of it that goes on.
    const again = await get('/sse', { 'last-event-id': 'a.AAAAAAAAAAAA.1' });
    expect(await again.data()).toStartWith('/sse?sessionId=');
    again.drop();
  });

  test('ends with its endpoint, and not with a reload that leaves it', async () => {
    const config = (sse: string) => configOf(DEMO, { endpoints: { '/mcp': { sse } } });
    await using own = await startInProcess(config('auto'));
    const { stream, tell } = await handshake('2024-11-05', own);
    own.configure(config('/sse'));
    await own.reload();
    await tell(ping);
    expect(await stream.message()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    own.configure(config('off'));
    await own.reload();
    expect(await stream.messages()).toEqual([]);
    expect((await get('/sse', {}, own)).status).toBe(404);
  });

  test('is one of limits.streams, and of limits.sessions', async () => {
    for (const limit of ['streams', 'sessions']) {
      await using own = await startInProcess(configOf(DEMO, { limits: { [limit]: 2 } }));
      const [first, second] = [await begin('/sse', own), await begin('/sse', own)];
      const third = await get('/sse', {}, own);
      expect([third.status, (await third.json()).error.code]).toEqual([503, 1503]);
      expect(await own.figure('limitHits', { limit })).toBe(1);
      first.stream.drop();
      await until(() => own.gateway.report().streams === 1);
      const fourth = await begin('/sse', own);
      fourth.stream.drop();
      second.stream.drop();
    }
  });
});

describe('a post', () => {
  test('needs the name of a stream that is open, on its own path', async () => {
    const { stream, target } = await begin();
    const name = target?.split('=')[1] ?? '';
    const status = async (path: string) => {
      const answer = await post(at(path), ping);
      return [answer.status, (await answer.json()).error.code];
    };
    expect(await status('/sse')).toEqual([400, -32600]);
    for (const path of [
      '/sse?sessionId=',
      '/sse?sessionId=constructor',
      `/sse?sessionId=${name.toUpperCase()}`,
      `/sse?sessionId=${crypto.randomUUID()}`,
      `/a/sse?sessionId=${name}`,
    ])
      expect(await status(path)).toEqual([404, -32600]);
    stream.drop();
  });

  test('is refused where its body is: too large, no JSON, no message, of another era or type', async () => {
    const { stream, tell } = await handshake();
    const code = async (body: unknown, headers: Record<string, string> = {}) => {
      const [status, text] = await tell(body, headers);
      return [status, JSON.parse(text).error.code];
    };
    expect(await code({ ...ping, params: { x: 'x'.repeat(11_000) } })).toEqual([413, -32600]);
    expect(await code('{')).toEqual([400, -32700]);
    expect(await code({ id: 1 })).toEqual([400, -32600]);
    expect(await code(ping, { 'content-type': 'text/plain' })).toEqual([415, -32600]);
    expect(await code(modern('tools/list', withEnvelope({})))).toEqual([400, -32600]);
    expect(await code([ping])).toEqual([400, -32600]);
    // And the stream heard nothing of it.
    await tell({ ...ping, id: 'after' });
    expect((await stream.message()).id).toBe('after');
    stream.drop();
  });

  test('before the handshake gets an error on the stream, a ping its answer', async () => {
    const { stream, tell } = await begin();
    expect(await tell({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).toEqual([202, 'Accepted']);
    expect(await stream.message()).toMatchObject({ id: 1, error: { code: -32600 } });
    await tell(ping);
    expect(await stream.message()).toMatchObject({ id: 1, result: {} });
    await tell(initialize('2024-11-05'));
    await stream.message();
    await tell(initialize('2024-11-05'));
    expect(await stream.message()).toMatchObject({ id: 1, error: { code: -32600 } });
    stream.drop();
  });

  test('may be a batch where 2025-03-26 was agreed: one event holds all answers', async () => {
    const { stream, tell } = await handshake('2025-03-26');
    expect(await tell([ping, { ...ping, id: 2 }])).toEqual([202, 'Accepted']);
    expect((await stream.message()).map(({ id }: { id: number }) => id)).toEqual([1, 2]);
    stream.drop();
  });
});

describe('strangers', () => {
  test('are kept out by Host and Origin, of the stream and of posts', async () => {
    const { stream, url } = await begin();
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }]) {
      expect((await get('/sse', headers)).status).toBe(403);
      expect((await post(url, ping, headers)).status).toBe(403);
    }
    stream.drop();
  });

  test('other methods are not spoken, and a stream must be accepted', async () => {
    for (const method of ['DELETE', 'PUT']) {
      const answer = await send(at('/sse'), { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST, OPTIONS']);
    }
    expect((await get('/sse', { accept: 'application/json' })).status).toBe(406);
    expect((await send(at('/sse'), { method: 'OPTIONS' })).status).toBe(204);
  });
});
