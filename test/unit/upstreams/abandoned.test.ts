// Calls that were given up on a channel: for as long as the server may ask for one, others are in doubt.
import { expect, test } from 'bun:test';
import type { Outbound } from '../../../src/core/outbound.ts';
import { ChannelLink } from '../../../src/upstreams/channel-link.ts';
import { clientOf, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { limits } from '../../fixtures/specs.ts';

test('one that is forgotten among very many leaves everybody in doubt', async () => {
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
