// Reloads under load: nothing that runs fails, no stream ends, and clients hear of a change only when there is one.
import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { type AnyPlugin, definePlugin } from '../../src/plugin.ts';
import { call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { nonceStdio, serveNonce } from '../fixtures/nonce.ts';
import { connectPeer, textOf } from '../fixtures/peers.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';

const RELOADS = 200;

/** A plugin that looks at everything, slowly, and fails a call that it sees after its end. */
function watching(lives: { disposed: number; made: number }): Record<string, AnyPlugin> {
  const plugin = definePlugin({
    name: 'watching',
    api: 1,
    about: 'Looks at everything.',
    schema: z.strictObject({ n: z.number() }),
    setup(_options, host) {
      const kept = host.keep(
        'calls',
        () => ({ made: ++lives.made, calls: 0 }),
        () => void lives.disposed++,
      );
      let over = false;
      const alive = (): void => {
        if (over) throw new Error('used after its end');
      };
      return {
        async onRequest() {
          alive();
          kept.calls++;
          await new Promise((resolve) => setImmediate(resolve));
          alive();
        },
        onNotification: alive,
        onResult: alive,
        onClose: alive,
        dispose: () => {
          over = true;
        },
      };
    },
  });
  return { watching: plugin };
}

const numbered = (upstreams: object, n: number) =>
  configOf(upstreams as Record<string, unknown>, {
    pipeline: [{ watching: { n } }],
    drain: '60s',
    // A machine at its limits is slow, and that is not what is tested.
    limits: { list_timeout: '1m' },
  });

/** Progress and result of a call, without the log lines between. */
async function told(answer: Answer): Promise<unknown[]> {
  const messages = (await answer.messages()).filter(({ method }) => method !== 'notifications/message');
  return messages.map(({ params, result, error }) => params?.progress ?? result?.content[0].text ?? error);
}

describe('200 reloads', () => {
  for (const transport of ['http', 'stdio'] as const) {
    test(`under load, with a ${transport} upstream, fail nothing and end nothing`, async () => {
      const serving = transport === 'http' ? serveNonce() : undefined;
      const timeouts = { connect: '1m' };
      const nonce = serving ? { url: serving.url, timeouts } : nonceStdio();
      const lives = { disposed: 0, made: 0 };
      const upstreams = { nonce, demo: { builtin: 'demo' } };
      const gateway = await startInProcess(numbered(upstreams, 0), { plugins: watching(lives) });
      const { url } = gateway;
      const session = await openSession(url);
      const stream = await session.stream();
      const { answer: subscription } = await listen(url, {
        toolsListChanged: true,
        resourceSubscriptions: ['demo://clock'],
      });
      const peer = await connectPeer('v1', { url });

      let running = true;
      let calls = 0;
      const again = async (work: () => Promise<void>): Promise<void> => {
        while (running) {
          await work().catch((error: unknown) => {
            running = false;
            throw error;
          });
          calls++;
        }
      };
      const workers = [
        again(async () => {
          expect(
            await told(await call(url, 'nonce__nonce', { nonce: 'a', steps: 3 }, { token: 't' })),
          ).toEqual([1, 2, 3, 'a']);
        }),
        again(async () => {
          expect(
            await told(await session.call('nonce__nonce', { nonce: 'b', steps: 3 }, { token: 0 })),
          ).toEqual([1, 2, 3, 'b']);
        }),
        again(async () => {
          expect(textOf(await peer.call('demo__echo', { text: 'c' }))).toBe('c');
        }),
        again(async () => {
          const fresh = await openSession(url);
          expect((await (await fresh.ask('tools/list')).json()).result.tools.length).toBeGreaterThan(3);
        }),
      ];
      const long = await call(url, 'demo__slow_count', { to: 100, every_ms: 20 }, { token: 'long' });
      for (let n = 1; n <= RELOADS && running; n++) {
        gateway.configure(numbered(upstreams, n));
        expect(await gateway.reload()).toMatchObject({ ok: true, generation: n + 1 });
      }
      running = false;
      await Promise.all(workers);
      const counted = await long.messages();
      expect(counted.slice(0, -1).map(({ params }) => params.progress)).toEqual(
        [...Array(100).keys()].map((i) => i + 1),
      );
      expect(counted.at(-1).result.structuredContent).toEqual({ counted: 100 });
      expect(calls).toBeGreaterThan(4);
      expect(gateway.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);

      // The streams are the first ones still, have heard of no change, and hear of an update.
      await (await session.ask('resources/subscribe', { uri: 'demo://clock' })).text();
      await (await call(url, 'demo__touch', { uri: 'demo://clock' })).text();
      for (const open of [stream, subscription]) {
        expect(await open.message()).toMatchObject({ method: 'notifications/resources/updated' });
      }
      await until(() => gateway.gateway.report().draining === 0);
      expect(lives).toEqual({ made: 1, disposed: 0 });
      await peer.close();
      const stopped = gateway.stop();
      expect(await stream.messages()).toEqual([]);
      expect(await subscription.messages()).toMatchObject([{ result: { resultType: 'complete' } }]);
      await stopped;
      expect(lives).toEqual({ made: 1, disposed: 1 });
      await serving?.stop();
    });
  }
});

/** Resolves when the generations before the current one are gone. */
const drained = (gateway: InProcess) => until(() => gateway.gateway.report().draining === 0);

describe('an upstream', () => {
  const pidOf = async (url: string) => (await (await call(url, 'nonce__pid')).json()).result.content[0].text;

  test('that did not change keeps its process', async () => {
    const stdio = nonceStdio();
    await using gateway = await startInProcess(configOf({ nonce: stdio, ...DEMO }));
    const before = await pidOf(gateway.url);
    gateway.configure(
      configOf(
        { nonce: { ...stdio, pipeline: [] }, other: { builtin: 'demo' } },
        { limits: { keep_alive: '3s' } },
      ),
    );
    expect(await gateway.reload()).toMatchObject({
      ok: true,
      plan: { upstreams: { kept: ['nonce'], added: ['other'], removed: ['demo'] } },
    });
    await drained(gateway);
    expect(await pidOf(gateway.url)).toBe(before);
    gateway.configure(configOf({ nonce: { ...stdio, env: { CHANGED: '1' } }, ...DEMO }));
    await gateway.reload();
    expect(await pidOf(gateway.url)).not.toBe(before);
  });

  for (const what of ['changed', 'removed'] as const) {
    test(`that was ${what} finishes what it has begun`, async () => {
      const stdio = nonceStdio();
      const upstreams = { nonce: stdio, ...DEMO };
      await using gateway = await startInProcess(configOf(upstreams));
      const session = await openSession(gateway.url);
      const running = await Promise.all([
        call(gateway.url, 'demo__slow_count', { to: 20, every_ms: 10 }, { token: 1 }),
        call(gateway.url, 'nonce__nonce', { nonce: 'x', steps: 50 }, { token: 1 }),
        session.call('nonce__nonce', { nonce: 'x', steps: 50 }, { token: 1 }),
      ]);
      for (const answer of running) await answer.message();
      const after = { builtin: 'demo', timeouts: { total: '9m' } };
      gateway.configure(
        configOf(
          what === 'changed'
            ? { nonce: { ...stdio, env: { A: '1' } }, demo: after }
            : { other: { builtin: 'demo' } },
        ),
      );
      expect(await gateway.reload()).toMatchObject({ ok: true });
      for (const answer of running)
        expect((await answer.messages()).at(-1)).toMatchObject({ id: 7, result: { content: [{}] } });
      await drained(gateway);
      const answer = await call(gateway.url, 'nonce__pid');
      expect((await answer.json()).error !== undefined).toBe(what === 'removed');
    });
  }
});
