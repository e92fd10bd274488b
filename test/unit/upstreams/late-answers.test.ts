// Whose an answer can be before its id has come: never another's, whatever was given up before.
import { describe, expect, test } from 'bun:test';
import type { Outbound } from '../../../src/core/outbound.ts';
import { ChannelLink } from '../../../src/upstreams/channel-link.ts';
import { clientOf, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { limits } from '../../fixtures/specs.ts';

const CANCEL = 5_000;
const ada = clientOf({ principal: 'ada' });
const bob = clientOf({ principal: 'bob' });
const HEAD = new TextEncoder().encode('{"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"xxxx');

function start() {
  const host = testHost();
  let hooks: Parameters<ConstructorParameters<typeof ChannelLink>[1]>[0] | undefined;
  const link = new ChannelLink(
    {
      name: 'up',
      limits,
      cancel: CANCEL,
      slowClient: 0,
      host,
      own: (method) => exchange(method),
      events: { unsolicited() {}, ended() {}, callOver() {} },
      question() {},
      withdrawn() {},
    },
    (given) => {
      hooks = given;
      const send = async () => {};
      return { what: 'its process', outbound: () => ({}) as Outbound, send, close: async () => {} };
    },
  );
  link.greet('2025', link.hello);
  const call = (client = ada) => link.start(toolCall('tool', {}, { client }), nobody);
  const giveUp = (client = ada): string => {
    const given = call(client);
    link.cancel(given, 'no longer wanted');
    return String(given.id);
  };
  /** Whether what begins without an id is passed on as it comes. */
  const streams = () => hooks?.long(HEAD.slice()) !== undefined;
  const answer = (id: string) => hooks?.text(`{"jsonrpc":"2.0","result":{},"id":${id}}`);
  return {
    host,
    call,
    giveUp,
    streams,
    answer,
    skip: (text: string) => hooks?.tooLong(new TextEncoder().encode(text)),
  };
}

describe('a large answer whose id comes last', () => {
  test('is passed on as it comes to the only call at work, and held where there are two', () => {
    const one = start();
    one.call();
    expect(one.streams()).toBe(true);
    const two = start();
    two.call();
    two.call();
    expect(two.streams()).toBe(false);
  });

  test('is held while one that another caller gave up may come instead, however long that takes', () => {
    const { giveUp, call, streams, answer, host } = start();
    const id = giveUp(bob);
    host.turn(1e9);
    call(ada);
    expect(streams()).toBe(false);
    answer(id);
    expect(streams()).toBe(true);
  });

  test('is held for the same caller until the server has had its time to obey', () => {
    const { giveUp, call, streams, host } = start();
    giveUp();
    call();
    expect(streams()).toBe(false);
    host.turn(CANCEL + 1);
    expect(streams()).toBe(true);
  });

  test('of callers that nobody has found out is held: they may be several', () => {
    const { giveUp, call, streams, host } = start();
    const anybody = clientOf({});
    giveUp(anybody);
    host.turn(1e9);
    call(anybody);
    expect(streams()).toBe(false);
  });

  test('is told apart after very many were given up, too', () => {
    const mine = start();
    for (let i = 0; i < 1_000; i++) mine.giveUp();
    mine.host.turn(CANCEL + 1);
    mine.call();
    expect(mine.streams()).toBe(true);
    const others = start();
    others.giveUp(bob);
    for (let i = 0; i < 1_000; i++) others.giveUp(ada);
    others.host.turn(1e9);
    others.call(ada);
    expect(others.streams()).toBe(false);
  });

  test('is held for good where too many callers gave up too much', () => {
    const { giveUp, call, streams, answer, host } = start();
    const ids = Array.from({ length: 300 }, (_, i) => giveUp(clientOf({ principal: `p${i}` })));
    for (const id of ids) answer(id);
    host.turn(1e9);
    call();
    expect(streams()).toBe(false);
  });

  test('that is too long to be held is over all the same, for what was given up as for a call', async () => {
    const { giveUp, call, streams, skip } = start();
    const id = giveUp(bob);
    const waiting = call(ada);
    const late = skip(`{"jsonrpc":"2.0","result":{},"id":${id}}`);
    late?.end();
    expect(streams()).toBe(true);
    expect(waiting.ended).toBe(true);
  });
});

test('a server that writes anything but messages is a line of the log twenty times in a second', async () => {
  const { host, answer } = start();
  for (let i = 0; i < 1_000; i++) answer('}');
  expect(host.lines.filter(({ message }) => message === 'upstream sent what is not MCP').length).toBe(20);
  host.turn(1_000);
  answer('}');
  expect(host.lines.at(-1)?.fields.unlogged).toBe(980);
  expect(await host.dropped('upstream_garbage')).toBe(1_001);
});
