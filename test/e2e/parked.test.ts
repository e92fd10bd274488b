// Calls that wait for their user while the configuration changes beneath them: they go on where they began.
import { afterAll, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { type AnyPlugin, definePlugin } from '../../src/plugin.ts';
import { ACCEPT, FORM, startAskingServer } from '../fixtures/asker.ts';
import { ask, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { childPath } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';

const capabilities = { elicitation: {} };
const ARGS = { questions: [FORM] };
const TOLD = JSON.stringify([ACCEPT]);

/** Counts the calls of tools that leave for any upstream. */
function counting() {
  const count = { calls: 0 };
  const plugin = definePlugin({
    name: 'counting',
    api: 1,
    about: 'Counts.',
    schema: z.strictObject({}),
    setup: () => ({
      onSend(outbound) {
        if (outbound.body.includes('"tools/call"')) count.calls++;
        return undefined;
      },
    }),
  });
  return { count, plugins: { counting: plugin } as Record<string, AnyPlugin> };
}

type Parked = { answer(): Promise<unknown> };

/** Makes the call up to its question. */
const parkings: Record<string, (gateway: InProcess) => Promise<Parked>> = {
  async '2025'(gateway) {
    const session = await openSession(gateway.url, { capabilities });
    const stream = await session.call('ask', ARGS);
    const { id } = await stream.message();
    return {
      async answer() {
        expect(await session.tell({ id, result: ACCEPT })).toBe(202);
        const last = (await stream.messages()).at(-1);
        return last.result?.content?.[0].text ?? last;
      },
    };
  },
  async '2026'(gateway) {
    const call = { name: 'ask', arguments: ARGS };
    const options = { name: 'ask', capabilities };
    const first = await (await ask(gateway.url, 'tools/call', call, options)).json();
    const { requestState } = first.result;
    return {
      async answer() {
        const retry = { ...call, requestState, inputResponses: { user_name: ACCEPT } };
        const last = await (await ask(gateway.url, 'tools/call', retry, { ...options, id: 8 })).json();
        return last.result?.content?.[0].text ?? last;
      },
    };
  },
};

for (const transport of ['http', 'stdio'] as const) {
  describe(`a call parked at a ${transport} upstream`, () => {
    const server = transport === 'http' ? startAskingServer() : undefined;
    afterAll(() => server?.stop());
    const entry = server
      ? { url: server.url }
      : { command: process.execPath, args: [childPath('server.ts'), '--era', '2025'] };
    const config = (upstreams: Record<string, unknown>, more = {}) =>
      configOf(upstreams, { pipeline: [{ counting: {} }], ...more });

    for (const [era, park] of Object.entries(parkings)) {
      for (const [what, after] of Object.entries({
        changed: { up: { ...entry, timeouts: { total: '7m' } } },
        removed: { other: { builtin: 'demo' } },
        'given other names': { up: entry, other: { builtin: 'demo' } },
      })) {
        test(`of a ${era} client survives a reload in which it is ${what}`, async () => {
          const { count, plugins } = counting();
          await using gateway = await startInProcess(config({ up: entry }), { plugins });
          const parked = await park(gateway);
          gateway.configure(config(after));
          expect(await gateway.reload()).toMatchObject({ ok: true, generation: 2 });
          gateway.configure(config(after, { limits: { keep_alive: '7s' } }));
          expect(await gateway.reload()).toMatchObject({ ok: true, generation: 3 });
          await until(() => gateway.gateway.report().draining === 1);
          expect(await parked.answer()).toBe(TOLD);
          expect(count.calls).toBe(1);
          // What it held goes with it.
          await until(() => gateway.gateway.report().draining === 0);
          expect(await gateway.figure('parked')).toBe(0);
          if (era === '2026')
            expect(await parked.answer()).toMatchObject({ error: { data: { code: expect.any(String) } } });
          expect(count.calls).toBe(1);
        });
      }

      test(`of a ${era} client keeps its generation no longer than it waits itself`, async () => {
        await using gateway = await startInProcess(
          configOf({ up: entry }, { limits: { park_ttl: '50ms' }, drain: '60s' }),
        );
        await park(gateway);
        gateway.configure(configOf({ other: { builtin: 'demo' } }));
        await gateway.reload();
        expect(gateway.gateway.report().draining).toBe(1);
        await until(() => gateway.gateway.report().draining === 0);
        expect(await gateway.figure('parked')).toBe(0);
      });
    }

    test('of a 2026 client does not keep the gateway from stopping, for nobody can come back for it', async () => {
      const gateway = await startInProcess(configOf({ up: entry }, { drain: '600s' }));
      await parkings['2026']?.(gateway);
      await gateway.stop();
      expect(await gateway.figure('parked')).toBe(0);
    });

    test('of a 2025 client is cut after drain when the gateway stops', async () => {
      const gateway = await startInProcess(configOf({ up: entry }, { drain: '50ms' }));
      const session = await openSession(gateway.url, { capabilities });
      const stream = await session.call('ask', ARGS);
      await stream.message();
      const stopped = gateway.stop();
      expect((await stream.messages()).at(-1)).toMatchObject({ error: { data: { code: 'STOPPING' } } });
      await stopped;
      expect(await gateway.figure('parked')).toBe(0);
    });
  });
}
