// An upstream that fails half of what it is asked, through a whole gateway: what clients see of it, and what more of it
// is asked for that.
import { expect, test } from 'bun:test';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { answer, type Behaviour, json, startRogue, status } from '../fixtures/rogue.ts';

const CONTENTS = { resultType: 'complete', contents: [], ttlMs: 0, cacheScope: 'private' };
const READS = 300;

async function half(fail: Behaviour) {
  let hits = 0;
  const rogue = await startRogue(
    (hit, res, self) => {
      if (hits++ % 2 === 0) return fail(hit, res, self);
      const { id, method } = hit.message;
      return json(res, method === 'tools/call' ? answer(hit) : { jsonrpc: '2.0', id, result: CONTENTS });
    },
    { era: 'both' },
  );
  const gateway = await startInProcess(configOf({ half: { url: rogue.url, retry: { backoff: '1ms' } } }));
  return {
    rogue,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await rogue.stop();
    },
  };
}

test.each<[string, Behaviour]>([
  ['with 503', (_, res) => status(res, 503)],
  ['by closing the connection', (_, res) => void res.socket?.destroy()],
])('%s: it is asked for a fifth more at most, and tools are called once', async (_, fail) => {
  await using there = await half(fail);
  const { gateway, rogue } = there;
  const session = await openSession(gateway.url);
  let answered = 0;
  for (let n = 0; n < READS / 2; n++) {
    const uri = `a:${n}`;
    const both = [
      ask(gateway.url, 'resources/read', { uri }, { name: uri }),
      session.ask('resources/read', { uri }),
    ];
    for (const got of both) if ((await (await got).messages()).at(-1).result) answered++;
  }
  const sent = rogue.of('resources/read').length;
  expect(sent / READS).toBeLessThanOrEqual(1.2);
  expect(answered).toBeGreaterThan(READS / 2);
  const before = rogue.of('tools/call').length;
  for (let n = 0; n < 10; n++) await (await call(gateway.url, 'tool')).text();
  expect(rogue.of('tools/call').length - before).toBe(10);
  // It answers every other time: that is not away.
  expect(await gateway.figure('upstreamTrips')).toBe(0);
});
