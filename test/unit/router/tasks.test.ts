// Tasks of several upstreams: named by this gateway, found again by their names, and nobody else's.
import { describe, expect, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import type { RawObject } from '../../../src/protocol/raw.ts';
import { clientOf, codeOf, collector, exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source, type TestSource } from './sources.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const RELATED = 'io.modelcontextprotocol/related-task';
const capabilities = { extensions: { [TASKS]: {} } };
const ada = clientOf({ capabilities, principal: 'ada' });
const idOf = (x: Exchange): string => x.request.raw?.string('taskId') ?? '';

/** An upstream whose tasks have the ids it is given, and are all at work. */
const tasking = (name: string, id = 't1') =>
  source(name, {
    'tools/call': { resultType: 'task', taskId: id, status: 'working' },
    'tasks/get': (x) => ({ resultType: 'complete', taskId: idOf(x), status: 'working', from: name }),
    'tasks/cancel': { resultType: 'complete' },
  });
const called = (tool: string, client = ada) => exchange('tools/call', { name: tool }, { client });
const about = (taskId: string, client = ada, method = 'tasks/get') =>
  exchange(method, { taskId }, { client });
const nameOf = (result: McpResult): string => result.raw.string('taskId') ?? '';

describe('a task', () => {
  test('is named by the gateway, and found at its own upstream by its own id', async () => {
    const [a, b] = [tasking('a'), tasking('b')];
    const { handle } = routerOver([a, b]);
    const [atA, atB] = [await handle(called('a__x')), await handle(called('b__x'))];
    expect(atA.raw.string('resultType')).toBe('task');
    expect(nameOf(atA)).toMatch(/^s1\.[A-Za-z0-9_-]+$/);
    expect(nameOf(atA)).not.toBe(nameOf(atB));
    const got = await handle(about(nameOf(atB)));
    expect(got.value).toEqual({ resultType: 'complete', taskId: nameOf(atB), status: 'working', from: 'b' });
    expect([a.asked('tasks/get').length, b.asked('tasks/get').map(idOf)]).toEqual([0, ['t1']]);
    await handle(about(nameOf(atA), ada, 'tasks/cancel'));
    expect(a.asked('tasks/cancel').map(idOf)).toEqual(['t1']);
  });

  test('of the only upstream is no exception, and outlives the gateway', async () => {
    const name = nameOf(await routerOver([tasking('a')], 'none').handle(called('x')));
    expect(name).not.toBe('t1');
    const next = tasking('a');
    const { handle } = routerOver([next, tasking('b')]);
    expect((await handle(about(name))).value).toMatchObject({ from: 'a', taskId: name });
    expect(next.asked('tasks/get').map(idOf)).toEqual(['t1']);
  });

  test('is its route before any plugin knows who calls, and what a plugin makes of the id is looked up again', async () => {
    const { handle, router } = routerOver([tasking('a'), tasking('b')]);
    const [atA, atB] = [nameOf(await handle(called('a__x'))), nameOf(await handle(called('b__x')))];
    const x = about(atA);
    x.reroute(router.route(x));
    expect(x.route).toEqual({ kind: 'one', upstream: 'a', name: 't1', asked: atA });
    x.replace(x.request.with({ taskId: atB }));
    expect((await router.handle(x, () => undefined)).value).toMatchObject({ from: 'b', taskId: atB });
  });

  test('is unknown, all the same, when it is made up, altered, or another caller’s', async () => {
    const upstream = tasking('a');
    const { handle } = routerOver([upstream]);
    const name = nameOf(await handle(called('a__x')));
    const altered = name.slice(0, -1) + (name.endsWith('A') ? 'B' : 'A');
    const bob = clientOf({ capabilities, principal: 'bob' });
    const session = clientOf({ era: '2025', session: 's', principal: 'ada' });
    const strangers = [about('t1'), about(''), about(altered), about(name, bob), about(name, session)];
    for (const method of ['tasks/update', 'tasks/cancel']) strangers.push(about(name, bob, method));
    for (const x of strangers) {
      expect((await handle(x)).value).toEqual({
        code: -32602,
        message: 'Unknown task.',
        data: { code: 'PARAMS_INVALID' },
      });
    }
    expect(upstream.asked().length).toBe(1);
  });

  test('of another tenant is another caller’s', async () => {
    const { handle } = routerOver([tasking('a')]);
    const of = (tenant: string) => ({ ...ada, principal: { id: 'ada', tenant, scopes: [] } });
    const name = nameOf(await handle(called('a__x', of('one'))));
    expect(codeOf(await handle(about(name, of('two'))))).toBe('PARAMS_INVALID');
    expect((await handle(about(name, of('one')))).kind).toBe('complete');
  });

  test('whose upstream has gone says so, to its owner alone', async () => {
    const name = nameOf(await routerOver([tasking('a')]).handle(called('a__x')));
    const { handle } = routerOver([tasking('b')]);
    expect((await handle(about(name))).raw.string('message')).toBe(
      'The upstream of this task is not configured here any more.',
    );
    const bob = clientOf({ capabilities, principal: 'bob' });
    expect((await handle(about(name, bob))).raw.string('message')).toBe('Unknown task.');
  });

  test('with an id that no header could carry is the upstream’s fault', async () => {
    const { handle } = routerOver([tasking('a', 'x'.repeat(1024)), tasking('b', 'x'.repeat(1025))]);
    expect(nameOf(await handle(called('a__x'))).length).toBeLessThan(2_048);
    expect(codeOf(await handle(called('b__x')))).toBe('UPSTREAM_INVALID');
  });
});

test('a client that did not say that it knows tasks is told what it lacks', async () => {
  const upstream = tasking('a');
  const { handle } = routerOver([upstream]);
  const plain = clientOf();
  for (const x of [
    ...['tasks/get', 'tasks/update', 'tasks/cancel'].map((method) => about('t1', plain, method)),
    exchange('subscriptions/listen', { notifications: { taskIds: ['t1'] } }, { client: plain }),
  ]) {
    expect((await handle(x)).value).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
    });
  }
  expect(upstream.asked()).toEqual([]);
});

