// The stdio listener with a client by hand: both eras on one pair of pipes.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { openPipes, type Pipes } from '../../fixtures/pipes.ts';
import { initialize } from '../../fixtures/raw.ts';
import { note, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';

let gateway: InProcess;
let client: Pipes;
beforeEach(async () => {
  gateway = await startInProcess(configOf(DEMO, { limits: { line: '64KiB' } }), { listen: false });
  client = openPipes(gateway.gateway);
});
afterEach(() => gateway.stop());

const answerTo = (id: unknown) => client.next((message) => message.id === id && message.method === undefined);
const request = (id: unknown, method: string, params?: object) => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params && { params }),
});
const modern = (id: unknown, method: string, params: object = {}, more: object = {}) =>
  request(id, method, withEnvelope(params, more));

async function shakeHands(capabilities: object = {}): Promise<void> {
  const hello = initialize('2025-11-25');
  client.write({ ...hello, id: 'hello', params: { ...hello.params, capabilities } });
  await answerTo('hello');
  client.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

describe('before anything is agreed', () => {
  test('only ping and the first words are understood', async () => {
    client.write(request(1, 'ping'));
    expect(await answerTo(1)).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    client.write(request(2, 'tools/list'));
    expect(await answerTo(2)).toMatchObject({ error: { code: -32602 } });
  });

  test('lines that are no message are refused, and the next one is read', async () => {
    const garbage = [
      'garbage',
      '{"jsonrpc":"2.0"',
      '[]',
      '1',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      '\ufeff{}',
      '{"a":1,"a":1}',
    ];
    for (const line of garbage) {
      client.write(line);
      expect(await client.next()).toMatchObject({ id: null, error: { code: expect.any(Number) } });
    }
    client.write(new Uint8Array([0x22, 0xff, 0x22, 0x0a]));
    expect(await client.next()).toMatchObject({ id: null, error: { code: -32700 } });
    client.write('\r\n\n');
    client.write(`${JSON.stringify(request('"', 'ping'))}\r`);
    expect(await answerTo('"')).toMatchObject({ result: {} });
  });

  test('a client of 2026-07-28 gets no null for an id', async () => {
    client.write(modern(1, 'tools/list'));
    await answerTo(1);
    client.write('garbage');
    const refusal = await client.next();
    expect([refusal.error.code, 'id' in refusal]).toEqual([-32700, false]);
  });
});

describe('2026-07-28', () => {
  test('ids come back as they were, and calls at once do not mix', async () => {
    const ids = [0, '0', 1, '1', '', 'é'];
    for (const id of ids)
      client.write(modern(id, 'tools/call', { name: 'echo', arguments: { text: `of ${typeof id} ${id}` } }));
    for (const id of ids) expect((await answerTo(id)).result.content[0].text).toBe(`of ${typeof id} ${id}`);
  });

  test('what it must carry is checked', async () => {
    client.write(
      request(1, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }),
    );
    expect(await answerTo(1)).toMatchObject({ error: { code: -32602 } });
    client.write(
      request(2, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } }),
    );
    const { error } = await answerTo(2);
    expect([error.code, Object.keys(error.data)]).toEqual([-32022, ['supported', 'requested']]);
    client.write(modern(3, 'ping'));
    expect(await answerTo(3)).toMatchObject({ error: { code: -32601 } });
  });

  test('a cancelled call gets no response', async () => {
    client.write(
      modern('c', 'tools/call', { name: 'slow_count', arguments: { to: 100, every_ms: 5 } }, { token: 't' }),
    );
    await client.next((message) => message.method === 'notifications/progress');
    client.write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } });
    await until(() => gateway.gateway.report().inFlight === 0);
    client.write(modern('after', 'tools/call', { name: 'echo', arguments: { text: 'x' } }));
    await answerTo('after');
    expect(client.all.filter(({ id }) => id === 'c')).toEqual([]);
  });

  test('a subscription is acknowledged, tagged, and cancelled in silence', async () => {
    client.write(
      modern(5, 'subscriptions/listen', { notifications: { resourceSubscriptions: ['demo://clock'] } }),
    );
    const acknowledged = await client.next();
    expect(acknowledged).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
    expect(acknowledged.params._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 5 });
    client.write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } });
    await until(() => gateway.gateway.report().streams === 0);
    expect(client.all.filter(({ id }) => id === 5)).toEqual([]);
  });

  test('a subscription ends with the gateway: announced, then answered', async () => {
    client.write(modern(5, 'subscriptions/listen', { notifications: { toolsListChanged: true } }));
    await client.next();
    const stopped = gateway.stop();
    expect(await client.next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 5 },
    });
    expect(await client.next()).toMatchObject({
      id: 5,
      result: { _meta: { 'io.modelcontextprotocol/subscriptionId': 5 } },
    });
    await stopped;
  });
});

