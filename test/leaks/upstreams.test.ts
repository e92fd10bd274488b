// A hundred thousand calls that end in every way there is, over real processes and connections: afterwards
// nothing is held of any of them.

import { expect, test } from 'bun:test';
import { getEventListeners } from 'node:events';
import type { McpResult } from '../../src/protocol/message.ts';
import type { Upstream } from '../../src/upstreams/upstream.ts';
import {
  clientOf,
  codeOf,
  exchange,
  nobody,
  type TestHost,
  testHost,
  toolCall,
} from '../fixtures/exchanges.ts';
import {
  answer,
  broken,
  event,
  json,
  progressOf,
  startRogue,
  status,
  stream,
  streamed,
} from '../fixtures/rogue.ts';
import { httpSpec, IDLE, serverSpec, startUpstream } from '../fixtures/specs.ts';

const client = clientOf({ era: '2025', capabilities: { elicitation: {} }, session: 'one' });
const question = { questions: [{ method: 'elicitation/create', params: { message: 'Who?' } }] };
const ERROR = ['{"jsonrpc":"2.0","id":$id,"error":{"code":-1,"message":"theirs"}}'];
const NOTES = [
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}',
  '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}',
];

/** For machines that have much else to do, milliseconds. */
const PATIENCE = 120_000;

type Round = (upstream: Upstream, n: number) => Promise<McpResult>;

const call =
  (name: string, args: object = {}): Round =>
  (upstream, n) =>
    upstream.handle(toolCall(name, args, { client, ...(n % 2 === 0 ? { token: String(n) } : {}) }), nobody);

/** Cancels before it is sent, right after, or when something else has happened meanwhile. */
const cancelled: Round = async (upstream, n) => {
  const abort = new AbortController();
  if (n % 3 === 0) abort.abort();
  const waiting = upstream.handle(toolCall('echo', {}, { client, token: '1', signal: abort.signal }), nobody);
  if (n % 3 === 1) queueMicrotask(() => abort.abort());
  if (n % 3 === 2) setImmediate(() => abort.abort());
  return waiting;
};

const retry = (upstream: Upstream, first: McpResult): Promise<McpResult> => {
  const params = {
    name: 'ask',
    arguments: question,
    inputResponses: { user_input: { action: 'accept' } },
    requestState: first.raw.string('requestState'),
  };
  return upstream.handle(exchange('tools/call', params, { client, token: '2' }), nobody);
};

const answered: Round = async (upstream) => {
  const first = await upstream.handle(toolCall('ask', question, { client, token: '1' }), nobody);
  return first.kind === 'input_required' ? retry(upstream, first) : first;
};

const abandoned: Round = async (upstream) => {
  const abort = new AbortController();
  const first = await upstream.handle(toolCall('ask', question, { client, signal: abort.signal }), nobody);
  abort.abort();
  return first;
};

const expired: Round = (upstream) => upstream.handle(toolCall('ask', question, { client }), nobody);

/** Runs `count` rounds, so many at a time; what came of them, by kind or code. */
async function run(
  upstream: Upstream,
  count: number,
  width: number,
  rounds: readonly Round[],
  every?: (n: number) => unknown,
) {
  const outcomes = new Map<string, number>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      await every?.(n);
      const result = await (rounds[n % rounds.length] as Round)(upstream, n);
      const outcome = codeOf(result) ?? result.kind;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return Object.fromEntries([...outcomes].sort(([a], [b]) => a.localeCompare(b)));
}

async function nothingIsLeft(upstream: Upstream, host: TestHost): Promise<void> {
  expect(upstream.state()).toMatchObject(IDLE);
  expect(await host.figure('upstreamPending')).toBe(0);
  expect(await host.figure('parked')).toBe(0);
  await upstream.close();
  expect(upstream.state()).toMatchObject({ links: 0, ...IDLE });
}

test(
  'calls over stdio: results, errors, cancellations, deaths of the process',
  async () => {
    const host = testHost();
    const upstream = startUpstream(serverSpec(['--era', '2025']), host);
    const rounds = [
      call('echo', { a: 1 }),
      call('say', { lines: NOTES }),
      call('say', { lines: ERROR }),
      cancelled,
      call('echo'),
    ];
    const outcomes = await run(upstream, 88_000, 128, rounds, (n) => {
      if (n % 5_000 !== 4_999) return undefined;
      // Long after the death before, so that the next process starts at once.
      host.turn(120_000);
      return upstream.handle(toolCall('exit', { code: 1 }, { client }), nobody);
    });
    expect(Object.keys(outcomes)).toEqual(['CANCELLED', 'complete', 'error', 'UPSTREAM_UNAVAILABLE']);
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(88_000);
    expect(await host.figure('upstreamRestarts')).toBe(17);
    await nothingIsLeft(upstream, host);
  },
  PATIENCE,
);

test(
  'calls that time out, calls that wait for their client: answered, abandoned, expired',
  async () => {
    const host = testHost();
    const spec = serverSpec(['--era', '2025'], {
      timeouts: { firstByte: 100 },
      limits: { parked: 100_000, parkTtl: 30 },
    });
    const upstream = startUpstream(spec, host);
    const rounds = [call('silent'), answered, abandoned, expired, call('echo')];
    const outcomes = await run(upstream, 9_000, 500, rounds);
    expect(Object.keys(outcomes)).toContain('UPSTREAM_TIMEOUT');
    expect(outcomes.complete).toBeGreaterThan(0);
    expect(outcomes.input_required).toBeGreaterThan(1_000);
    // The last ones end with their time.
    while (upstream.state().parked > 0) await upstream.handle(toolCall('echo', {}, { client }), nobody);
    await nothingIsLeft(upstream, host);
  },
  PATIENCE,
);

test.each(['2025', '2026'] as const)(
  'calls over HTTP (%s): results, errors, cancellations, broken streams and connections',
  async (era) => {
    const rogue = await startRogue(
      (hit, res) => {
        const { n = 0 } = (hit.message.params?.arguments ?? {}) as { n?: number };
        switch (n % 7) {
          case 0:
            return json(res, answer(hit));
          case 1:
            return streamed(res, event(progressOf(hit, 1)) + event(answer(hit)));
          case 2:
            return json(res, { jsonrpc: '2.0', id: hit.message.id, error: { code: -1, message: 'theirs' } });
          case 3:
            return stream(res, event(progressOf(hit, 1)));
          case 4:
            return broken(res, event(progressOf(hit, 1)), { 'content-type': 'text/event-stream' });
          case 5:
            return status(res, 500);
          default:
            return res.socket?.destroy();
        }
      },
      { era },
    );
    const host = testHost();
    const upstream = startUpstream(httpSpec(rogue.url, { timeouts: { idle: 60 } }), host);
    const shared = new AbortController();
    const round: Round = (_, n) => {
      const abort = new AbortController();
      const signal = n % 11 === 0 ? abort.signal : shared.signal;
      if (n % 22 === 0) queueMicrotask(() => abort.abort());
      if (n % 22 === 11) setImmediate(() => abort.abort());
      return upstream.handle(toolCall('tool', { n }, { client, signal, token: '1' }), nobody);
    };
    const outcomes = await run(upstream, 1_500, 64, [round]);
    expect(Object.keys(outcomes)).toEqual([
      'CANCELLED',
      'complete',
      'error',
      'UPSTREAM_TIMEOUT',
      'UPSTREAM_UNAVAILABLE',
    ]);
    expect(getEventListeners(shared.signal, 'abort')).toEqual([]);
    await nothingIsLeft(upstream, host);
    await rogue.stop();
  },
  PATIENCE,
);
