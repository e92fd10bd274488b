// Rounds that need no answers, and their end.
import { expect, jest, test } from 'bun:test';
import { ANONYMOUS, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { Withdrawals } from '../../../src/core/withdrawals.ts';
import { askRounds } from '../../../src/listeners/ask.ts';
import { Asker } from '../../../src/listeners/asker.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { codeOf, testHost } from '../../fixtures/exchanges.ts';

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
      every: 1_000,
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