describe('ids inside of messages are renamed:', () => {
  const meta = (id: string) => ({ [RELATED]: { taskId: id }, other: 1 });
  const inputs = (id: string) => ({
    k: { method: 'elicitation/create', params: { message: '?', _meta: meta(id) } },
  });

  test('in results, what they hold, and what they ask', async () => {
    const { handle } = routerOver([
      source('a', {
        'tools/call': { resultType: 'task', taskId: 't1', _meta: meta('t1') },
        'tasks/get': {
          taskId: 't1',
          result: { content: [], _meta: meta('t1') },
          inputRequests: inputs('t1'),
        },
      }),
    ]);
    const name = nameOf(await handle(called('a__x')));
    expect((await handle(about(name))).value).toEqual({
      taskId: name,
      result: { content: [], _meta: meta(name) },
      inputRequests: inputs(name),
    });
  });

  test('but what a tool says of its own stays', async () => {
    const said = { taskId: 't1', task: { taskId: 't1' }, structuredContent: { taskId: 't1' } };
    const { handle } = routerOver([source('a', { 'tools/call': said })]);
    expect((await handle(called('a__x'))).value).toEqual(said);
  });

  test('in requests and answers, toward the upstream; what is not the caller’s is left out', async () => {
    const upstream = tasking('a');
    const { handle } = routerOver([upstream]);
    const name = nameOf(await handle(called('a__x')));
    for (const [given, arrives] of [
      [meta(name), meta('t1')],
      [meta('t1'), { other: 1 }],
    ]) {
      await handle(
        exchange(
          'tools/call',
          { name: 'a__x', _meta: given, inputResponses: { k: { action: 'accept', _meta: given } } },
          { client: ada },
        ),
      );
      const sent = upstream.asked('tools/call').at(-1)?.request.raw as RawObject;
      expect<object>(sent.value).toEqual({
        name: 'x',
        _meta: arrives,
        inputResponses: { k: { action: 'accept', _meta: arrives } },
      });
    }
  });

  test('in notifications of a call', async () => {
    const note = McpNotification.of('notifications/message', { level: 'info', data: 'x', _meta: meta('t1') });
    const { handle } = routerOver([
      source('a', {
        'tools/call': async (_x, emit) => {
          await emit(note);
          return { resultType: 'task', taskId: 't1' };
        },
      }),
    ]);
    const { notes, emit } = collector();
    const name = nameOf(await handle(called('a__x'), emit));
    expect(notes.map(({ params }) => params)).toEqual([{ level: 'info', data: 'x', _meta: meta(name) }]);
  });
});

