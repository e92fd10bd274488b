// Tasks through a whole gateway: two upstreams that give equal ids, callers that must not meet, restarts and
// reloads between a task and its result.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { definePlugin, principalFact } from '../../src/plugin.ts';
import { ask, call, listen, type StatelessOptions } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type ServingTasks, serveTasks } from '../fixtures/tasks/http.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const capabilities = { elicitation: {}, extensions: { [TASKS]: {} } };
const sealKey = new Uint8Array(32).fill(3);

/** Believes a header: who calls is not the subject here. */
const plugins = {
  who: definePlugin({
    name: 'who',
    api: 1,
    about: 'Takes the caller from a header.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest(_request, x) {
        const id = x.inbound.headers.get('x-who');
        if (id !== null) x.set(principalFact, { id, scopes: [] });
      },
    }),
  }),
};

let a: ServingTasks;
let b: ServingTasks;
let gateway: InProcess;
const both = () => configOf({ a: { url: a.url }, b: { url: b.url } }, { pipeline: [{ who: {} }] });
const as = (who: string, more: StatelessOptions = {}): StatelessOptions => ({
  capabilities,
  ...more,
  headers: { 'x-who': who, ...more.headers },
});

/** Makes a task and returns its id as the client has it. */
async function begun(tool: string, args: object = {}, who = 'ada'): Promise<string> {
  const { result } = await (await call(gateway.url, tool, args, as(who))).json();
  expect(result).toMatchObject({ resultType: 'task', status: 'working' });
  return result.taskId;
}
async function about(method: string, taskId: string, who = 'ada', more: object = {}) {
  return (await ask(gateway.url, method, { taskId, ...more }, as(who, { name: taskId }))).json();
}
const lastOf = (upstream: ServingTasks, method: string) =>
  upstream.seen.findLast((one) => one.method === method);

beforeAll(async () => {
  let [atA, atB] = [0, 0];
  a = serveTasks({ newId: () => `task-${++atA}` });
  b = serveTasks({ newId: () => `task-${++atB}` });
  gateway = await startInProcess(both(), { plugins, sealKey });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([a.stop(), b.stop()]);
});

test('the extension is advertised when any upstream has it', async () => {
  const { result } = await (await ask(gateway.url, 'server/discover')).json();
  expect(result.capabilities.extensions).toEqual({ [TASKS]: {} });
  expect(result.capabilities).not.toHaveProperty('tasks');
});

describe('a task', () => {
  test('is polled, answered and ended at the upstream that made it, whatever id the other one gave', async () => {
    const [one, two] = [await begun('a__confirm_delete', { filename: 'x' }), await begun('b__until_told')];
    const asked = await about('tasks/get', one);
    expect(asked.result).toMatchObject({ taskId: one, status: 'input_required', resultType: 'complete' });
    const [key] = Object.keys(asked.result.inputRequests);
    const inputResponses = { [String(key)]: { action: 'accept', content: { confirm: true } } };
    expect((await about('tasks/update', one, 'ada', { inputResponses })).result).toEqual({
      resultType: 'complete',
    });
    const { result } = await about('tasks/get', one);
    const text = `x: ${JSON.stringify({ action: 'accept', content: { confirm: true } })}`;
    expect(result).toMatchObject({ status: 'completed', result: { content: [{ text }] } });
    b.tell('two');
    expect((await about('tasks/get', two)).result).toMatchObject({
      taskId: two,
      result: { content: [{ text: 'two' }] },
    });
  });

  test('has its own id on the way to the upstream, in body and header', async () => {
    const id = await begun('b__slow_compute', { seconds: 60 });
    await about('tasks/cancel', id);
    const seen = lastOf(b, 'tasks/cancel');
    expect(seen?.params.taskId).toMatch(/^task-\d+$/);
    expect(seen?.headers.get('mcp-name')).toBe(seen?.params.taskId);
    expect((await about('tasks/get', id)).result).toMatchObject({ taskId: id, status: 'cancelled' });
    const wrong = await ask(gateway.url, 'tasks/get', { taskId: id }, as('ada', { name: 'task-1' }));
    expect([wrong.status, (await wrong.json()).error.code]).toEqual([400, -32020]);
  });

  test('is its caller’s alone', async () => {
    const id = await begun('a__slow_compute', { seconds: 0, label: 'mine' });
    const before = a.seen.length;
    const refused = [];
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
      refused.push(await about(method, id, 'bob'));
    refused.push(await about('tasks/get', 'task-1'), await about('tasks/get', `${id}A`));
    const errors = new Set(refused.map(({ error }) => JSON.stringify(error)));
    expect([...errors]).toEqual([
      '{"code":-32602,"message":"Unknown task.","data":{"code":"PARAMS_INVALID"}}',
    ]);
    expect(a.seen.length).toBe(before);
    expect(JSON.stringify(gateway.lines)).not.toContain(id);
  });

  test('is nothing for a client that does not know tasks', async () => {
    const plain = await (await call(gateway.url, 'a__slow_compute', { seconds: 0, label: 'now' })).json();
    expect(plain.result).toMatchObject({ resultType: 'complete', content: [{ text: 'computed now' }] });
    for (const refused of [
      await call(gateway.url, 'a__failing_job'),
      await ask(gateway.url, 'tasks/get', { taskId: 'x' }, { name: 'x' }),
      await ask(gateway.url, 'subscriptions/listen', { notifications: { taskIds: ['x'] } }),
    ]) {
      const { error } = await refused.json();
      expect([refused.status, error.code, error.data.requiredCapabilities]).toEqual([
        400,
        -32021,
        { extensions: { [TASKS]: {} } },
      ]);
    }
  });
});

