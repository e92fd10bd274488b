// Clients that do not read, beside others on the same process or pipe: they lose what can be missed, then their
// result; the process and everybody else go on.
import { expect, test } from 'bun:test';
import { call, modern, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { digestOf, digestOfResult } from '../fixtures/large.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import { AS, called, ERAS, ended, gatewayAt, gatewayTo, lastOf, running } from './large.ts';

/** More than pipes, sockets and buffers hold. */
const VERY = 2_000;
const shared = { timeouts: { slow_client: '200ms' } };

for (const era of ERAS)
  for (const headers of [AS.json, AS.events])
    test(`a large result of a process (${era}) that is not read is broken off for the sake of the others (${headers.accept})`, async () => {
      const gateway = await gatewayTo(era, 'stdio', shared);
      const stalled = await called('2026', gateway.url, { blocks: VERY }, headers);
      const others = [1, 2, 3].map(() => call(gateway.url, 'echo'));
      for (const other of await Promise.all(others))
        expect((await other.json()).result.content).toEqual([{ type: 'text', text: 'echo' }]);
      await ended(gateway, 'CLIENT_SLOW');
      expect(await gateway.figure('timeouts', { kind: 'slow_client' })).toBe(1);
      expect(await gateway.figure('upstreamRestarts')).toBe(0);
      expect(await gateway.figure('upstreamErrors')).toBe(0);
      if (headers === AS.json) expect(stalled.text()).rejects.toThrow();
      else expect(lastOf(await stalled.text()).error.data.code).toBe('CLIENT_SLOW');
      // The channel is as it was.
      const next = await called('2026', gateway.url, { blocks: 40 });
      expect(digestOfResult(await next.json())).toBe(digestOf(40));
    });

test('alone on a process, a client may take as long as it likes', async () => {
  const gateway = await gatewayTo('2026', 'stdio', { timeouts: { slow_client: '0ms' } });
  const stalled = await called('2026', gateway.url, { blocks: 100 });
  await until(() => stalled.response.readableLength > 0);
  const text = await stalled.text();
  expect(digestOfResult(JSON.parse(text))).toBe(digestOf(100));
});

test('an answer that is too long to be held fails alone, not the process', async () => {
  const limits = { line: '2MiB', stream_from: '3MiB' };
  const gateway = await gatewayTo('2026', 'stdio', { limits });
  const asked = called('2026', gateway.url, { blocks: 100 });
  const [large, small] = await Promise.all([asked, call(gateway.url, 'echo')]);
  expect((await large.json()).error).toMatchObject({
    message: expect.stringContaining('answered more than limits.line allows (2097152 bytes'),
    data: { code: 'UPSTREAM_INVALID', limit: 'line' },
  });
  expect((await small.json()).result.content).toHaveLength(1);
  expect(await gateway.figure('limitHits', { limit: 'line' })).toBe(1);
  expect(await gateway.figure('upstreamRestarts')).toBe(0);
});

test('a client on a pipe that asks and does not read the answers is not listened to until it does', async () => {
  const gateway = await startInProcess(
    configOf({ demo: { builtin: 'demo' } }, { limits: { stream_buffer: '4KiB' } }),
    {
      listen: false,
    },
  );
  running.push(gateway);
  const gate = Promise.withResolvers<void>();
  const pipes = openPipes(gateway.gateway, { slow: () => gate.promise });
  for (let id = 0; id < 500; id++) pipes.write(modern('tools/list', {}, id));
  const served = (): Promise<number> => gateway.figure('exchanges', { method: 'tools/list' });
  await until(async () => (await served()) > 0 && gateway.gateway.report().inFlight === 0);
  expect(await served()).toBeLessThan(250);
  gate.resolve();
  await pipes.next(({ id }) => id === 499);
  expect(await served()).toBe(500);
  await pipes.end();
});

test('a client of HTTP+SSE that does not read is told that it is full', async () => {
  const gateway = await startInProcess(
    configOf({ demo: { builtin: 'demo' } }, { limits: { stream_buffer: '64KiB' } }),
  );
  running.push(gateway);
  const sse = await fetch(gateway.url.replace(/mcp$/, 'sse'), { headers: { accept: 'text/event-stream' } });
  const reader = sse.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  const endpoint = new URL(/data: (\S+)/.exec(first)?.[1] ?? '', gateway.url).href;
  const post = (message: object): Promise<Response> =>
    fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const said = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
  await post({ id: 1, method: 'initialize', params: said });
  let status = 202;
  for (let id = 2; status === 202; id++) status = (await post({ id, method: 'tools/list' })).status;
  expect(status).toBe(503);
  expect(await gateway.figure('limitHits', { limit: 'stream_buffer' })).toBe(1);
  await reader?.cancel();
});

test('what comes on the stream of a shared session for a client that does not read holds nobody up', async () => {
  const upstream = startRawUpstream({ era: '2025', answer: () => new Promise(() => {}) });
  running.push(upstream);
  const gateway = await gatewayAt(
    { url: upstream.url, sessions: { per: 'shared' } },
    { limits: { stream_buffer: '128KiB' } },
  );
  const begin = async (nth: number) => {
    const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    const answer = session.call('tool', {}, { token: `t${nth}` });
    const { message } = await upstream.arrived('tools/call', nth);
    return { answer, token: message.params._meta.progressToken };
  };
  const stalled = await begin(1);
  const brisk = await begin(2);
  await until(() => upstream.listeners > 0);
  const message = 'x'.repeat(64 * 1024);
  for (let progress = 1; progress <= 400; progress++)
    upstream.tell('notifications/progress', { progressToken: stalled.token, progress, message });
  upstream.tell('notifications/progress', { progressToken: brisk.token, progress: 1 });
  expect((await (await brisk.answer).message()).params).toEqual({ progressToken: 't2', progress: 1 });
  // What it does not read it loses, within its buffer.
  expect(await gateway.figure('dropped', { reason: 'call_over_or_slow' })).toBeGreaterThan(0);
  for (const { answer } of [stalled, brisk]) (await answer).drop();
});
