// Whose progress of a task is, for as many tasks as limits.task_tokens allows.
import { expect, test } from 'bun:test';
import { RawObject } from '../../../src/protocol/raw.ts';
import { Call } from '../../../src/upstreams/call.ts';
import { TaskTokens } from '../../../src/upstreams/task-tokens.ts';
import { exchange, nobody, testHost } from '../../fixtures/exchanges.ts';

test('beyond the limit the task longest unheard of is forgotten, and counted', async () => {
  const host = testHost();
  const tokens = new TaskTokens(2, host);
  for (const n of [1, 2, 3]) {
    const x = exchange('tools/call', { name: 'a', task: {} }, { token: `"${n}"` });
    const raw = RawObject.of({ task: { taskId: `t${n}` } });
    tokens.keep(`n:${n}`, new Call(n, x, nobody, () => ({ count: 1, characters: 1_000_000 })), {
      kind: 'result',
      raw,
    });
  }
  const known = [1, 2, 3].map((n) => tokens.get(`n:${n}`)?.taskId);
  expect(known).toEqual([undefined, 't2', 't3']);
  expect(await host.figure('limitHits', { limit: 'task_tokens' })).toBe(1);
});
