// HTTP+SSE of 2024-11-05 through a whole gateway, with the official client of that transport.
import { describe, expect, test } from 'bun:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { definePlugin, refuse, z } from 'sluice/plugin';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { oneByOne } from '../fixtures/one-by-one.ts';
import { connectPeer, textOf } from '../fixtures/peers.ts';
import { startRawUpstream } from '../fixtures/raw-upstream.ts';
import { startStepping } from '../fixtures/stepping.ts';
import { until } from '../fixtures/until.ts';
import { send } from '../fixtures/wire.ts';

async function connect({ url }: InProcess): Promise<Client> {
  const client = new Client({ name: 'old', version: '1' });
  await client.connect(oneByOne(new SSEClientTransport(new URL('/sse', url)) as Transport));
  return client;
}

test('a client of one URL gets everything a session has: tools, progress, ping, level, logs', async () => {
  await using gateway = await startInProcess(configOf(DEMO));
  const client = await connect(gateway);
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  await client.ping();
  const seen: number[] = [];
  const args = { name: 'slow_count', arguments: { to: 3, every_ms: 1 } };
  const result = await client.callTool(args, undefined, {
    onprogress: ({ progress }) => seen.push(progress),
  });
  expect([seen, result.structuredContent]).toEqual([[1, 2, 3], { counted: 3 }]);
  const logged: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params));
  await client.setLoggingLevel('warning');
  await client.callTool({ name: 'log', arguments: { text: 'unheard', level: 'info' } });
  await client.callTool({ name: 'log', arguments: { text: 'heard', level: 'error' } });
  expect(JSON.stringify(logged)).toContain('heard');
  expect(JSON.stringify(logged)).not.toContain('unheard');
  expect(gateway.gateway.report().streams).toBe(1);
  await client.close();
  await until(() => gateway.gateway.report().streams === 0);
});

for (const era of ['2025', '2026'] as const) {
  test(`lists that change and resources it watches, at a ${era} upstream`, async () => {
    const upstream = startRawUpstream({ era, answer: () => '{"resultType":"complete"}' });
    await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
    const client = await connect(gateway);
    const heard: string[] = [];
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools'));
    client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void heard.push(params.uri),
    );
    await client.subscribeResource({ uri: 'test://a' });
    await until(() => upstream.listeners > 0);
    upstream.tell('notifications/resources/updated', { uri: 'test://b' });
    upstream.tell('notifications/resources/updated', { uri: 'test://a' });
    upstream.tell('notifications/tools/list_changed');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['test://a', 'tools']);
    await client.close();
    // What it watched is forgotten with its session.
    await until(() => upstream.listeners === 0);
    await upstream.stop();
  });

  test(`a cancelled call is cancelled at a ${era} upstream, and gets no answer`, async () => {
    await using steps = startStepping({}, era);
    await using gateway = await startInProcess(configOf({ s: { url: steps.url } }));
    const client = await connect(gateway);
    const cancelled = new AbortController();
    steps.reach(1);
    const call = client.callTool({ name: 'x' }, undefined, {
      signal: cancelled.signal,
      onprogress: () => cancelled.abort('enough'),
    });
    await expect(call).rejects.toThrow('enough');
    await until(() => gateway.gateway.report().inFlight === 0);
    expect(await gateway.figure('exchanges', { outcome: 'cancelled' })).toBe(1);
    await client.ping();
    await client.close();
  });
}

describe('a client that goes away in the middle of calls', () => {
  test('takes everything of its own along, and nothing of another', async () => {
    await using steps = startStepping();
    await using gateway = await startInProcess(configOf({ s: { url: steps.url } }));
    const [gone, stays] = [await connect(gateway), await connect(gateway)];
    const reports = { gone: 0, stays: 0 };
    const call = (client: Client, who: 'gone' | 'stays') =>
      client.callTool({ name: 'x' }, undefined, { onprogress: () => void reports[who]++ }).catch(() => who);
    const lost = Array.from({ length: 10 }, () => call(gone, 'gone'));
    const kept = call(stays, 'stays');
    steps.reach(1);
    await until(() => reports.gone === 10 && reports.stays === 1);
    await gone.close();
    expect(await Promise.all(lost)).toEqual(Array(10).fill('gone'));
    await until(() => gateway.gateway.report().inFlight === 1);
    expect(gateway.gateway.report()).toMatchObject({ streams: 1 });
    steps.finish();
    expect(await kept).toMatchObject({ content: [] });
    await until(() => gateway.gateway.report().upstreams[0]?.calls === 0);
    expect(gateway.gateway.report().upstreams[0]).toMatchObject({ tokens: 0 });
    await stays.close();
  });

  test('withdraws what it was asked', async () => {
    await using gateway = await startInProcess(configOf(DEMO));
    const asked = Promise.withResolvers<void>();
    const peer = await connectPeer(
      'sse',
      { url: gateway.url },
      {
        elicit() {
          asked.resolve();
          return new Promise(() => {}) as never;
        },
      },
    );
    const call = peer.call('ask', {}).catch(() => 'gone');
    await asked.promise;
    await peer.close();
    expect(await call).toBe('gone');
    await until(() => gateway.gateway.report().inFlight === 0);
  });
});

test('clients at once, with the same ids, do not mix', async () => {
  await using gateway = await startInProcess(configOf(DEMO));
  const texts = Array.from({ length: 8 }, (_, i) => `text ${i}`);
  const clients = await Promise.all(texts.map(() => connect(gateway)));
  for (let round = 0; round < 5; round++) {
    const results = await Promise.all(
      clients.map((client, i) => client.callTool({ name: 'echo', arguments: { text: texts[i] } })),
    );
    expect(results.map((result) => textOf(result as never))).toEqual(texts);
  }
  await Promise.all(clients.map((client) => client.close()));
  await until(() => gateway.gateway.report().streams === 0);
});

test('a stop waits for the call at work, answers it, and then ends the stream', async () => {
  await using steps = startStepping();
  const gateway = await startInProcess(configOf({ s: { url: steps.url } }));
  const client = await connect(gateway);
  const begun = Promise.withResolvers<void>();
  const call = client.callTool({ name: 'x' }, undefined, { onprogress: () => begun.resolve() });
  steps.reach(1);
  await begun.promise;
  const stopped = gateway.stop();
  steps.finish();
  expect(await call).toMatchObject({ content: [] });
  await stopped;
  await client.close();
});

test('plugins may refuse a stream before it begins, and see what it is', async () => {
  const seen: string[] = [];
  const few = definePlugin({
    name: 'few',
    api: 1,
    about: 'Refuses streams.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest({ method }, x) {
        seen.push(`${method} ${x.inbound.url?.endsWith('/sse')}`);
        return method === 'GET' ? refuse('FORBIDDEN', 'No more streams.') : undefined;
      },
    }),
  });
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: ['few'] }), { plugins: { few } });
  const headers = { accept: 'text/event-stream' };
  const got = await send(new URL('/sse', gateway.url).href, { method: 'GET', headers });
  expect([got.status, (await got.json()).error.message]).toEqual([403, 'No more streams.']);
  expect(seen).toEqual(['GET true']);
  expect(gateway.gateway.report().streams).toBe(0);
  expect(await gateway.figure('refused', { code: 'FORBIDDEN' })).toBe(1);
});
