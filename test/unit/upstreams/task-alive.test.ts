// A call that waits for the result of a task: its deadlines begin anew whenever its server knows the task.
import { expect, spyOn, test } from 'bun:test';
import { nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const run = running({ idle: false });

/** As much as `longAfter` lets pass at once. */
const HOUR = 3_600_000;
/** Within it, and no deadline of anything else. */
const POLL = HOUR - 1_000;

const task = { taskId: 't1', status: 'working', ttl: null, pollInterval: POLL };

test('a task that its server knows is alive, however long it says nothing', async () => {
  const done = Promise.withResolvers<string>();
  const answers: Record<string, () => string | Promise<string>> = {
    'tools/call': () => JSON.stringify({ task }),
    'tasks/get': () => JSON.stringify(task),
    'tasks/result': () => done.promise,
  };
  const server = startRawUpstream({
    era: '2025',
    tools: JSON.stringify([{ name: 'must', execution: { taskSupport: 'required' } }]),
    capabilities: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
    answer: ({ message }) => (answers[message.method] ?? (() => '{}'))(),
  });
  const timeouts = { firstByte: 1.5 * HOUR, idle: 1.5 * HOUR, total: 100 * HOUR };
  const upstream = run.upstream(httpSpec(server.url, { timeouts, limits: { taskPollMost: HOUR } }));
  let pauses = 0;
  const set = setTimeout;
  using _ = spyOn(globalThis, 'setTimeout').mockImplementation(((...given: Parameters<typeof set>) => {
    if (given[1] === POLL) pauses++;
    return set(...given);
  }) as never);
  // It waits for the nth time before it asks for the task.
  const waits = [1, 2, 3, 4].map((n) => () => until(() => pauses >= n));
  const calling = longAfter(() => upstream.handle(toolCall('must'), nobody), ...waits);
  await server.arrived('tasks/get', 4);
  done.resolve('{"content":[{"type":"text","text":"done"}]}');
  expect(textOf(await calling)).toBe('done');
  await server.stop();
});