describe('a session', () => {
  test('begins once, and can then do what sessions do', async () => {
    await shakeHands();
    client.write({ ...initialize('2025-11-25'), id: 'again' });
    expect(await answerTo('again')).toMatchObject({ error: { code: -32600 } });
    client.write(request(1, 'tools/call', { name: 'echo', arguments: { text: 'x' } }));
    expect((await answerTo(1)).result).not.toContainKey('resultType');
    client.write(request(2, 'resources/subscribe', { uri: 'demo://clock' }));
    expect(await answerTo(2)).toMatchObject({ result: {} });
    client.write(modern(3, 'tools/call', { name: 'echo', arguments: { text: 'y' } }));
    expect((await answerTo(3)).result).toContainKey('resultType');
  });

  test('that could not begin can be begun again', async () => {
    client.write(request('bad', 'initialize', {}));
    expect(await answerTo('bad')).toMatchObject({ error: { code: -32600 } });
    await shakeHands();
  });

  test('is asked on the same pipe', async () => {
    await shakeHands({ elicitation: {} });
    client.write(request('q', 'tools/call', { name: 'ask', arguments: {} }));
    const question = await client.next((message) => message.method === 'elicitation/create');
    client.write({ jsonrpc: '2.0', id: 'nobody', result: {} });
    client.write({
      jsonrpc: '2.0',
      id: question.id,
      result: { action: 'accept', content: { answer: 'blue' } },
    });
    expect((await answerTo('q')).result.content[0].text).toContain('blue');
  });

  test('has its progress complete and in order before the result, 50 times', async () => {
    await shakeHands();
    for (let i = 0; i < 50; i++) {
      client.write(
        request(i, 'tools/call', {
          name: 'slow_count',
          arguments: { to: 5, every_ms: 0 },
          _meta: { progressToken: i },
        }),
      );
    }
    for (let i = 0; i < 50; i++) await answerTo(i);
    for (let i = 0; i < 50; i++) {
      const mine = client.all.filter((message) => message.id === i || message.params?.progressToken === i);
      expect(mine.map(({ params }) => params?.progress)).toEqual([1, 2, 3, 4, 5, undefined]);
    }
  });
});

describe('the end', () => {
  test('of the input ends everything that runs', async () => {
    await shakeHands({ elicitation: {} });
    client.write(request('q', 'tools/call', { name: 'ask', arguments: {} }));
    await client.next((message) => message.method === 'elicitation/create');
    for (const id of ['a', 'a', 'b'])
      client.write(modern(id, 'tools/call', { name: 'slow_count', arguments: { to: 100, every_ms: 1000 } }));
    client.write(modern('l', 'subscriptions/listen', { notifications: { toolsListChanged: true } }));
    await client.next((message) => message.method === 'notifications/subscriptions/acknowledged');
    await client.end();
    expect(gateway.gateway.report()).toMatchObject({ inFlight: 0, streams: 0 });
    await until(() => gateway.gateway.report().upstreams[0]?.calls === 0);
  });

  test('of the input leaves calls the time to be answered', async () => {
    client.write(modern('s', 'tools/call', { name: 'slow_count', arguments: { to: 2, every_ms: 10 } }));
    await client.end();
    expect(client.all.at(-1)).toMatchObject({ id: 's', result: { resultType: 'complete' } });
  });

  test('comes with a line that is too long', async () => {
    client.write('x'.repeat(70_000));
    await until(() => gateway.lines.some(({ level }) => level === 'error'));
    expect(client.all).toEqual([]);
  });
});

test('a client that reads slowly holds its call back, and loses nothing', async () => {
  const sent: Record<string, number> = {};
  const upstream = startRawUpstream({
    async *answer({ message: { params } }) {
      for (let progress = 1; progress <= 500; progress++) {
        sent[params.name] = progress;
        const own = { progressToken: params._meta.progressToken, progress, message: 'x'.repeat(65_536) };
        yield note('notifications/progress', own);
      }
      return '{"resultType":"complete","content":[]}';
    },
  });
  const limits = { stream_buffer: '128KiB' };
  await using slow = await startInProcess(configOf({ raw: { url: upstream.url } }, { limits }), {
    listen: false,
  });
  const gate = Promise.withResolvers<void>();
  const reader = openPipes(slow.gateway, { slow: () => gate.promise });
  reader.write(modern(1, 'tools/call', { name: 'stalled' }, { token: 't' }));
  await upstream.arrived('tools/call');
  // A second client, which reads, has as much to read and is through before.
  const brisk = openPipes(slow.gateway);
  brisk.write(modern(2, 'tools/call', { name: 'brisk' }, { token: 't' }));
  await brisk.next(({ id }) => id === 2);
  expect(sent.stalled).toBeLessThan(400);
  gate.resolve();
  await reader.next(({ id }) => id === 1);
  expect(reader.all.slice(0, -1).map(({ params }) => params.progress)).toEqual(
    [...Array(500).keys()].map((i) => i + 1),
  );
  await upstream.stop();
});
