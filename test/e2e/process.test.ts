// The program itself as a process: sessions that outlive it, and an end that drops nothing.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, listen, openSession } from '../fixtures/clients.ts';
import { plainConfig, startGateway } from '../fixtures/gateway.ts';
import { DEMO } from '../fixtures/in-process.ts';
import { connectPeer, textOf } from '../fixtures/peers.ts';

describe('another process with the same state', () => {
  for (const kind of ['v1', 'legacy'] as const) {
    test(`goes on with the session of a ${kind} client`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'sluice-state-'));
      const config = { ...plainConfig(DEMO), state: { dir } };
      const first = await startGateway(config);
      const peer = await connectPeer(kind, { url: first.url });
      expect(textOf(await peer.call('echo', { text: 'one' }))).toBe('one');
      expect(await first.stop()).toBe(0);
      const listen = new URL(first.url).host;
      const second = await startGateway({ ...config, listeners: [{ http: { listen } }] });
      expect(second.pid).not.toBe(first.pid);
      expect(textOf(await peer.call('echo', { text: 'two' }))).toBe('two');
      await peer.close();
      expect(await second.stop()).toBe(0);
      rmSync(dir, { recursive: true, force: true });
    });
  }
});

test('SIGTERM lets what runs finish, ends streams, and exits with 0', async () => {
  const gateway = await startGateway(plainConfig(DEMO));
  const session = await openSession(gateway.url);
  const stream = await session.stream();
  const { answer } = await listen(gateway.url, { toolsListChanged: true });
  const running = await call(gateway.url, 'slow_count', { to: 30, every_ms: 10 }, { token: 1 });
  await running.message();
  const code = gateway.stop();
  expect(await stream.messages()).toEqual([]);
  expect(await answer.messages()).toMatchObject([{ id: 7, result: { resultType: 'complete' } }]);
  expect((await running.messages()).at(-1)).toMatchObject({
    id: 7,
    result: { structuredContent: { counted: 30 } },
  });
  expect(await code).toBe(0);
});

test('a port that is taken ends the start with its place in the file', async () => {
  const gateway = await startGateway(plainConfig(DEMO));
  const config = { ...plainConfig(DEMO), listeners: [{ http: { listen: new URL(gateway.url).host } }] };
  await expect(startGateway(config)).rejects.toThrow(/another program is listening there/);
  expect(await gateway.stop()).toBe(0);
});
