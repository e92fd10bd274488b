// What a client writes on a pipe that is beyond a limit: whoever waits for it hears at once.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { openPipes, type Pipes } from '../../fixtures/pipes.ts';
import { initialize } from '../../fixtures/raw.ts';

let gateway: InProcess;
let client: Pipes;
beforeEach(async () => {
  const limits = { depth: 10, batch: 2 };
  gateway = await startInProcess(configOf(DEMO, { limits }), { listen: false });
  client = openPipes(gateway.gateway);
});
afterEach(() => gateway.stop());

const deep = JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`);
const ping = (id: unknown, more: object = {}) => ({ jsonrpc: '2.0', id, method: 'ping', ...more });

async function shakeHands(version: string, capabilities: object = {}): Promise<void> {
  const hello = initialize(version);
  client.write({ ...hello, id: 'hello', params: { ...hello.params, capabilities } });
  await client.next(({ id }) => id === 'hello');
  client.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

test('a request too deep is refused with its id, in both eras', async () => {
  const params = withEnvelope({ name: 'echo', arguments: { deep } });
  client.write({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params });
  expect(await client.next()).toMatchObject({ id: 'a', error: { code: -32600 } });
  await shakeHands('2025-11-25');
  client.write(ping('b', { params: { deep } }));
  expect(await client.next()).toMatchObject({ id: 'b', error: { code: -32600 } });
});

test('each request of a batch that is too large is refused, once', async () => {
  await shakeHands('2025-03-26');
  client.write([ping(1), ping('1'), ping(1), { jsonrpc: '2.0', id: 5, result: {} }, 7]);
  const answers = (await client.next()) as { id: unknown; error: { code: number; message: string } }[];
  expect(answers.map(({ id, error }) => [id, error.code])).toEqual([
    [1, -32600],
    ['1', -32600],
  ]);
  expect(answers[0]?.error.message).toContain('limits.batch');
  client.write([ping(2, { params: { deep } })]);
  expect(await client.next()).toMatchObject([{ id: 2, error: { code: -32600 } }]);
});

test('an answer too deep ends the question it is for, and is not told to the client under an id of ours', async () => {
  await shakeHands('2025-11-25', { elicitation: {} });
  client.write({ jsonrpc: '2.0', id: 'q', method: 'tools/call', params: { name: 'ask', arguments: {} } });
  const { id } = await client.next(({ method }) => method === 'elicitation/create');
  client.write({ jsonrpc: '2.0', id, result: { action: 'accept', content: { deep } } });
  expect(await client.next()).toMatchObject({ id: 'q' });
  expect(client.all.filter((message) => message.id === id && message.error)).toEqual([]);
  expect(await gateway.figure('refused', { code: 'INVALID_REQUEST' })).toBe(1);
});
