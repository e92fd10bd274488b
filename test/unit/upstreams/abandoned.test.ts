// Calls that were given up on a channel: for as long as the server may ask for one, others are in doubt.
import { expect, test } from 'bun:test';
import type { Outbound } from '../../../src/core/outbound.ts';
import { ChannelLink } from '../../../src/upstreams/channel-link.ts';
import { clientOf, collector, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { limits } from '../../fixtures/specs.ts';

function channel() {
  const host = testHost();
  let hear: (text: string) => void = () => {};
  const link = new ChannelLink(
    {
      name: 'up',
      limits,
      cancel: 0,
      slowClient: 0,
      host,
      own: (method) => exchange(method),
      events: { unsolicited() {}, ended() {}, callOver() {} },
      question() {},
      withdrawn() {},
    },
    (hooks) => {
      hear = hooks.text;
      return {
        what: 'its process',
        outbound: () => ({}) as Outbound,
        send: async () => {},
        close: async () => {},
      };
    },
  );
  link.greet('2025', link.hello);
  return { host, link, hear };
}

test('one that is forgotten among very many leaves everybody in doubt', async () => {
  const { host, link, hear } = channel();
  const client = clientOf({ principal: 'ada' });
  const giveUp = (): string => {
    const call = link.start(toolCall('tool', {}, { client }), nobody);
    link.cancel(call, 'no longer wanted');
    return String(call.id);
  };
  const ids = Array.from({ length: 100 }, giveUp);
  expect(link.doubtfulFor(toolCall('tool', {}, { client }))).toBe(false);
  expect(await host.figure('limitHits', { limit: 'abandoned' })).toBe(0);
  ids.push(giveUp());
  expect(await host.figure('limitHits', { limit: 'abandoned' })).toBe(1);
  for (const id of ids.slice(1)) hear(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  const other = toolCall('tool', {}, { client: clientOf({ principal: 'bob' }) });
  expect([link.doubtful, link.doubtfulFor(other)]).toEqual([true, true]);
  host.turn(limits.parkTtl + 1);
  expect([link.doubtful, link.doubtfulFor(other)]).toEqual([false, false]);
});

test('what one of them logs reaches nobody else, until the server has answered it or had its time', () => {
  const { host, link, hear } = channel();
  const [ada, bob] = [clientOf({ principal: 'ada' }), clientOf({ principal: 'bob' })];
  const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"of ada"}}';
  const answered = (id: number): void => hear(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  const giveUp = (): number => {
    const call = link.start(toolCall('tool', {}, { client: ada }), nobody);
    link.cancel(call, 'no longer wanted');
    return call.id;
  };
  const loggedTo = (client: typeof ada): number => {
    const heard = collector();
    const call = link.start(toolCall('tool', {}, { client, logLevel: 'debug' }), heard.emit);
    hear(log);
    answered(call.id);
    return heard.notes.length;
  };
  expect(loggedTo(bob)).toBe(1);
  const id = giveUp();
  expect([loggedTo(bob), loggedTo(ada)]).toEqual([0, 1]);
  answered(id);
  expect(loggedTo(bob)).toBe(1);
  giveUp();
  expect(loggedTo(bob)).toBe(0);
  host.turn(limits.parkTtl + 1);
  expect(loggedTo(bob)).toBe(1);
});
