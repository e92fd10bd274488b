// Batches on a pipe: one line in, one line with all answers out, in sessions of 2025-03-26.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { openPipes, type Pipes } from '../../fixtures/pipes.ts';
import { initialize } from '../../fixtures/raw.ts';
import { until } from '../../fixtures/until.ts';

let gateway: InProcess;
let client: Pipes;
beforeEach(async () => {
  gateway = await startInProcess(configOf(DEMO, { limits: { batch: 4 } }), { listen: false });
  client = openPipes(gateway.gateway);
});
afterEach(() => gateway.stop());

const rpc = (message: object) => ({ jsonrpc: '2.0', ...message });
const ping = (id: unknown) => rpc({ id, method: 'ping' });
const count = (id: unknown, every_ms: number) =>
  rpc({
    id,
    method: 'tools/call',
    params: { name: 'slow_count', arguments: { to: 2, every_ms }, _meta: { progressToken: 't' } },
  });

async function shakeHands(version: string): Promise<void> {
  client.write(initialize(version));
  await client.next();
  client.write(rpc({ method: 'notifications/initialized' }));
}

test('its requests run side by side, and are answered by one line', async () => {
  await shakeHands('2025-03-26');
  client.write([count('c', 1), ping(1), rpc({ method: 'notifications/x' }), ping('1')]);
  const progress = [await client.next(), await client.next()];
  expect(progress.map(({ params }) => (params as { progress: number }).progress)).toEqual([1, 2]);
  const answers = (await client.next()) as unknown as { id: unknown; result?: object }[];
  expect(answers.map(({ id }) => id)).toEqual([1, '1', 'c']);
  expect(answers.every(({ result }) => result !== undefined)).toBe(true);
});

test('without requests it gets no answer, and a cancelled one has none in it', async () => {
  await shakeHands('2025-03-26');
  client.write([rpc({ method: 'notifications/x' }), rpc({ id: 9, result: {} })]);
  client.write([count('c', 60_000), rpc({ method: 'notifications/cancelled', params: { requestId: 'c' } })]);
  await until(() => gateway.gateway.report().inFlight === 0);
  client.write(ping('next'));
  expect(await client.next()).toMatchObject({ id: 'next' });
});

test('it is refused as a whole where it may not be', async () => {
  const refused = async (batch: unknown, id: unknown, text: string) => {
    client.write(batch as object);
    const answer = await client.next();
    expect(answer).toMatchObject({ id, error: { code: -32600 } });
    expect(JSON.stringify(answer)).toContain(text);
  };
  await refused([ping(1)], null, '2025-03-26 alone');
  await shakeHands('2025-03-26');
  await refused([], null, 'empty');
  await refused([ping(1), ping(1)], 1, 'same id');
  await refused([initialize('2025-03-26')], 1, 'initialize');
  await refused([rpc({ id: 3, method: 'tools/list', params: withEnvelope({}) })], 3, '2026-07-28');
});

test('in a session of another revision it is none', async () => {
  await shakeHands('2025-06-18');
  client.write([ping(1)]);
  expect(await client.next()).toMatchObject({ id: null, error: { code: -32600 } });
});
