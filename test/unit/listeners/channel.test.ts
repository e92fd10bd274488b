// The session that is a channel: what a handshake that fails leaves behind.
import { expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import { Exchange } from '../../../src/core/exchange.ts';
import { LiveCalls } from '../../../src/core/live-calls.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { Channel } from '../../../src/listeners/channel.ts';
import type { Endpoint, Serving } from '../../../src/listeners/serving.ts';
import type { StdioWriter } from '../../../src/listeners/stdio-writer.ts';
import { parseMessage } from '../../../src/protocol/jsonrpc.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import { initialize } from '../../fixtures/raw.ts';

const LIMITS = {
  inFlight: 10,
  parkTtl: 1_000,
  keepAlive: 1_000,
  json: { depth: 64, keys: 100, string: 1_000 },
};
const inbound = { listener: 'stdio', endpoint: '/mcp', headers: new Headers() };

function start() {
  const registered = new Set<() => void>();
  const ended: boolean[] = [];
  const said: string[] = [];
  const upstream = { works: false };
  const register = (each: () => void): (() => void) => {
    const own = (): void => each();
    registered.add(own);
    return () => void registered.delete(own);
  };
  const endpoint = {
    path: '/mcp',
    hold: () => () => {},
    open: (client, by, request, signal, id) => {
      client.session?.ended.addEventListener('abort', () => ended.push(true));
      return new Exchange({ id, client, inbound: by, request, route: { kind: 'local' }, signal, now: 0 });
    },
    handle: async () =>
      upstream.works ? McpResult.complete({ capabilities: {} }) : errorResult('FORBIDDEN', 'no'),
  } as Partial<Endpoint> as Endpoint;
  const host = { log: recordingLog([]), metrics: createMetrics(), now: () => 0 };
  const serving = {
    host,
    live: new LiveCalls(host, () => 15_000),
    limits: () => LIMITS,
    endpoint: () => endpoint,
    accepting: () => true,
    refused: () => {},
    onSwap: register as Serving['onSwap'],
    onStop: register,
    onCut: () => () => {},
  } as unknown as Serving;
  const out = {
    result: async (text: string) => void said.push(text),
    note: async (text: string) => void said.push(text),
  } as unknown as StdioWriter;
  const channel = new Channel({
    transport: 'stdio',
    listener: 'stdio',
    path: '/mcp',
    serving,
    out,
    early: { code: 'PARAMS_INVALID', detail: 'early' },
  });
  const shakeHands = async (id: number): Promise<void> => {
    const text = JSON.stringify({ ...initialize('2025-11-25'), id });
    channel.message(parseMessage(text, LIMITS.json), inbound, String(id));
    await channel.finished();
  };
  return { channel, registered, ended, said, shakeHands, upstream };
}

test('a handshake that fails ends its session and keeps nothing; the next one is a session', async () => {
  const { channel, registered, ended, said, shakeHands, upstream } = start();
  for (let n = 0; n < 3; n++) {
    await shakeHands(n);
    expect([registered.size, ended.length]).toEqual([0, n + 1]);
  }
  expect(said.every((text) => JSON.parse(text).error !== undefined)).toBe(true);
  upstream.works = true;
  await shakeHands(3);
  expect(JSON.parse(said.at(-1) ?? '')).toMatchObject({ id: 3, result: { protocolVersion: '2025-11-25' } });
  expect([registered.size, ended.length]).toEqual([2, 3]);
  channel.end();
  expect([registered.size, ended.length]).toEqual([0, 4]);
});

test('a handshake that comes when the channel has ended keeps nothing', async () => {
  const { channel, registered, ended, shakeHands, upstream } = start();
  upstream.works = true;
  channel.end();
  await shakeHands(1);
  expect(registered.size).toBe(0);
  expect(ended.length).toBe(0);
});
