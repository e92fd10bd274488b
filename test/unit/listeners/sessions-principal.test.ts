// A session belongs to the principal that began it, as a plugin found out: here, after a restart, for nobody else.
import { expect, test } from 'bun:test';
import { definePlugin, principalFact, z } from 'sluice/plugin';
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
        const id = x.inbound.headers.get('x-badge');
        if (id !== null) x.set(principalFact, { id, scopes: [] });
        seen.push(`${request.method} ${x.principal.id}`);
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
    for (const headers of [grace.headers, { ...nobody, 'x-badge': 'ada' }, nobody]) {
      const answer = await sessionOf(url, grace.id, headers).call('echo', { text: 'x' });
      all.push([answer.status, (await answer.json()).error?.data?.code]);
    }
    return all;
  };
  const expected = [
    [200, undefined],
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
  await until(() => seen.includes('subscriptions/listen grace'));
  expect(seen).not.toContain('subscriptions/listen anonymous');
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
