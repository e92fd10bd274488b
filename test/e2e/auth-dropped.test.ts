// A way to prove oneself that a reload takes away: what it has let in ends when the new configuration holds, though a
// call is still at work on the one before, and that call is answered.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintKey, revokeKey } from '../../plugins/auth/key-file.ts';
import { plugins } from '../../plugins/index.ts';
import { ask, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { initialize } from '../fixtures/raw.ts';
import { startStepping } from '../fixtures/stepping.ts';
import { until } from '../fixtures/until.ts';
import { post, send } from '../fixtures/wire.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const OWN = 'k'.repeat(40);
const other = { api_keys: { file: 'off', keys: [{ key: 'o'.repeat(40), id: 'other' }] } };

/** With a key of the file or of the configuration, and what the next configuration has in its place. */
const ways: [string, object, object[]][] = [
  ['api_keys with a file', { api_keys: {} }, [{ auth: other }]],
  ['the file alone', { api_keys: { keys: other.api_keys.keys } }, [{ auth: other }]],
  [
    'a key that is written',
    { api_keys: { file: 'off', keys: [{ key: OWN, id: 'ada' }] } },
    [{ auth: other }],
  ],
  ['auth, for another entry of it', { api_keys: {} }, [{ auth: other, id: 'other' }]],
];

test.each(ways)('%s: streams end with the reload, the call at work does not', async (_, options, next) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-dropped-'));
  const { key } = mintKey(
    join(stateDir, 'api-keys.json'),
    { principal: 'ada', scopes: [], groups: [] },
    Date.now(),
  );
  const upstream = startStepping();
  const config = (pipeline: object[]) =>
    configOf({ one: { url: upstream.url } }, { pipeline, drain: '50ms' });
  const gateway = await startInProcess(config([{ auth: options }]), { plugins, stateDir });
  ending.push(
    () => rmSync(stateDir, { recursive: true, force: true }),
    () => gateway.stop(),
    () => upstream[Symbol.asyncDispose](),
  );
  const { url } = gateway;
  const headers = { 'x-api-key': JSON.stringify(options).includes(OWN) ? OWN : key };
  const session = await openSession(url, { headers });
  const streams = {
    session: await session.stream(),
    subscription: (await listen(url, { toolsListChanged: true }, { headers })).answer,
    older: await send(new URL('/sse', url).href, {
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream' },
    }),
  };
  const call = ask(url, 'tools/call', { name: 'one__step' }, { headers, name: 'one__step' });
  await upstream.upstream.arrived('tools/call');

  gateway.configure(config(next));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  for (const stream of Object.values(streams)) await stream.text();
  expect(gateway.gateway.report().draining).toBe(1);
  expect((await session.ask('ping')).status).toBe(401);
  upstream.finish();
  const answered = await call;
  expect(answered.status).toBe(200);
  expect(JSON.stringify(await answered.json())).toContain('"content":[]');
  await until(() => gateway.gateway.report().draining === 0);
});

test('over HTTP+SSE the call at work is answered on the stream before that ends, and nothing is taken meanwhile', async () => {
  const upstream = startStepping();
  const config = (id: string) => {
    const keys = [{ key: OWN, id }];
    return configOf(
      { one: { url: upstream.url } },
      { pipeline: [{ auth: { api_keys: { file: 'off', keys } } }] },
    );
  };
  const gateway = await startInProcess(config('ada'), { plugins });
  ending.push(
    () => gateway.stop(),
    () => upstream[Symbol.asyncDispose](),
  );
  const headers = { 'x-api-key': OWN };
  const sse = new URL('/sse', gateway.url).href;
  const stream = await send(sse, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } });
  const place = new URL(String(await stream.data()), sse).href;
  const tell = async (message: object) => (await post(place, { jsonrpc: '2.0', ...message }, headers)).status;
  expect(await tell(initialize('2024-11-05'))).toBe(202);
  expect(await stream.message()).toMatchObject({ id: 1, result: {} });
  const params = { name: 'step', arguments: {} };
  expect(await tell({ id: 2, method: 'tools/call', params })).toBe(202);
  await upstream.upstream.arrived('tools/call');

  gateway.configure(config('bob'));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect(await tell({ id: 3, method: 'ping' })).toBe(404);
  upstream.finish();
  expect(await stream.messages()).toMatchObject([{ id: 2, result: { content: [] } }]);
});

test('what a reload changes nothing of goes on, and ends with its key later', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-dropped-'));
  const file = join(stateDir, 'api-keys.json');
  const { key, entry } = mintKey(file, { principal: 'ada', scopes: [], groups: [] }, Date.now());
  const config = (drain: string) => configOf(DEMO, { pipeline: [{ auth: { api_keys: {} } }], drain });
  const gateway = await startInProcess(config('1s'), { plugins, stateDir });
  ending.push(
    () => rmSync(stateDir, { recursive: true, force: true }),
    () => gateway.stop(),
  );
  const session = await openSession(gateway.url, { headers: { 'x-api-key': key } });
  const stream = await session.stream();
  for (const drain of ['2s', '3s']) {
    gateway.configure(config(drain));
    expect(await gateway.reload()).toMatchObject({ ok: true });
  }
  await until(() => gateway.gateway.report().draining === 0);
  // A second one would be taken if the first were not there any more.
  expect((await session.stream()).status).toBe(409);
  revokeKey(file, entry.id, Date.now());
  await stream.text();
});
