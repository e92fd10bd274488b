// The demo on the wire: what a Streamable HTTP server must answer where no client library looks.
import { afterEach, describe, expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { createDemo, type Demo } from '../../../src/demo/demo.ts';
import { createHost } from '../../../src/demo/host.ts';
import { buildServer } from '../../../src/demo/server.ts';
import { initialize, json, messages, modern, modernHeaders, post, session, url } from '../../fixtures/raw.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((demo) => demo.close()));
});

const slow = { name: 'slow_count', arguments: { to: 100, every_ms: 20 } };
const slowInSession = {
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { ...slow, _meta: { progressToken: 'p' } },
};

function start(): Demo {
  const demo = createDemo();
  open.push(demo);
  return demo;
}

describe('sessions', () => {
  test.each(['2025-03-26', '2025-06-18', '2025-11-25'])('negotiates %s', async (version) => {
    const response = await post(start(), initialize(version));
    expect(response.headers.get('mcp-session-id')).toMatch(/^[\x21-\x7e]{20,}$/);
    const [answer] = await Array.fromAsync(messages(response));
    expect(answer).toMatchObject({ id: 1, result: { protocolVersion: version } });
  });

  test('offers the newest of its era to a client that asks for a later one by initialize', async () => {
    const [answer] = await Array.fromAsync(messages(await post(start(), initialize('2026-07-28'))));
    expect(answer).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
  });

  test('refuses what belongs to no session', async () => {
    const demo = start();
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    expect((await post(demo, list)).status).toBe(400);
    expect((await post(demo, list, { 'mcp-session-id': '__proto__' })).status).toBe(404);
    expect((await post(demo, '{"jsonrpc":')).status).toBe(400);
    expect((await post(demo, list, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await demo.fetch(new Request(url, { method: 'DELETE' }))).status).toBe(400);
  });

  test('ends with DELETE', async () => {
    const demo = start();
    const headers = await session(demo);
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    expect((await post(demo, ping, headers)).status).toBe(200);
    expect((await demo.fetch(new Request(url, { method: 'DELETE', headers }))).status).toBe(200);
    expect((await post(demo, ping, headers)).status).toBe(404);
  });

  test('has one GET stream, which carries updates', async () => {
    const demo = start();
    const headers = { ...(await session(demo)), accept: 'text/event-stream' };
    const stream = await demo.fetch(new Request(url, { headers }));
    expect((await demo.fetch(new Request(url, { headers }))).status).toBe(409);
    const call = (method: string, params: object) =>
      post(demo, { jsonrpc: '2.0', id: method, method, params }, { ...headers, accept: json.accept });
    await (await call('resources/subscribe', { uri: 'demo://clock' })).text();
    await (await call('tools/call', { name: 'touch' })).text();
    const first = await messages(stream).next();
    expect(first.value).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'demo://clock' },
    });
  });

  test('ends the stream of a cancelled call, without an answer', async () => {
    const demo = start();
    const headers = await session(demo);
    const seen: unknown[] = [];
    for await (const message of messages(await post(demo, slowInSession, headers))) {
      seen.push(message);
      if (seen.length > 1) continue;
      const params = { requestId: 7, reason: 'enough' };
      await post(demo, { jsonrpc: '2.0', method: 'notifications/cancelled', params }, headers);
    }
    expect(seen[0]).toMatchObject({ method: 'notifications/progress', params: { progress: 1 } });
    expect(seen.some((message) => typeof message === 'object' && message !== null && 'id' in message)).toBe(
      false,
    );
  });

  test('outlive a stream that was dropped: that is no cancellation in this era', async () => {
    const demo = start();
    const headers = await session(demo);
    await (await post(demo, slowInSession, headers)).body?.cancel();
    expect((await post(demo, { jsonrpc: '2.0', id: 8, method: 'ping' }, headers)).status).toBe(200);
  });

  test('close the one idle for longest when there are too many', async () => {
    const clock = { touched: 0 };
    const host = createHost({ build: (bus) => buildServer({ bus, clock }), maxSessions: 2 });
    open.push(host);
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    const [first, second] = [await session(host), await session(host)];
    await post(host, ping, first);
    const third = await session(host);
    const statuses = await Promise.all(
      [first, second, third].map(async (h) => (await post(host, ping, h)).status),
    );
    expect(statuses).toEqual([200, 404, 200]);
  });
});

describe('requests of 2026-07-28', () => {
  test('discovers its own era alone', async () => {
    const method = 'server/discover';
    const answer = await (await post(start(), modern(method), modernHeaders(method))).json();
    expect(answer).toMatchObject({
      id: 7,
      result: { resultType: 'complete', supportedVersions: ['2026-07-28'] },
    });
  });

  test('do not know initialize', async () => {
    const response = await post(start(), modern('initialize'), modernHeaders('initialize'));
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ id: 7, error: { code: -32601 } });
  });

  test('stream while the call runs, and end with the client', async () => {
    const response = await post(
      start(),
      modern('tools/call', slow),
      modernHeaders('tools/call', 'slow_count'),
    );
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    for await (const message of messages(response)) {
      expect(message).toMatchObject({
        method: 'notifications/progress',
        params: { progress: 1, progressToken: 'p' },
      });
      break;
    }
  });
});

describe('close', () => {
  test('ends calls and streams, and refuses what comes after', async () => {
    const demo = start();
    const headers = await session(demo);
    const inSession = await post(demo, slowInSession, headers);
    const perRequest = await post(
      demo,
      modern('tools/call', slow),
      modernHeaders('tools/call', 'slow_count'),
    );
    await demo.close();
    for (const response of [inSession, perRequest]) {
      const all = await Array.fromAsync(messages(response));
      expect(all.some((message) => JSON.stringify(message).includes('"result"'))).toBe(false);
    }
    expect((await post(demo, initialize('2025-11-25'))).status).toBe(503);
  });

  test('is not needed for the process to end', async () => {
    const script = fileURLToPath(new URL('./leave.ts', import.meta.url));
    const child = Bun.spawn([process.execPath, script], { stdout: 'pipe', stderr: 'inherit' });
    expect(await new Response(child.stdout).text()).toBe('left\n');
    expect(await child.exited).toBe(0);
  });
});
