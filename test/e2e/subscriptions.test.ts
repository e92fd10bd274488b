// What clients watch: several subscriptions at once, each with its own; upstreams that start again; one stream for
// each event.
import { describe, expect, test } from 'bun:test';
import { ask, listen, openSession, withEnvelope } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { madeBy } from '../fixtures/made-by.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { note, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import { serveWatched, watchedStdio } from '../fixtures/watched.ts';
import type { Answer } from '../fixtures/wire.ts';

const ERAS = ['2025', '2026'] as const;
const ID = 'io.modelcontextprotocol/subscriptionId';
const UPDATED = 'notifications/resources/updated';
const TOOLS = 'notifications/tools/list_changed';

const modern = (id: unknown, method: string, params: object) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: withEnvelope(params),
});

const touch = { name: 'touch' };

/** Has the upstream say that a resource changed. */
async function touched({ url }: InProcess, uri: string): Promise<void> {
  const answer = await ask(url, 'tools/call', { name: 'touch', arguments: { uri } }, touch);
  expect(await answer.json()).toMatchObject({ result: { content: [{ text: uri }] } });
}

/** What comes before the marker, each by its name and resource. */
async function heardUntil(stream: Answer, marker: string): Promise<string[]> {
  for (const heard: string[] = []; ; ) {
    const { method, params } = await stream.message();
    if (params?.uri === marker) return heard;
    heard.push(params?.uri === undefined ? method : `${method} ${params.uri}`);
  }
}

/** What comes until all of these have. */
async function heardAll(stream: Answer, ...wanted: string[]): Promise<string[]> {
  const heard: string[] = [];
  while (!wanted.every((one) => heard.includes(one))) {
    const { method, params } = await stream.message();
    heard.push(params?.uri === undefined ? method : `${method} ${params.uri}`);
  }
  return heard;
}

for (const era of ERAS) {
  const upstreams = { HTTP: () => serveWatched(era), stdio: () => ({ ...watchedStdio(era), stop() {} }) };
  for (const [transport, start] of Object.entries(upstreams))
    test(`several subscriptions of one client have each their own (${transport} upstream of ${era})`, async () => {
      const upstream = start();
      const { stop, ...entry } = upstream;
      await using gateway = await startInProcess(configOf({ watched: entry }));
      // Ids of one look are not one id.
      const filters = {
        number: [1, 'test://a'],
        text: ['1', 'test://b'],
        both: ['x', 'test://a', 'test://b'],
      };
      const streams = new Map<string, Answer>();
      for (const [name, [id, ...uris]] of Object.entries(filters)) {
        const { answer, acknowledged } = await listen(gateway.url, { resourceSubscriptions: uris }, { id });
        expect(acknowledged).toMatchObject({
          method: 'notifications/subscriptions/acknowledged',
          params: { notifications: { resourceSubscriptions: uris }, _meta: { [ID]: id } },
        });
        streams.set(name, answer);
      }
      for (const uri of ['test://a', 'test://b']) await touched(gateway, uri);
      const next = async (name: string) => {
        const { method, params } = (await streams.get(name)?.message()) ?? {};
        expect([method, params._meta]).toEqual([UPDATED, { [ID]: filters[name as keyof typeof filters][0] }]);
        return params.uri;
      };
      expect(await next('number')).toBe('test://a');
      expect(await next('text')).toBe('test://b');
      expect([await next('both'), await next('both')].toSorted()).toEqual(['test://a', 'test://b']);
      const stopped = gateway.stop();
      for (const [name, [id]] of Object.entries(filters))
        expect(await streams.get(name)?.messages()).toEqual([
          {
            jsonrpc: '2.0',
            id,
            result: madeBy(expect.objectContaining({ name: 'sluice' }), {
              resultType: 'complete',
              _meta: { [ID]: id },
            }),
          },
        ]);
      await stopped;
      await stop();
    });
}

