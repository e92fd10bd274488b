// A session belongs to the principal that began it, as a plugin found out: here, after a restart, for nobody else.
import { expect, test } from 'bun:test';
import { definePlugin, principalFact, refuse, z } from 'sluice/plugin';
import { sessionMemory } from '../../../src/core/session-store.ts';
import { openSession, sessionOf } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { initialize } from '../../fixtures/raw.ts';
import { until } from '../../fixtures/until.ts';
import { post, send } from '../../fixtures/wire.ts';

/** Who it says it is: good enough for a test. */
function badges(seen: string[]) {
  return definePlugin({
    name: 'badges',
    api: 1,
    about: 'Takes a header for a proof.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest(request, x) {
        const [id = '', tenant = 'home'] = x.inbound.headers.get('x-badge')?.split('@') ?? [];
        if (id !== '') x.set(principalFact, { id, tenant, scopes: [] });
        seen.push(`${request.method} ${x.principal.id} ${x.principal.tenant}`);
      },
    }),
  });
}

test('a session is its principal’s alone, also after a restart', async () => {
  const seen: string[] = [];
  const options = {
    plugins: { badges: badges(seen) },
    sealKey: new Uint8Array(32).fill(3),
    sessions: sessionMemory(1 << 20),
  };
  const config = configOf(DEMO, { pipeline: [{ badges: {} }] });
  const first = await startInProcess(config, options);
  const grace = await openSession(first.url, { headers: { 'x-badge': 'grace' } });
  const { 'x-badge': _badge, ...nobody } = grace.headers;
  const outcomes = async (url: string) => {
    const all = [];
    const others = ['ada', 'grace@elsewhere'].map((badge) => ({ ...nobody, 'x-badge': badge }));
    for (const headers of [grace.headers, ...others, nobody]) {
      const answer = await sessionOf(url, grace.id, headers).call('echo', { text: 'x' });
      all.push([answer.status, (await answer.json()).error?.data?.code]);
    }
    return all;
  };
  const expected = [
    [200, undefined],
    [404, 'SESSION_UNKNOWN'],
    [404, 'SESSION_UNKNOWN'],
    [404, 'SESSION_UNKNOWN'],
  ];
  expect(await outcomes(first.url)).toEqual(expected);
  await (await grace.ask('logging/setLevel', { level: 'error' })).text();
  await first.stop();

  const listen = new URL(first.url).host;
  await using second = await startInProcess({ ...config, listeners: [{ http: { listen } }] }, options);
  expect(await outcomes(second.url)).toEqual(expected);
  // What is run for the session without a request of its client is run for whom it belongs to.
  const stream = await grace.stream();
  await until(() => seen.includes('subscriptions/listen grace home'));
  expect(seen.filter((each) => each.startsWith('subscriptions/listen anonymous'))).toEqual([]);
  stream.drop();
});

test('what was begun by nobody is nobody’s', async () => {
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: [{ badges: {} }] }), {
    plugins: { badges: badges([]) },
  });
  const session = await openSession(gateway.url);
  expect((await session.call('echo', { text: 'x' })).status).toBe(200);
  const claimed = sessionOf(gateway.url, session.id, { ...session.headers, 'x-badge': 'ada' });
  expect((await claimed.call('echo', { text: 'x' })).status).toBe(404);
});

test('so is one over HTTP+SSE: what another posts to it is refused', async () => {
  const options = { plugins: { badges: badges([]) } };
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: [{ badges: {} }] }), options);
  const headers = { accept: 'text/event-stream' };
  const stream = await send(new URL('/sse', gateway.url).href, { method: 'GET', headers });
  const target = new URL((await stream.data()) ?? '', gateway.url).href;
  const tell = async (message: object, badge?: string) => {
    await (await post(target, message, badge === undefined ? {} : { 'x-badge': badge })).text();
    return stream.message();
  };
  await tell(initialize('2024-11-05'), 'grace');
  const params = { name: 'echo', arguments: { text: 'x' } };
  const echo = { jsonrpc: '2.0', id: 5, method: 'tools/call', params };
  expect(await tell(echo, 'grace')).toMatchObject({ id: 5, result: {} });
  for (const badge of ['ada', undefined])
    expect(await tell(echo, badge)).toMatchObject({ id: 5, error: { data: { code: 'SESSION_UNKNOWN' } } });
  stream.drop();
});

test('what is answered at the door, and what is no request, is its principal’s alone, too', async () => {
  const seen: string[] = [];
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: [{ badges: {} }] }), {
    plugins: { badges: badges(seen) },
  });
  const grace = await openSession(gateway.url, { headers: { 'x-badge': 'grace' }, version: '2025-03-26' });
  const ada = sessionOf(gateway.url, grace.id, { ...grace.headers, 'x-badge': 'ada' });
  const requests = {
    ping: {},
    'logging/setLevel': { level: 'error' },
    'resources/subscribe': { uri: 'demo://clock' },
    'resources/unsubscribe': { uri: 'demo://clock' },
  };
  for (const [method, params] of Object.entries(requests)) {
    const answer = await ada.ask(method, params);
    expect([method, answer.status]).toEqual([method, 404]);
    expect(await answer.json()).toMatchObject({ error: { data: { code: 'SESSION_UNKNOWN' } } });
    expect(seen).toContain(`${method} ada home`);
  }
  const cancel = { method: 'notifications/cancelled', params: { requestId: 1 } };
  expect(await ada.tell(cancel)).toBe(404);
  expect(await ada.tell({ id: 1, result: { action: 'accept' } })).toBe(404);
  const batch = await post(gateway.url, [{ jsonrpc: '2.0', ...cancel }], ada.headers);
  expect(batch.status).toBe(404);
  await batch.text();
  const stream = await ada.stream();
  expect(stream.status).toBe(404);
  await stream.text();
  const end = await send(gateway.url, { method: 'DELETE', headers: ada.headers });
  expect(end.status).toBe(404);
  await end.text();

  for (const method of ['GET', 'DELETE', 'POST']) expect(seen).toContain(`${method} ada home`);

  expect((await grace.ask('ping')).status).toBe(200);
  expect(await grace.tell(cancel)).toBe(202);
  const own = await send(gateway.url, { method: 'DELETE', headers: grace.headers });
  expect(own.status).toBe(200);
  await own.text();
});

test('a plugin may refuse what is answered at the door', async () => {
  const strict = definePlugin({
    name: 'strict',
    api: 1,
    about: 'Lets nobody watch.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest: ({ method }) =>
        method === 'resources/subscribe' || method === 'DELETE'
          ? refuse('FORBIDDEN', 'Nobody watches here.')
          : undefined,
    }),
  });
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: [{ strict: {} }] }), {
    plugins: { strict },
  });
  const session = await openSession(gateway.url);
  const answer = await session.ask('resources/subscribe', { uri: 'demo://clock' });
  expect(await answer.json()).toMatchObject({ id: 7, error: { message: 'Nobody watches here.' } });
  expect((await (await session.ask('logging/setLevel', { level: 'error' })).json()).result).toEqual({});
  // What is no request of MCP has its HTTP method for plugins.
  const end = await send(gateway.url, { method: 'DELETE', headers: session.headers });
  expect(end.status).toBe(403);
  await end.text();
});