test('a subscription asks each upstream about its own tasks, and hears of them by their names', async () => {
  const ACK = 'notifications/subscriptions/acknowledged';
  const listening = (name: string) =>
    source(name, {
      'tools/call': { resultType: 'task', taskId: 't1' },
      'subscriptions/listen': async (x, emit) => {
        const notifications = x.request.raw?.object('notifications')?.value ?? {};
        await emit(McpNotification.of(ACK, { notifications }));
        await emit(
          McpNotification.of('notifications/tasks', { taskId: 't1', status: 'completed', from: name }),
        );
        return McpResult.complete({});
      },
    });
  const [a, b, c] = [listening('a'), listening('b'), listening('c')];
  const { handle } = routerOver([a, b, c]);
  const [atA, atB] = [nameOf(await handle(called('a__x'))), nameOf(await handle(called('b__x')))];
  const foreign = nameOf(await handle(called('c__x', clientOf({ capabilities, principal: 'bob' }))));
  const { notes, emit } = collector();
  const filter = { notifications: { toolsListChanged: true, taskIds: [atA, 't1', atB, foreign] } };
  await handle(exchange('subscriptions/listen', filter, { client: ada }), emit);
  const asked = [a, b, c].map((each) => each.asked('subscriptions/listen')[0]?.request.params.notifications);
  expect(asked).toEqual([
    { toolsListChanged: true, taskIds: ['t1'] },
    { toolsListChanged: true, taskIds: ['t1'] },
    { toolsListChanged: true },
  ]);
  expect(notes[0]?.params.notifications).toEqual({ toolsListChanged: true, taskIds: [atA, atB] });
  const told = notes.slice(1).map(({ params: { taskId, from } }) => `${from} ${taskId}`);
  expect(told.slice(0, 2)).toEqual([`a ${atA}`, `b ${atB}`]);
});

describe('a session', () => {
  const session = clientOf({ era: '2025', session: 's', principal: 'ada' });
  const task = { taskId: 't1', status: 'working', ttl: 1 };
  const sessions = (name: string) =>
    source(name, {
      'tools/call': { task, _meta: { x: 1 } },
      'tasks/get': task,
      'tasks/cancel': { ...task, status: 'cancelled' },
      'tasks/result': { content: [], _meta: { [RELATED]: { taskId: 't1' } } },
      'tasks/list': { tasks: [task, { ...task, taskId: 't2' }] },
    });

  test('has its tasks by the names of the gateway, wherever their ids stand', async () => {
    const { handle } = routerOver([sessions('a')], 'none');
    const asTask = exchange('tools/call', { name: 'x', task: { ttl: 1 } }, { client: session });
    const made = (await handle(asTask)).value as { task: { taskId: string } };
    const { taskId } = made.task;
    expect<object>(made).toEqual({ task: { ...task, taskId }, _meta: { x: 1 } });
    expect(taskId).toMatch(/^s1\./);
    const of = async (method: string): Promise<object> =>
      (await handle(about(taskId, session, method))).value;
    expect(await of('tasks/get')).toEqual({ ...task, taskId });
    expect(await of('tasks/cancel')).toEqual({ ...task, taskId, status: 'cancelled' });
    expect(await of('tasks/result')).toEqual({ content: [], _meta: { [RELATED]: { taskId } } });
  });

  test('lists those of all upstreams, leaving out who has no list', async () => {
    for (const others of [[], [sessions('b'), source('c')]]) {
      const { handle } = routerOver([sessions('a'), ...others]);
      const { tasks } = (await handle(exchange('tasks/list', {}, { client: session }))).value as {
        tasks: { taskId: string }[];
      };
      expect(tasks.length).toBe(others.length === 0 ? 2 : 4);
      for (const { taskId } of tasks) {
        const got = await handle(about(taskId, session));
        expect<object>(got.value).toEqual({ ...task, taskId: expect.stringMatching(/^s1\./) });
      }
    }
  });

  test('is told what its upstreams can do with tasks, if any of them makes them', async () => {
    const withTasks = (tasks: object, name = 's') => source(name, {}, { capabilities: { tools: {}, tasks } });
    const told = async (...sources: TestSource[]) =>
      ((await routerOver(sources).handle(exchange('server/discover', {}))).value as { capabilities: object })
        .capabilities;
    const requests = { tools: { call: {} } };
    expect(
      await told(withTasks({ requests, list: {} }), withTasks({ requests, cancel: {} }, 't')),
    ).toHaveProperty('tasks', { list: {}, cancel: {}, requests });
    expect(await told(withTasks({ requests: {}, list: {} }))).not.toHaveProperty('tasks');
  });
});

test('an id beyond limits.task_id is refused, and counted', async () => {
  const { handle, host } = routerOver([tasking('a', 'x'.repeat(1_025))]);
  const result = await handle(called('a__x'));
  expect(codeOf(result)).toBe('UPSTREAM_INVALID');
  expect(result.raw.string('message')).toBe(
    'The upstream "a" gave an id of more than 1024 characters to a task.',
  );
  expect(await host.figure('limitHits', { limit: 'task_id' })).toBeGreaterThan(0);
});
