// The official clients over a network that breaks in the middle of a call.
import { describe, expect, test } from 'bun:test';
import { startCutting } from '../fixtures/cutting.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, type PeerKind, textOf } from '../fixtures/peers.ts';
import { startStepping } from '../fixtures/stepping.ts';
import { until } from '../fixtures/until.ts';

const KINDS: readonly PeerKind[] = ['v1', 'legacy'];
const limits = { resume_retry: '10ms' };

for (const kind of KINDS) {
  for (const era of ['2025', '2026'] as const) {
    describe(`a ${kind} client, a ${era} upstream`, () => {
      test('has all of its progress and its result after every break', async () => {
        await using steps = startStepping({ result: '{"content":[{"type":"text","text":"done"}]}' }, era);
        await using gateway = await startInProcess(configOf({ steps: { url: steps.url } }, { limits }));
        await using network = await startCutting(gateway.url);
        const peer = await connectPeer(kind, { url: network.url });
        const seen: number[] = [];
        const result = peer.call('x', {}, { onProgress: ({ progress }) => seen.push(progress) });
        for (let n = 1; n <= 6; n++) {
          steps.reach(n);
          // Half of the breaks are noticed before there is more to tell, half after.
          await until(() => seen.length >= (n % 2 === 0 ? n - 1 : n));
          if (n < 6) network.cut();
        }
        await until(() => seen.length === 6);
        network.cut();
        steps.finish();
        expect(textOf(await result)).toBe('done');
        expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
        expect(await gateway.figure('exchanges', { method: 'tools/call' })).toBe(1);
        await peer.close();
      });
    });
  }

  test(`a ${kind} client answers a question that it was asked while it was away`, async () => {
    await using gateway = await startInProcess(configOf(DEMO, { limits }));
    await using network = await startCutting(gateway.url);
    let asked = 0;
    const peer = await connectPeer(
      kind,
      { url: network.url },
      {
        elicit() {
          asked++;
          return { action: 'accept', content: { answer: 'green' } };
        },
      },
    );
    const result = peer.call('ask', {});
    await until(async () => asked > 0);
    network.cut();
    expect(textOf(await result)).toContain('green');
    await peer.close();
  });

  test(`a ${kind} client hears of changes after a break, each once`, async () => {
    await using steps = startStepping();
    await using gateway = await startInProcess(configOf({ steps: { url: steps.url } }, { limits }));
    await using network = await startCutting(gateway.url);
    const peer = await connectPeer(kind, { url: network.url });
    const updated: string[] = [];
    await peer.watch('test://a', (uri) => updated.push(uri));
    await until(() => steps.upstream.listeners > 0 && gateway.gateway.report().streams === 1);
    steps.upstream.tell('notifications/resources/updated', { uri: 'test://a' });
    await until(() => updated.length === 1);
    const { connections } = network;
    network.cut();
    await until(() => gateway.gateway.report().streams === 0 || network.connections > connections);
    steps.upstream.tell('notifications/resources/updated', { uri: 'test://a' });
    await until(() => updated.length === 2);
    steps.upstream.tell('notifications/resources/updated', { uri: 'test://a' });
    await until(() => updated.length === 3);
    expect(await gateway.figure('resumed', { outcome: 'replayed' })).toBeGreaterThan(0);
    await peer.close();
    steps.finish();
  });
}

test('a call whose client never comes back ends, and nothing of it is left', async () => {
  await using steps = startStepping({ padding: 'x'.repeat(1_000) });
  await using gateway = await startInProcess(configOf({ steps: { url: steps.url } }, { limits }));
  for (let round = 0; round < 3; round++) {
    await using network = await startCutting(gateway.url);
    const peer = await connectPeer('v1', { url: network.url });
    const results = Array.from({ length: 20 }, () =>
      peer.call('x', {}, { onProgress() {} }).catch(() => 'gone'),
    );
    steps.reach(1);
    await until(async () => (await gateway.figure('notifications')) >= 20 * (round + 1));
    await peer.close();
    expect(new Set(await Promise.all(results))).toEqual(new Set(['gone']));
  }
  expect(gateway.gateway.report().inFlight).toBe(60);
  steps.finish();
  await until(() => gateway.gateway.report().inFlight === 0);
  expect(gateway.gateway.report().upstreams[0]).toMatchObject({ calls: 0, tokens: 0 });
  expect(gateway.gateway.report().streams).toBe(0);
  expect(await gateway.figure('resumeBytes')).toBeGreaterThan(0);
});
