// Streams on which nothing at all is said for twelve seconds, longer than any deadline of the runtime (10 and 12 s):
// the one slow test here, which is why it is alone.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, openSession, withEnvelope } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { modernHeaders } from '../fixtures/raw.ts';
import { send } from '../fixtures/wire.ts';

const LONG_MS = 12_500;

test('a quiet stream is not cut, over TCP and over a socket file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-quiet-'));
  const socketPath = join(dir, 'mcp.sock');
  const listeners = [{ http: { listen: '127.0.0.1:0' } }, { http: { listen: `unix:${socketPath}` } }];
  const gateway = await startInProcess(configOf(DEMO, { listeners, limits: { keep_alive: '1m' } }));
  const session = await openSession(gateway.url);
  const stream = await session.stream();
  await (await session.ask('resources/subscribe', { uri: 'demo://clock' })).text();
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: withEnvelope({ notifications: { resourceSubscriptions: ['demo://clock'] } }),
  };
  const headers = modernHeaders('subscriptions/listen');
  const listens = await Promise.all([
    send(gateway.url, { body, headers }),
    send('http://localhost/mcp', { body, headers, socketPath }),
  ]);
  for (const answer of listens) await answer.message();

  // A call that says nothing for as long keeps the time.
  const counted = await call(gateway.url, 'slow_count', { to: 1, every_ms: LONG_MS });
  expect(await counted.json()).toMatchObject({ result: { structuredContent: { counted: 1 } } });

  await (await call(gateway.url, 'touch', { uri: 'demo://clock' })).text();
  for (const each of [stream, ...listens]) {
    expect(await each.message()).toMatchObject({ method: 'notifications/resources/updated' });
    each.drop();
  }
  await gateway.stop();
  rmSync(dir, { recursive: true, force: true });
}, 120_000);
