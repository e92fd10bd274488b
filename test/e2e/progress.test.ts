// What a client hears while nothing comes, over every transport and era, and what its operator sees meanwhile.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import progress from '../../plugins/progress.ts';
import { definePlugin, z } from '../../src/plugin.ts';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { note, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { metaOf, openWire } from '../fixtures/soak/client.ts';
import { until } from '../fixtures/until.ts';
import { Inbox } from '../walk/inbox.ts';
import { stdioUpstream } from '../walk/upstream-stdio.ts';
import type { Arrival } from '../walk/upstream-wire.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const waiting = 'waiting for an answer from "up"';
const RESULT = '{"content":[{"type":"text","text":"done"}]}';
const told = (gateway: InProcess) => gateway.gateway.calls(9).longest.map(({ phase }) => phase);

/** A server that says nothing until it is told to: then it reports as if nobody had said anything yet. */
async function silent(pipeline: object[] = [{ progress: { heartbeat: '1s' } }], plugins = {}) {
  const gate = Promise.withResolvers<void>();
  const upstream = startRawUpstream({
    era: '2026',
    async *answer({ message: { params } }) {
      const { progressToken } = params._meta;
      await gate.promise;
      for (const value of [0, 1])
        if (progressToken !== undefined)
          yield note('notifications/progress', {
            progressToken,
            progress: value,
            total: 1,
            message: `at ${value}`,
          });
      return RESULT;
    },
  });
  ending.push(upstream.stop);
  const config = configOf({ up: { url: upstream.url } }, { pipeline, drain: '50ms' });
  const gateway = await startInProcess(config, { plugins: { progress, ...plugins } });
  ending.push(gateway.stop);
  return { upstream, gateway, go: gate.resolve };
}

const clients = [
  { client: '2025', over: 'http' },
  { client: '2025', over: 'sse' },
  { client: '2025', over: 'stdio' },
  { client: '2026', over: 'http' },
  { client: '2026', over: 'stdio' },
] as const;

describe('a client that waits for a silent server hears so, and then the server, in rising values:', () => {
  test.each(clients)('%o', async (leg) => {
    const { gateway, go } = await silent();
    const info = { name: 'waits', version: '1' };
    const wire = await openWire(gateway, leg, info, {});
    const _meta = metaOf(leg.client, info, 0, {});
    const params = { name: 'x', arguments: {}, _meta };
    const { inbox } = wire.request({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const heard = [await inbox.take(), await inbox.take()];
    expect(told(gateway)).toEqual(['waiting for an answer']);
    go();
    heard.push(await inbox.take(), await inbox.take());
    expect((await inbox.take())?.body).toMatchObject({ id: 1, result: JSON.parse(RESULT) });
    const all = heard.map((message) => message?.body);
    expect(
      all.map(({ method, params: { progressToken, message } }) => [method, progressToken, message]),
    ).toEqual([waiting, waiting, 'at 0', 'at 1'].map((message) => ['notifications/progress', 0, message]));
    const values = all.map(({ params: { progress: value } }) => value);
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    expect(values.at(-1)).toBe(1);
    await until(() => gateway.gateway.calls(9).calls === 0);
    await wire.end();
  });
});

test('a client that takes only JSON, or gave no token, gets its result and nothing else', async () => {
  const { gateway, upstream, go } = await silent();
  const headers = { accept: 'application/json' };
  const session = await openSession(gateway.url, { headers });
  const answers = [
    call(gateway.url, 'x', {}, { token: 1, headers }),
    session.call('x', {}, { id: 7, token: 2 }),
    call(gateway.url, 'x', {}),
  ];
  const other = await call(gateway.url, 'x', {}, { token: 1 });
  // By then the others would have heard something, too.
  for (let n = 0; n < 2; n++) expect((await other.message()).params.message).toBe(waiting);
  await upstream.arrived('tools/call', 4);
  go();
  for (const answer of await Promise.all(answers)) {
    expect([answer.status, answer.type]).toEqual([200, 'application/json']);
    expect((await answer.json()).result.content[0].text).toBe('done');
  }
  expect(await gateway.figure('dropped', { reason: 'no_stream' })).toBeGreaterThanOrEqual(2);
  await other.messages();
});

test('a call that its client has left is told nothing more, and is seen no more', async () => {
  const { gateway } = await silent();
  const answer = await call(gateway.url, 'x', {}, { token: 1 });
  await answer.message();
  answer.drop();
  await until(() => gateway.gateway.calls(9).calls === 0);
});

test('a tool that is called as a task, for a client that knows of none', async () => {
  const gate = Promise.withResolvers<void>();
  const task = { taskId: 't', status: 'working', ttl: null, pollInterval: 1_000 };
  const upstream = startRawUpstream({
    era: '2025',
    tools: JSON.stringify([{ name: 'must', execution: { taskSupport: 'required' } }]),
    capabilities: { tasks: { requests: { tools: { call: {} } } } },
    async answer({ message: { method } }) {
      if (method === 'tools/call') return JSON.stringify({ task });
      if (method === 'tasks/get') return JSON.stringify(task);
      await gate.promise;
      return RESULT;
    },
  });
  ending.push(upstream.stop);
  const pipeline = [{ progress: { heartbeat: '1s' } }];
  const gateway = await startInProcess(configOf({ up: { url: upstream.url } }, { pipeline }), {
    plugins: { progress },
  });
  ending.push(gateway.stop);
  const answer = await call(gateway.url, 'must', {}, { token: 'mine' });
  expect((await answer.message()).params).toMatchObject({ progressToken: 'mine', message: waiting });
  gate.resolve();
  expect((await answer.messages()).at(-1).result.content[0].text).toBe('done');
});

describe('T7: without any plugin a client hears of what lasts', () => {
  test('a plugin that waits for somebody', async () => {
    const gate = Promise.withResolvers<void>();
    const approve = definePlugin({
      name: 'approve',
      api: 1,
      about: 'Waits for somebody.',
      schema: z.strictObject({}),
      setup: () => ({
        onRequest: (_request, x) => x.hold(gate.promise, { phase: 'waiting for approval' }),
      }),
    });
    const { gateway, go } = await silent([{ approve: {} }], { approve });
    const answer = await call(gateway.url, 'x', {}, { token: 1 });
    expect((await answer.message()).params).toEqual({
      progressToken: 1,
      progress: 0,
      message: 'waiting for approval',
    });
    expect(told(gateway)).toEqual(['waiting for approval']);
    gate.resolve();
    // It was told that it waits for that, and waits for something else now.
    expect((await answer.message()).params.message).toBe(waiting);
    go();
    expect((await answer.messages()).map(({ params }) => params?.message)).toEqual([
      'at 0',
      'at 1',
      undefined,
    ]);
  });

  test('a process that takes its time to start', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-starts-'));
    ending.push(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'go');
    const server = await stdioUpstream({
      leg: { client: '2026', over: 'http', upstream: '2026', via: 'stdio' },
      inbox: new Inbox<Arrival>(),
      answer({ body: { id, method } }) {
        const hello = {
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {} },
        };
        const result =
          method === 'server/discover' ? hello : { resultType: 'complete', ...JSON.parse(RESULT) };
        return JSON.stringify({ jsonrpc: '2.0', id, result });
      },
    });
    ending.push(server.stop);
    const { command, args } = server.config as { command: string; args: string[] };
    const slowly = ['-c', 'until [ -e "$0" ]; do sleep 0.01; done; exec "$@"', file, command, ...args];
    const gateway = await startInProcess(configOf({ up: { command: 'sh', args: slowly, era: '2026' } }));
    ending.push(gateway.stop);
    const answer = await call(gateway.url, 'x', {}, { token: 1 });
    expect((await answer.message()).params.message).toBe('starting "up"');
    expect(told(gateway)).toEqual(['starting the server']);
    writeFileSync(file, '');
    expect((await answer.messages()).at(-1).result.content[0].text).toBe('done');
  });
});

test('T4: the operator sees who calls what and how far it is, and nothing of what it is about', async () => {
  const gateway = await startInProcess(configOf(DEMO));
  ending.push(gateway.stop);
  const answer = await ask(
    gateway.url,
    'tools/call',
    { name: 'slow_count', arguments: { to: 3, every_ms: 20 } },
    { name: 'slow_count', token: 'mine' },
  );
  await answer.message();
  const [row] = gateway.gateway.calls(9).longest;
  expect(row).toMatchObject({
    principal: 'anonymous',
    method: 'tools/call',
    name: 'slow_count',
    upstream: 'demo',
  });
  expect(row?.total).toBeGreaterThan(0);
  expect(JSON.stringify(row)).not.toMatch(/every_ms|mine/);
  await answer.messages();
  await until(() => gateway.gateway.calls(9).calls === 0);
});
