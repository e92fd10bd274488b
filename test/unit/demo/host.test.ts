// The host gives a tool its signal in every way a client of either era can stop a call.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { McpServer } from '@modelcontextprotocol/server';
import { createHost, type Eras, type Host } from '../../../src/demo/host.ts';
import { initialize, json, messages, modern, modernHeaders, post, session, url } from '../../fixtures/raw.ts';

let host: Host;
let started: PromiseWithResolvers<void>;
let stopped: PromiseWithResolvers<string>;

/** A server whose one tool reports progress if it was told to, and then waits to be stopped. */
function build(): McpServer {
  const server = new McpServer({ name: 'hangs', version: '1' }, { capabilities: { tools: {} } });
  server.registerTool('hang', { description: 'Waits to be stopped' }, async (ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    if (progressToken === 'p') {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    }
    started.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    ctx.mcpReq.signal.addEventListener('abort', () => resolve());
    await promise;
    stopped.resolve('stopped');
    return { content: [] };
  });
  return server;
}

beforeEach(() => {
  host = createHost({ build });
  started = Promise.withResolvers();
  stopped = Promise.withResolvers();
});
afterEach(() => host.close());

const quiet = { name: 'hang', _meta: { progressToken: 'none' } };

test('a stream of 2026-07-28 that is dropped', async () => {
  const response = await post(
    host,
    modern('tools/call', { name: 'hang' }),
    modernHeaders('tools/call', 'hang'),
  );
  for await (const _first of messages(response)) break;
  expect(await stopped.promise).toBe('stopped');
});

test('a request of 2026-07-28 that is aborted before anything came back', async () => {
  const controller = new AbortController();
  const request = modern('tools/call', { name: 'hang' });
  request.params._meta.progressToken = 'none';
  const response = host.fetch(
    new Request(url, {
      method: 'POST',
      headers: { ...json, ...modernHeaders('tools/call', 'hang') },
      body: JSON.stringify(request),
      signal: controller.signal,
    }),
  );
  await started.promise;
  controller.abort();
  expect(await stopped.promise).toBe('stopped');
  expect((await response).status).toBe(499);
});

test('a cancellation in a session', async () => {
  const headers = await session(host);
  await post(host, { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: quiet }, headers);
  await started.promise;
  await post(
    host,
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x' } },
    headers,
  );
  expect(await stopped.promise).toBe('stopped');
});

test('the end of a session', async () => {
  const headers = await session(host);
  await post(host, { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: quiet }, headers);
  await started.promise;
  await host.fetch(new Request(url, { method: 'DELETE', headers }));
  expect(await stopped.promise).toBe('stopped');
});

test('the end of the host', async () => {
  await Promise.all([
    post(host, modern('tools/call', { name: 'hang' }), modernHeaders('tools/call', 'hang')),
  ]);
  await host.close();
  expect(await stopped.promise).toBe('stopped');
});

test.each([
  ['sessions', 200, 400],
  ['requests', 400, 200],
] as const)('a host of %s alone refuses the other era', async (eras: Eras, initialized, discovered) => {
  const one = createHost({ build, eras });
  expect((await post(one, initialize('2025-11-25'))).status).toBe(initialized);
  const method = 'server/discover';
  expect((await post(one, modern(method), modernHeaders(method))).status).toBe(discovered);
  await one.close();
});
