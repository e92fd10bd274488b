// Limits on what clients do outside of calls: reached, counted, told, and what was there before goes on.
import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { serveWatched } from '../fixtures/watched.ts';

test('limits.uri: a longer one is not watched, which is told and counted; the others go on', async () => {
  const upstream = serveWatched('both');
  const config = configOf({ watched: { url: upstream.url } }, { limits: { uri: 8 } });
  await using gateway = await startInProcess(config);
  const session = await openSession(gateway.url);
  const subscribe = async (uri: string) => (await session.ask('resources/subscribe', { uri })).json();
  expect(await subscribe('test://a')).toMatchObject({ result: {} });
  expect(await subscribe('test://ab')).toMatchObject({
    error: { code: -32602, message: 'params.uri is longer than limits.uri allows (8 characters).' },
  });
  expect(await gateway.figure('limitHits', { limit: 'uri' })).toBe(1);
  const stream = await session.stream();
  await (await session.call('touch', { uri: 'test://a' })).text();
  expect((await stream.message()).params.uri).toBe('test://a');
  stream.drop();
  await gateway.stop();
  await upstream.stop();
});

test('limits.connection_idle: a connection on which nothing moves is closed, a call at work is not', async () => {
  const config = configOf({ demo: { builtin: 'demo' } }, { limits: { connection_idle: '1s' } });
  await using gateway = await startInProcess(config);
  const { hostname, port } = new URL(gateway.url);
  const quiet = connect(Number(port), hostname);
  const closed = Promise.withResolvers<string>();
  quiet.on('close', () => closed.resolve('closed'));
  quiet.resume();
  quiet.write(`GET /nowhere HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  const stream = await (await openSession(gateway.url)).stream();
  expect(await closed.promise).toBe('closed');
  expect(stream.status).toBe(200);
  stream.drop();
}, 60_000);

for (const [limit, args] of Object.entries({
  depth: { a: { b: { c: { d: { e: {} } } } } },
  keys: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, at])),
  string: { text: 'x'.repeat(200) },
}))
  test(`limits.${limit}: a request beyond it is refused and counted`, async () => {
    const limits = { depth: 7, keys: 40, string: '160B' };
    await using gateway = await startInProcess(configOf({ demo: { builtin: 'demo' } }, { limits }));
    expect((await (await call(gateway.url, 'echo', args)).json()).error.code).toBe(-32600);
    expect(await gateway.figure('limitHits', { limit })).toBe(1);
    expect(await gateway.figure('limitHits')).toBe(1);
  });
