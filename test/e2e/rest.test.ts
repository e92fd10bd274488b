// A session that nobody uses for a while holds nothing at its upstreams, and does not notice.
import { expect, test } from 'bun:test';
import { openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';
import { serveWatched, watchedStdio } from '../fixtures/watched.ts';

const limits = { session_rest: '200ms' };

const upstreams = {
  'a process of its own': () => ({
    entry: { ...watchedStdio('2025'), instances: { per: 'session' } },
    stop() {},
  }),
  'an HTTP session of its own': () => {
    const { url, stop } = serveWatched('2025');
    return { entry: { url }, stop };
  },
};

for (const [what, start] of Object.entries(upstreams))
  test(`${what} is closed, and opened again by the next call`, async () => {
    const { entry, stop } = start();
    await using gateway = await startInProcess(configOf({ watched: entry }, { limits }));
    const session = await openSession(gateway.url);
    const links = () => gateway.gateway.report().upstreams[0]?.links;
    const say = async (id: number): Promise<unknown[]> => {
      const messages = await (await session.call('say', { text: 'x' }, { id })).messages();
      expect(messages.at(-1)).toMatchObject({ id, result: { content: [{ text: 'x' }] } });
      return messages.slice(0, -1).map(({ params }) => params.data);
    };
    await (await session.ask('logging/setLevel', { level: 'warning' })).text();
    await (await session.ask('resources/subscribe', { uri: 'test://a' })).text();
    expect(await say(1)).toEqual(['x warning', 'x error']);
    expect(links()).toBe(1);
    await until(() => links() === 0 && gateway.gateway.report().sessions === 0);
    expect(await say(2)).toEqual(['x warning', 'x error']);
    expect([links(), gateway.gateway.report().sessions]).toEqual([1, 1]);
    // One that listens is in use; what it watches is watched again, and may have changed.
    const stream = await session.stream();
    const heard = new Set<string>();
    while (!heard.has('test://a')) heard.add((await stream.message()).params?.uri);
    expect(links()).toBe(1);
    stream.drop();
    await gateway.stop();
    await stop();
  });