test('several subscriptions on a pipe have each their own, and end one by one', async () => {
  const upstream = serveWatched('both');
  const config = configOf({ watched: { url: upstream.url } });
  await using gateway = await startInProcess(config, { listen: false });
  const client = openPipes(gateway.gateway);
  const of = (id: unknown) => (message: { params?: { _meta?: Record<string, unknown> } }) =>
    message.params?._meta?.[ID] === id;
  for (const [id, uri] of [
    [1, 'test://a'],
    ['1', 'test://b'],
  ] as const) {
    client.write(modern(id, 'subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } }));
    expect(await client.next(of(id))).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
  }
  const tell = async (id: string, uri: string) => {
    client.write(modern(id, 'tools/call', { name: 'touch', arguments: { uri } }));
    await client.next((message) => message.id === id);
  };
  await tell('t1', 'test://a');
  expect((await client.next(of(1))).params.uri).toBe('test://a');
  client.write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  await until(() => gateway.gateway.report().streams === 1);
  await tell('t2', 'test://a');
  await tell('t3', 'test://b');
  expect((await client.next(of('1'))).params.uri).toBe('test://b');
  expect(client.all.filter(of(1)).length).toBe(2);
  await client.end();
  await upstream.stop();
});

test('more resources than a client may watch are refused, on a pipe too', async () => {
  const config = configOf({ watched: watchedStdio() }, { limits: { subscriptions: 2 } });
  await using gateway = await startInProcess(config, { listen: false });
  const client = openPipes(gateway.gateway);
  const filter = { resourceSubscriptions: ['test://a', 'test://b', 'test://c'] };
  client.write(modern(1, 'subscriptions/listen', { notifications: filter }));
  expect(await client.next()).toMatchObject({ id: 1, error: { data: { code: 'SUBSCRIPTIONS_FULL' } } });
  expect(await gateway.figure('limitHits', { limit: 'subscriptions' })).toBe(1);
  await client.end();
});

describe('an upstream that starts again', () => {
  for (const era of ERAS) {
    test(`is watched again, and its clients hear once that everything may have changed (${era})`, async () => {
      const first = serveWatched(era);
      await using gateway = await startInProcess(configOf({ watched: { url: first.url } }));
      const session = await openSession(gateway.url);
      const stream = await session.stream();
      for (const uri of ['test://a', 'test://end'])
        expect(await (await session.ask('resources/subscribe', { uri })).json()).toMatchObject({
          result: {},
        });
      const filter = { toolsListChanged: true, resourceSubscriptions: ['test://a', 'test://end'] };
      const { answer } = await listen(gateway.url, filter);
      await touched(gateway, 'test://end');
      await heardUntil(stream, 'test://end');
      await heardUntil(answer, 'test://end');

      await first.stop();
      const second = serveWatched(era, Number(new URL(first.url).port));
      const resources = ['a', 'end'].map((name) => `${UPDATED} test://${name}`);
      const lists = [TOOLS, 'notifications/resources/list_changed'];
      expect((await heardAll(stream, ...resources, ...lists)).toSorted()).toEqual(
        [...resources, ...lists].toSorted(),
      );
      expect((await heardAll(answer, ...resources, TOOLS)).toSorted()).toEqual(
        [...resources, TOOLS].toSorted(),
      );
      await touched(gateway, 'test://a');
      await touched(gateway, 'test://end');
      for (const each of [stream, answer])
        expect(await heardUntil(each, 'test://end')).toEqual([`${UPDATED} test://a`]);
      stream.drop();
      answer.drop();
      await second.stop();
    });
  }
});

test('an event is on the standing stream alone, also while a call has one', async () => {
  const going = Promise.withResolvers<void>();
  const upstream = startRawUpstream({
    era: '2025',
    async *answer({ message }) {
      const { progressToken } = message.params._meta;
      yield note('notifications/progress', { progressToken, progress: 1 });
      await going.promise;
      return '{"content":[]}';
    },
    tools: '[{"name":"slow","inputSchema":{"type":"object"}}]',
  });
  await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
  const session = await openSession(gateway.url);
  const stream = await session.stream();
  await until(() => upstream.listeners > 0);
  const call = await session.call('slow', {}, { id: 9, token: 't' });
  upstream.tell(TOOLS);
  expect(await stream.message()).toMatchObject({ method: TOOLS });
  going.resolve();
  expect((await call.messages()).map(({ method, id }) => method ?? id)).not.toContain(TOOLS);
  stream.drop();
  await upstream.stop();
});

test('a resource that cannot be watched is refused as such', async () => {
  const upstream = startRawUpstream({
    era: '2025',
    answer: () => '!{"code":-32602,"message":"no such resource"}',
  });
  await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
  const session = await openSession(gateway.url);
  const answer = await session.ask('resources/subscribe', { uri: 'test://nowhere' });
  expect(await answer.json()).toMatchObject({
    error: { code: -32602, data: { code: 'PARAMS_INVALID', uri: 'test://nowhere' } },
  });
  await upstream.stop();
});
