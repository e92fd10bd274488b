// T6: `sluice call` on a terminal: a bar that moves, what the call waits for in its words, percent where there is a total.
import { afterEach, expect, test } from 'bun:test';
import { definePlugin, z } from '../../../src/plugin.ts';
import { configOf, startInProcess } from '../../fixtures/in-process.ts';
import { note, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { Home } from './child.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const TOOLS = JSON.stringify([{ name: 'x', inputSchema: { type: 'object' } }]);

test('it says what is waited for, then how far it is, and leaves the result alone', async () => {
  const [approved, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const approve = definePlugin({
    name: 'approve',
    api: 1,
    about: 'Waits for somebody.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest: (request, x) =>
        request.method === 'tools/call'
          ? x.hold(approved.promise, { phase: 'waiting for approval' })
          : undefined,
    }),
  });
  const upstream = startRawUpstream({
    era: '2026',
    tools: TOOLS,
    async *answer({ message: { params } }) {
      const { progressToken } = params._meta;
      yield note('notifications/progress', { progressToken, progress: 1, total: 4, message: 'indexing' });
      await seen.promise;
      return '{"content":[{"type":"text","text":"all indexed"}]}';
    },
  });
  ending.push(upstream.stop);
  const gateway = await startInProcess(
    configOf({ up: { url: upstream.url } }, { pipeline: [{ approve: {} }] }),
    {
      plugins: { approve },
    },
  );
  ending.push(gateway.stop);
  const home = new Home();
  ending.push(() => home[Symbol.asyncDispose]());
  const child = home.start(['call', 'x', '--url', gateway.url], { terminal: true, env: { NO_COLOR: '1' } });
  await child.until(/████░+ 0 {2}"waiting for approval"/);
  approved.resolve();
  await child.until(/█████░{15} 25% {2}"indexing"/);
  seen.resolve();
  expect(await child.exited).toBe(0);
  expect(child.out.split('\r\u001b[2K').at(-1)?.trim()).toBe('all indexed');
});
