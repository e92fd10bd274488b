// Rounds that need no answers, and their end.
import { expect, jest, test } from 'bun:test';
import { ANONYMOUS, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { Withdrawals } from '../../../src/core/withdrawals.ts';
import { askRounds } from '../../../src/listeners/ask.ts';
import { Asker } from '../../../src/listeners/asker.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { clientOf, codeOf, testHost } from '../../fixtures/exchanges.ts';

test('a call that is cancelled between two rounds ends at once, and is not made again', async () => {
  const raw = RawObject.of({ resultType: 'input_required', requestState: 's' });
  const round = {
    result: new McpResult('input_required', raw),
    withdrawals: new Withdrawals(),
    waiting: () => () => {},
  };
  const abort = new AbortController();
  let runs = 0;
  const run = async () => {
    runs++;
    return round;
  };
  // No time passes: a wait that does not hear the cancellation would not end.
  jest.useFakeTimers();
  try {
    const result = askRounds(new McpRequest('tools/call', RawObject.of({ name: 'again' })), round, run, {
      asker: new Asker(),
      id: 'x',
      signal: abort.signal,
      client: {
        era: '2025',
        version: '2025-11-25',
        transport: 'http',
        info: undefined,
        capabilities: NO_CAPABILITIES,
        principal: ANONYMOUS,
      },
      timeout: 1_000,
      rounds: 32,
      host: testHost(),
      send: () => true,
    });
    abort.abort();
    expect(codeOf(await result)).toBe('CANCELLED');
    expect(runs).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('a call that asks on and on is ended after limits.rounds, with an error that says so, and it is counted', async () => {
  const inputRequests = { who: { method: 'elicitation/create', params: { message: 'Who?' } } };
  const ended = { runs: 0, asked: 0 };
  const roundOf = (n: number) => ({
    result: new McpResult(
      'input_required',
      RawObject.of({ resultType: 'input_required', requestState: `s${n}`, inputRequests }),
    ),
    withdrawals: new Withdrawals(),
    waiting: () => () => {},
  });
  const states: unknown[] = [];
  const run = async ({ params }: McpRequest) => {
    states.push(params.requestState);
    return roundOf(++ended.runs);
  };
  const host = testHost();
  const asker = {
    ask: async () => {
      ended.asked++;
      return { result: RawObject.of({ action: 'accept', content: {} }) };
    },
  } as Partial<Asker> as Asker;
  const result = await askRounds(
    new McpRequest('tools/call', RawObject.of({ name: 'ask' })),
    roundOf(0),
    run,
    {
      asker,
      id: 'x',
      signal: new AbortController().signal,
      client: clientOf({ era: '2025', capabilities: { elicitation: {} } }),
      timeout: 1_000,
      rounds: 3,
      host,
      send: () => true,
    },
  );
  expect(codeOf(result)).toBe('ANSWER_REFUSED');
  expect(result.value).toMatchObject({ message: 'The upstream asked more than 3 times.' });
  // Every answer that was given has reached the upstream.
  expect([ended, states]).toEqual([{ runs: 3, asked: 3 }, ['s0', 's1', 's2']]);
  expect(await host.figure('limitHits', { limit: 'rounds' })).toBe(1);
});
