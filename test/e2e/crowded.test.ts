// An upstream that hangs while many call it, through a whole gateway: what is beyond its places is refused at once,
// and the calls of others go on as if nothing were.
import { expect, test } from 'bun:test';
import { call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';

const RESULT = '{"content":[],"resultType":"complete"}';

async function twoUpstreams(concurrency: object) {
  const gate = Promise.withResolvers<string>();
  const slow = startRawUpstream({ answer: () => gate.promise });
  const other = startRawUpstream({ answer: () => RESULT });
  const upstreams = { slow: { url: slow.url, concurrency }, other: { url: other.url } };
  const gateway = await startInProcess(configOf(upstreams, { limits: { keep_alive: '20ms' } }));
  return {
    slow,
    gateway,
    open: () => gate.resolve(RESULT),
    atWork: (count: number) =>
      until(() => slow.seen.filter(({ message }) => message.method === 'tools/call').length === count),
    queued: (count: number) =>
      until(async () => (await gateway.figure('upstreamQueue', { upstream: 'slow' })) === count),
    async [Symbol.asyncDispose]() {
      gate.resolve(RESULT);
      await gateway.stop();
      await Promise.all([slow.stop(), other.stop()]);
    },
  };
}

test('beyond its places and its queue calls are refused at once, in either era, and others are served', async () => {
  await using two = await twoUpstreams({ max: 2, queue: 1 });
  const { gateway, open, atWork, queued } = two;
  const { url } = gateway;
  // Takes no place.
  const subscription = await listen(url, { toolsListChanged: true });
  const session = await openSession(url);
  const served = [call(url, 'slow__hang'), session.call('slow__hang', {}, { id: 1 })];
  await atWork(2);
  served.push(call(url, 'slow__hang'));
  await queued(1);
  for (const refused of [await call(url, 'slow__hang'), await session.call('slow__hang', {}, { id: 2 })]) {
    expect(refused.status).toBe(503);
    expect(String(refused.headers['retry-after'])).toMatch(/^[12]$/);
    expect((await refused.json()).error).toMatchObject({
      code: 1503,
      data: { code: 'BUSY', upstream: 'slow', retryAfterMs: expect.any(Number) },
    });
  }
  for (let i = 0; i < 20; i++) expect((await (await call(url, 'other__quick')).json()).result).toBeDefined();
  open();
  for (const answer of served) expect((await (await answer).messages()).at(-1).result).toBeDefined();
  expect(await gateway.figure('upstreamPending', { upstream: 'slow' })).toBe(1);
  subscription.answer.drop();
});

test('a caller that waits hears so, and its place in the queue goes with its connection', async () => {
  await using two = await twoUpstreams({ max: 1 });
  const { gateway, open, atWork, queued, slow } = two;
  const first = call(gateway.url, 'slow__hang');
  await atWork(1);
  const waits = await call(gateway.url, 'slow__hang', {}, { token: 'mine' });
  for (let i = 0; i < 3; i++) {
    expect((await waits.message()).params).toMatchObject({
      progressToken: 'mine',
      message: 'waiting for a free place at "slow"',
    });
  }
  await queued(1);
  waits.drop();
  await queued(0);
  open();
  await (await first).messages();
  expect(slow.seen.filter(({ message }) => message.method === 'tools/call')).toHaveLength(1);
});
