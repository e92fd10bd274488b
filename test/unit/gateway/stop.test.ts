// The end of a gateway: what runs finishes, what begins is refused, streams end as they should, and nothing stays.
import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { definePlugin } from '../../../src/plugin.ts';
import { ask, call, listen, openSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { nonceStdio } from '../../fixtures/nonce.ts';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';
import { RawConnection } from '../../fixtures/wire.ts';

const LONG = { to: 20, every_ms: 10 };

describe('stopping', () => {
  test('lets calls of both eras finish, and ends the streams', async () => {
    const gateway = await startInProcess(configOf(DEMO));
    const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    const stream = await session.stream();
    const { answer } = await listen(gateway.url, { toolsListChanged: true });
    const running = [
      await call(gateway.url, 'slow_count', LONG, { token: 1 }),
      await session.call('slow_count', LONG, { token: 1 }),
    ];
    for (const each of running) await each.message();
    const stopped = gateway.stop();
    expect(gateway.gateway.ready()).toBe(false);
    expect(await stream.messages()).toEqual([]);
    expect(await answer.messages()).toMatchObject([{ id: 7, result: { resultType: 'complete' } }]);
    for (const each of running) {
      expect((await each.messages()).at(-1)).toMatchObject({
        id: 7,
        result: { structuredContent: { counted: 20 } },
      });
    }
    await stopped;
    expect(gateway.gateway.report()).toMatchObject({ inFlight: 0, streams: 0, sessions: 0 });
    expect(gateway.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  test('refuses new calls, on connections that are there as well', async () => {
    const gateway = await startInProcess(configOf(DEMO));
    const running = await call(gateway.url, 'slow_count', LONG, { token: 1 });
    await running.message();
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {} },
    });
    const begun = new RawConnection(gateway.url).write(
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n',
    );
    const port = new URL(gateway.url).port;
    const opened = new RawConnection(gateway.url).write(
      `GET /nowhere HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`,
    );
    await opened.until('not_found');
    const stopped = gateway.stop();
    begun.write(`content-length: ${body.length}\r\n\r\n${body}`);
    const told = await begun.until('}}');
    // Either the door is shut already, or the call is told why it is not taken.
    expect(told === '' || /^HTTP\/1\.1 503 [\s\S]*STOPPING/.test(told)).toBe(true);
    expect((await running.messages()).at(-1)).toMatchObject({ result: {} });
    await stopped;
    await expect(ask(gateway.url, 'tools/list')).rejects.toThrow();
    begun.drop();
    opened.drop();
  });

  test('a second time waits for the first', async () => {
    const gateway = await startInProcess(configOf(DEMO));
    const running = await call(gateway.url, 'slow_count', LONG, { token: 1 });
    await running.message();
    let first = false;
    void gateway.gateway.stop().then(() => {
      first = true;
    });
    await gateway.gateway.stop();
    expect(first).toBe(true);
    await running.messages();
  });

  test('waits for a reload that is under way', async () => {
    const gateway = await startInProcess(configOf(DEMO));
    gateway.configure(configOf({ ...DEMO, more: { builtin: 'demo' } }));
    const [reloaded] = await Promise.all([gateway.reload(), gateway.stop()]);
    expect(reloaded.ok).toBe(true);
    expect(gateway.gateway.report().draining).toBe(0);
  });

  test('ends child processes', async () => {
    const gateway = await startInProcess(configOf({ nonce: nonceStdio() }));
    const pid = Number((await (await call(gateway.url, 'pid')).json()).result.content[0].text);
    const alive = (): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(alive()).toBe(true);
    await gateway.stop();
    await until(() => !alive());
  });
});

describe('what outlasts drain', () => {
  const holding = definePlugin({
    name: 'holding',
    api: 1,
    about: 'Waits for something that never comes.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest: async (request, x) => {
        if (request.method === 'resources/read') await x.hold(new Promise<void>(() => {}));
      },
    }),
  });

  test('is told that the gateway stops, wherever it is', async () => {
    const upstream = startRawUpstream({
      async *answer({ message: { params } }) {
        if (params.name === 'ask')
          return '{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{}}}}';
        yield JSON.stringify({
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken: params._meta.progressToken, progress: 1 },
        });
        await new Promise(() => {});
        return '{}';
      },
    });
    const config = configOf(
      { raw: { url: upstream.url } },
      { drain: '50ms', pipeline: [{ holding: {} }], limits: { keep_alive: '20ms' } },
    );
    const gateway = await startInProcess(config, { plugins: { holding } });
    const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    const stuck = [
      // At the upstream, in a plugin, and with its client.
      await call(gateway.url, 'hang', {}, { token: 1 }),
      await session.call('hang', {}, { token: 1 }),
      await ask(gateway.url, 'resources/read', { uri: 'a:b' }, { name: 'a:b' }),
      await session.call('ask'),
    ];
    const stopped = gateway.stop();
    for (const answer of stuck) {
      expect((await answer.messages()).at(-1)).toMatchObject({
        id: 7,
        error: { code: 1504, data: { code: 'STOPPING' } },
      });
    }
    await stopped;
    expect(await gateway.figure('timeouts', { kind: 'drain' })).toBe(1);
    await upstream.stop();
  });
});

test('an upstream that never answers a greeting is not waited for', async () => {
  const greeted = Promise.withResolvers<AbortSignal>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      greeted.resolve(request.signal);
      return new Promise<Response>(() => {});
    },
  });
  const up = { url: `${server.url}mcp`, timeouts: { start: '1h' } };
  const gateway = await startInProcess(configOf({ up }, { drain: '50ms', limits: { keep_alive: '20ms' } }));
  const stuck = await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' });
  const signal = await greeted.promise;
  await gateway.stop();
  await until(() => signal.aborted);
  expect(await stuck.messages()).toMatchObject([{ error: { data: { code: 'STOPPING' } } }]);
  await server.stop(true);
});
