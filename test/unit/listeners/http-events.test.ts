// What clients hear outside of calls, over real sockets: the GET stream of a session, and subscriptions/listen.
import { describe, expect, test } from 'bun:test';
import { ask, listen, openSession } from '../../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';

type Era = '2025' | '2026';
const ERAS: readonly Era[] = ['2025', '2026'];
const ID = 'io.modelcontextprotocol/subscriptionId';
const acknowledgement = 'notifications/subscriptions/acknowledged';
const updated = 'notifications/resources/updated';
const toolsChanged = 'notifications/tools/list_changed';
const promptsChanged = 'notifications/prompts/list_changed';

/** An upstream that honours every subscription. */
async function world(
  era: Era,
  run: (gateway: InProcess, upstream: RawUpstream) => Promise<void>,
  limits: object = {},
): Promise<void> {
  const upstream = startRawUpstream({ era, answer: () => '{"resultType":"complete"}' });
  await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }, { limits }));
  try {
    await run(gateway, upstream);
  } finally {
    await upstream.stop();
  }
}

/** Resolves once the upstream has somebody to tell. */
const heard = (upstream: RawUpstream, streams = 1) => until(() => upstream.listeners >= streams);

for (const era of ERAS) {
  describe(`with a ${era} upstream`, () => {
    test('a session hears of lists, and of the resources it subscribed to', async () => {
      await world(era, async ({ url }, upstream) => {
        const session = await openSession(url);
        const stream = await session.stream();
        expect(await (await session.ask('resources/subscribe', { uri: 'test://a' })).json()).toMatchObject({
          result: {},
        });
        await heard(upstream);
        upstream.tell(updated, { uri: 'test://b' });
        upstream.tell(updated, { uri: 'test://a', x: 1 });
        upstream.tell(toolsChanged);
        expect(await stream.message()).toEqual({
          jsonrpc: '2.0',
          method: updated,
          params: { uri: 'test://a', x: 1 },
        });
        expect(await stream.message()).toMatchObject({ method: toolsChanged });
        expect(await (await session.ask('resources/unsubscribe', { uri: 'test://a' })).json()).toMatchObject({
          result: {},
        });
        await heard(upstream);
        upstream.tell(updated, { uri: 'test://a' });
        upstream.tell(promptsChanged);
        expect(await stream.message()).toMatchObject({ method: promptsChanged });
        stream.drop();
      });
    });

    test('a session hears later, once, what happened while no stream was open', async () => {
      await world(era, async ({ url }, upstream) => {
        const session = await openSession(url);
        await (await session.ask('resources/subscribe', { uri: 'test://a' })).text();
        await heard(upstream);
        for (let i = 1; i <= 5; i++) {
          upstream.tell(toolsChanged);
          upstream.tell(updated, { uri: 'test://a', i });
        }
        upstream.tell('notifications/message', { level: 'info', data: 'of its moment' });
        upstream.tell(promptsChanged);
        // The newest word of the upstream has been taken when this one has.
        const other = await openSession(url);
        const second = await other.stream();
        await heard(upstream, 2);
        upstream.tell(promptsChanged);
        await second.message();
        const stream = await session.stream();
        const told = [await stream.message(), await stream.message(), await stream.message()];
        expect(told.map(({ method }) => method).toSorted()).toEqual(
          [promptsChanged, updated, toolsChanged].toSorted(),
        );
        expect(told.find(({ method }) => method === updated).params.i).toBe(5);
        upstream.tell(updated, { uri: 'test://a', i: 6 });
        expect((await stream.message()).params.i).toBe(6);
        stream.drop();
        second.drop();
      });
    });

    test('many subscriptions at once are all honoured', async () => {
      await world(era, async ({ url }, upstream) => {
        const session = await openSession(url);
        const stream = await session.stream();
        const uris = [...Array(20).keys()].map((i) => `test://${i}`);
        const answers = await Promise.all(
          [...uris, ...uris].map((uri) => session.ask('resources/subscribe', { uri })),
        );
        for (const answer of answers) expect(await answer.json()).toMatchObject({ result: {} });
        await heard(upstream);
        const told = new Set<string>();
        for (const uri of uris) upstream.tell(updated, { uri });
        while (told.size < uris.length) told.add((await stream.message()).params.uri);
        stream.drop();
      });
    });

    for (const id of [0, '', 'l']) {
      test(`a subscription has what it asked for, tagged with its id ${JSON.stringify(id)}`, async () => {
        await world(era, async (gateway, upstream) => {
          const filter = { toolsListChanged: true, resourceSubscriptions: ['test://a'] };
          const { answer: stream, acknowledged } = await listen(gateway.url, filter, { id });
          const _meta = { [ID]: id };
          expect(acknowledged).toEqual({
            jsonrpc: '2.0',
            method: acknowledgement,
            params: { notifications: filter, _meta },
          });
          await heard(upstream);
          upstream.tell(promptsChanged);
          upstream.tell(updated, { uri: 'test://b' });
          upstream.tell(toolsChanged);
          upstream.tell(updated, { uri: 'test://a' });
          expect(await stream.message()).toEqual({
            jsonrpc: '2.0',
            method: updated,
            params: { uri: 'test://a', _meta },
          });
          // A moment later: a burst of changes is told of once.
          expect(await stream.message()).toEqual({ jsonrpc: '2.0', method: toolsChanged, params: { _meta } });
          const stopped = gateway.stop();
          expect(await stream.messages()).toMatchObject([{ id, result: { resultType: 'complete', _meta } }]);
          await stopped;
        });
      });
    }

    test('a subscription that its client closes is closed upstream', async () => {
      await world(era, async (gateway, upstream) => {
        const { answer } = await listen(gateway.url, { resourceSubscriptions: ['test://a'] });
        await heard(upstream);
        answer.drop();
        if (era === '2026') await until(() => upstream.listeners === 0);
        else await upstream.arrived('resources/unsubscribe');
        await until(() => gateway.gateway.report().streams === 0);
        await until(() => gateway.gateway.report().upstreams[0]?.calls === 0);
      });
    });

    test('one client that stops listening to a resource does not stop another', async () => {
      await world(era, async ({ url }, upstream) => {
        const session = await openSession(url);
        const stream = await session.stream();
        const { answer } = await listen(url, { resourceSubscriptions: ['test://a'] });
        await (await session.ask('resources/subscribe', { uri: 'test://a' })).text();
        await (await session.ask('resources/unsubscribe', { uri: 'test://a' })).text();
        upstream.tell(updated, { uri: 'test://a' });
        expect(await answer.message()).toMatchObject({ method: updated });
        answer.drop();
        stream.drop();
      });
    });
  });
}

