// Ten thousand calls that wait for their client and end in every way there is: nothing is held of any of them
// afterwards, and none was executed twice.
import { expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import type { RunsOn } from '../../src/core/exchange.ts';
import type { McpResult } from '../../src/protocol/message.ts';
import { clientOf, codeOf, exchange, nobody, testHost, toolCall } from '../fixtures/exchanges.ts';
import { answer, event, type Hit, startRogue, status, stream } from '../fixtures/rogue.ts';
import { httpSpec, IDLE, startUpstream } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';

const CALLS = 10_000;
const WIDTH = 64;
/** For machines that have much else to do, milliseconds. */
const PATIENCE = 120_000;

const ENDS = [
  'answered',
  'answered twice',
  'given up',
  'left alone',
  'taken back',
  'answered early',
  'broken off',
  'somebody else',
  'left alone, answered early',
] as const;

interface Asking {
  /** What the server does of its own accord, when it is told to. */
  act(end: string): void;
}

/** Asks in every call, and waits. Every call counts. */
async function startServer() {
  const executed = new Map<unknown, number>();
  const answered = new Map<string, () => void>();
  const asking = new Map<unknown, Asking>();
  const ask = ({ message, ...hit }: Hit, res: ServerResponse): void => {
    const { n } = (message.params?.arguments ?? {}) as { n?: number };
    executed.set(n, (executed.get(n) ?? 0) + 1);
    const id = `q${n}`;
    const finish = () => res.end(event(answer({ message, ...hit }, 'done')));
    stream(res, event({ jsonrpc: '2.0', id, method: 'elicitation/create', params: { message: 'Who?' } }));
    answered.set(id, finish);
    asking.set(n, {
      act(end) {
        if (end === 'broken off') res.socket?.destroy();
        if (end === 'taken back')
          res.write(event({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }));
        if (end === 'taken back' || end.endsWith('answered early')) finish();
      },
    });
  };
  const rogue = await startRogue(
    (hit, res) => {
      if (hit.message.method !== undefined) return ask(hit, res);
      answered.get(String(hit.message.id))?.();
      return status(res, 202);
    },
    { era: '2025' },
  );
  return { rogue, executed, asking };
}

test(
  'parked calls: answered, replayed, cancelled, expired, taken back, broken off',
  async () => {
    const { rogue, executed, asking } = await startServer();
    const host = testHost();
    const upstream = startUpstream(httpSpec(rogue.url, { limits: { parked: CALLS, parkTtl: 250 } }), host);
    let held = 0;
    const runsOn: RunsOn = {
      generation: 1,
      hold() {
        held++;
        return () => void held--;
      },
    };
    const client = clientOf({ capabilities: { elicitation: {} }, principal: 'ada' });
    const eve = clientOf({ capabilities: { elicitation: {} }, principal: 'eve' });
    const session = clientOf({ era: '2025', capabilities: { elicitation: {} }, session: 'one' });
    const outcomes = new Map<string, number>();
    const count = (result: McpResult): void => {
      const outcome = codeOf(result) ?? result.kind;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };

    const retry = (n: number, state: string | undefined, by = client, more = {}): Promise<McpResult> =>
      upstream.handle(
        exchange(
          'tools/call',
          {
            name: 'tool',
            arguments: { n, ...more },
            requestState: state ?? '',
            inputResponses: { user_input: { action: 'accept' } },
          },
          { client: by, runsOn },
        ),
        nobody,
      );

    async function one(n: number): Promise<void> {
      const end = ENDS[n % ENDS.length] as (typeof ENDS)[number];
      const abort = new AbortController();
      const options = end === 'given up' ? { client: session, signal: abort.signal } : { client };
      const first = await upstream.handle(toolCall('tool', { n }, { ...options, runsOn }), nobody);
      const state = first.raw.string('requestState');
      expect(first.kind).toBe('input_required');
      asking.get(n)?.act(end);
      if (end === 'given up') return abort.abort();
      if (end.startsWith('left alone')) return;
      if (end === 'somebody else')
        for (const result of [await retry(n, state, eve), await retry(n, state, client, { more: 1 })])
          expect(codeOf(result)).toBe('STATE_INVALID');
      const times = end === 'answered twice' ? 2 : 1;
      for (const result of await Promise.all(Array.from({ length: times }, () => retry(n, state))))
        count(result);
      if (n % 7 === 0) expect(codeOf(await retry(n, state))).toBe('STATE_INVALID');
    }

    let next = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < CALLS; n = next++) await one(n);
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
    await until(() => upstream.state().parked === 0 && upstream.state().calls === 0);

    expect(upstream.state()).toMatchObject(IDLE);
    expect([held, await host.figure('parked'), await host.figure('upstreamPending')]).toEqual([0, 0, 0]);
    expect(executed.size).toBe(CALLS);
    expect([...executed.values()].every((times) => times === 1)).toBe(true);
    // One of each pair of retries, some calls that their server broke off; on a slow machine, some that expired.
    const { complete = 0, UPSTREAM_UNAVAILABLE = 0, STATE_INVALID = 0 } = Object.fromEntries(outcomes);
    expect(complete).toBeGreaterThan(CALLS / 3);
    expect([UPSTREAM_UNAVAILABLE > 0, STATE_INVALID >= Math.floor(CALLS / ENDS.length)]).toEqual([
      true,
      true,
    ]);
    await upstream.close();
    expect(upstream.state()).toMatchObject({ links: 0, ...IDLE });
    await rogue.stop();
  },
  PATIENCE,
);