describe('between a task and its result', () => {
  test('the gateway may start anew', async () => {
    const id = await begun('b__slow_compute', { seconds: 0, label: 'before' });
    await gateway.stop();
    gateway = await startInProcess(both(), { plugins, sealKey });
    expect((await about('tasks/get', id)).result).toMatchObject({ taskId: id, status: 'completed' });
  });

  test('the configuration may change; an upstream that has gone is missed, and comes back by its name', async () => {
    const id = await begun('b__slow_compute', { seconds: 0, label: 'x' });
    gateway.configure(configOf({ a: { url: a.url } }, { pipeline: [{ who: {} }] }));
    await gateway.reload();
    const { error } = await about('tasks/get', id);
    expect(error).toMatchObject({
      code: -32602,
      message: 'The upstream of this task is not configured here any more.',
    });
    expect((await about('tasks/get', id, 'bob')).error.message).toBe('Unknown task.');
    gateway.configure(configOf({ c: { url: a.url }, b: { url: b.url } }, { pipeline: [{ who: {} }] }));
    await gateway.reload();
    expect((await about('tasks/get', id)).result).toMatchObject({ taskId: id });
    gateway.configure(both());
    await gateway.reload();
  });
});

describe('a subscription', () => {
  test('hears of its tasks by their names, those of several upstreams on one stream', async () => {
    const [one, two] = [await begun('a__until_told'), await begun('b__until_told')];
    const { answer, acknowledged } = await listen(gateway.url, { taskIds: [one, two] }, as('ada'));
    expect(acknowledged.params.notifications).toEqual({ taskIds: [one, two] });
    a.tell('1');
    expect((await answer.message()).params).toMatchObject({
      taskId: one,
      result: { content: [{ text: '1' }] },
    });
    b.tell('2');
    expect(await answer.message()).toMatchObject({
      method: 'notifications/tasks',
      params: { taskId: two, status: 'completed', _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } },
    });
    answer.drop();
  });

  test('is told what a task came to while the upstream was not heard', async () => {
    const id = await begun('a__until_told');
    const { answer } = await listen(gateway.url, { taskIds: [id] }, as('ada'));
    a.drop();
    a.tell('meanwhile');
    expect((await answer.message()).params).toMatchObject({
      taskId: id,
      result: { content: [{ text: 'meanwhile' }] },
    });
    answer.drop();
  });

  test('is not acknowledged for tasks that are not the caller’s', async () => {
    const id = await begun('a__until_told');
    const { answer, acknowledged } = await listen(gateway.url, { taskIds: [id, 'task-1'] }, as('bob'));
    expect(acknowledged.params.notifications).toEqual({});
    answer.drop();
  });
});