describe('limits', () => {
  test('more streams than limits.streams are refused', async () => {
    await world(
      '2026',
      async ({ url }) => {
        const session = await openSession(url);
        const stream = await session.stream();
        const { answer } = await listen(url, {});
        const third = await ask(url, 'subscriptions/listen', { notifications: {} });
        expect([third.status, await third.json()]).toMatchObject([503, { id: 7, error: { code: 1503 } }]);
        const other = await (await openSession(url)).stream();
        expect([other.status, (await other.json()).error.code]).toEqual([503, 1503]);
        answer.drop();
        stream.drop();
      },
      { streams: 2 },
    );
  });

  test('events for a client that does not read are kept once each', async () => {
    const upstream = startRawUpstream({ era: '2025', answer: () => '{}' });
    await using gateway = await startInProcess(
      configOf({ raw: { url: upstream.url } }, { limits: { stream_buffer: '64KiB' } }),
    );
    const { answer } = await listen(gateway.url, {
      resourceSubscriptions: ['test://a'],
      toolsListChanged: true,
    });
    const { answer: brisk } = await listen(gateway.url, { promptsListChanged: true });
    await heard(upstream);
    const padding = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 400; i++) upstream.tell(updated, { uri: 'test://a', i, padding });
    upstream.tell(toolsChanged);
    upstream.tell(promptsChanged);
    await brisk.message();
    const told: number[] = [];
    for (let event = await answer.message(); event.method === updated; event = await answer.message())
      told.push(event.params.i);
    expect(told.length).toBeLessThan(400);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(399);
    answer.drop();
    brisk.drop();
    await upstream.stop();
  });
});
