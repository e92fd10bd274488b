// Calls over a task where servers, or callers, do not keep to the usual: a tool is not called once more, nor for nobody.
import { expect, test } from 'bun:test';
import { codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, json, status } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

const run = running({ idle: false });
const CAPABILITIES = { tools: {}, tasks: { requests: { tools: { call: {} } } } };
const QUICK = { taskPoll: 5, taskPollLeast: 5, taskPollMost: 10 };
const TASK = { taskId: 't1', status: 'working', ttl: null, pollInterval: 1e12 };

/** A server of one tool, which wants a task. */
async function start(
  behave: Behaviour,
  list: (tools: () => void) => void = (tools) => tools(),
  { task = TASK, ...changes }: Changes & { task?: object } = {},
) {
  const host = testHost();
  const rogue = await run.rogue(behave, {
    era: '2025',
    before(hit, res) {
      const { id, method } = hit.message;
      const reply = (result: object, head = {}) => json(res, { jsonrpc: '2.0', id, result }, 200, head);
      if (method === 'initialize')
        reply(
          {
            protocolVersion: '2025-11-25',
            capabilities: CAPABILITIES,
            serverInfo: { name: 'r', version: '1' },
          },
          { 'mcp-session-id': 's' },
        );
      else if (method === 'tools/list')
        list(() => reply({ tools: [{ name: 'must', execution: { taskSupport: 'required' } }] }));
      else if (method === 'tools/call') reply({ task });
      else return false;
      return undefined;
    },
  });
  return { rogue, host, upstream: run.upstream(httpSpec(rogue.url, changes), host) };
}

test('a session that is lost behind the making of the task', async () => {
  const { rogue, upstream } = await start((_, res) => status(res, 404));
  const result = await upstream.handle(toolCall('must'), nobody);
  expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
  expect(rogue.of('tasks/result').length).toBe(1);
  expect(rogue.of('tools/call').length).toBe(1);
  // The next call is made in a new session.
  await upstream.handle(toolCall('must'), nobody);
  expect(rogue.of('initialize').length).toBe(2);
});

test('a caller that goes while the tools are looked at', async () => {
  const asked = Promise.withResolvers<() => void>();
  const { rogue, upstream } = await start((hit, res) => json(res, answer(hit, 'done')), asked.resolve);
  const leave = new AbortController();
  const calling = upstream.handle(toolCall('must', {}, { signal: leave.signal }), nobody);
  const tools = await asked.promise;
  leave.abort();
  tools();
  expect(codeOf(await calling)).toBe('CANCELLED');
  // Who comes later is the first.
  expect(textOf(await upstream.handle(toolCall('must'), nobody))).toBe('done');
  expect(rogue.of('tools/call').length).toBe(1);
});

test('an interval beyond all timers is a long one', async () => {
  const done = Promise.withResolvers<void>();
  const { rogue, upstream } = await start(async (hit, res) => {
    if (hit.message.method === 'tasks/result') await done.promise;
    json(res, answer(hit, 'done'));
  });
  const calling = upstream.handle(toolCall('must'), nobody);
  await rogue.nth('tasks/result');
  for (let n = 0; n < 20; n++) await upstream.handle(toolCall('other'), nobody);
  expect(rogue.of('tasks/get')).toEqual([]);
  done.resolve();
  expect(textOf(await calling)).toBe('done');
});

test.each([
  ['task_poll_least', 1],
  ['task_poll_most', 1e12],
  [undefined, undefined],
])('a task is looked at within limits: %s', async (limit, pollInterval) => {
  const looked = Promise.withResolvers<void>();
  const { rogue, host, upstream } = await start(
    async (hit, res) => {
      if (hit.message.method === 'tasks/get') {
        if (rogue.of('tasks/get').length === 2) looked.resolve();
        return json(res, { jsonrpc: '2.0', id: hit.message.id, result: { ...TASK, pollInterval } });
      }
      await looked.promise;
      return json(res, answer(hit, 'done'));
    },
    undefined,
    { limits: QUICK, task: { ...TASK, pollInterval } },
  );
  expect(textOf(await upstream.handle(toolCall('must'), nobody))).toBe('done');
  if (limit === undefined) expect(await host.figure('limitHits')).toBe(0);
  else expect(await host.figure('limitHits', { limit })).toBeGreaterThan(0);
});
