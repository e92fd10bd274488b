// What a server of 2026 gave out comes back to the place that gave it.
import { describe, expect, test } from 'bun:test';
import type { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, collector, exchange, nobody, testHost } from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, event, type Hit, json, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';

const run = running();
const TASKS = { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const client = clientOf({ capabilities: TASKS });

const result = (hit: Hit, members: object) => ({ jsonrpc: '2.0', id: hit.message.id, result: members });
const stateOf = (hit: Hit): unknown => hit.message.params?.requestState;

/** Asks once and ends the second round; makes a task of a tool of that name. */
const serve: (name: string) => Behaviour = (name) => (hit, res) => {
  const { method, params = {} } = hit.message;
  const task = {
    taskId: `task of ${name}`,
    status: 'working',
    createdAt: '',
    lastUpdatedAt: '',
    ttlMs: null,
  };
  if (method === 'tasks/get')
    return json(res, result(hit, { resultType: 'complete', ...task, status: 'completed' }));
  if (params.name === 'task') return json(res, result(hit, { resultType: 'task', ...task }));
  if (stateOf(hit) !== undefined) return json(res, answer(hit, `${name} ${stateOf(hit)}`));
  const inputRequests = { a: { method: 'roots/list', params: {} } };
  return json(
    res,
    result(hit, { resultType: 'input_required', inputRequests, requestState: `state of ${name}` }),
  );
};

async function two(perCaller = false) {
  const broken = new Set<string>();
  const start = (name: string) =>
    run.rogue(serve(name), { before: (_, res) => (broken.has(name) ? status(res, 500) : false) });
  const rogues = [await start('one'), await start('two')];
  const host = testHost();
  const targets = {
    balance: 'round_robin',
    breaker: { failures: 1, open: 60_000, openMax: 60_000 },
  } as const;
  const upstream = run.upstream(
    httpSpec(
      rogues.map(({ url }) => url),
      { era: '2026', targets },
    ),
    host,
  );
  upstream.speakThrough(Object.assign(() => [], { perCaller }));
  const ask = (method: string, params: object): Promise<McpResult> =>
    upstream.handle(exchange(method, params, { client }), nobody);
  return { rogues, broken, ask, upstream };
}

describe('the rounds of one call', () => {
  const round = { name: 'tool', arguments: {}, inputResponses: { a: { roots: [] } } };

  test.each([false, true])(
    'go to one place, which gets its state as it gave it, a link each: %p',
    async (own) => {
      const { ask } = await two(own);
      for (const name of ['one', 'two', 'one', 'two']) {
        const asked = await ask('tools/call', { name: 'tool', arguments: {} });
        const requestState = asked.raw.string('requestState');
        expect(requestState).toEndWith(`state of ${name}`);
        for (let n = 0; n < 3; n++) {
          const done = await ask('tools/call', { ...round, requestState });
          expect(done.raw.text).toContain(`"${name} state of ${name}"`);
        }
      }
    },
  );

  test('go elsewhere once that place has failed: any server may know the state', async () => {
    const { ask, broken, rogues } = await two();
    const requestState = (await ask('tools/call', { name: 'tool', arguments: {} })).raw.string(
      'requestState',
    );
    broken.add('one');
    expect((await ask('tools/call', { ...round, requestState })).kind).toBe('error');
    const done = await ask('tools/call', { ...round, requestState });
    expect(done.raw.text).toContain('"two state of one"');
    expect(rogues[1]?.of('tools/call').map(stateOf)).toEqual(['state of one']);
  });

  test('of one place alone keep their bytes, and a state from when there were more is still one', async () => {
    const rogue = await run.rogue(serve('one'));
    const upstream = run.upstream(httpSpec(rogue.url, { era: '2026' }));
    const ask = (params: object) => upstream.handle(exchange('tools/call', params, { client }), nobody);
    const asked = await ask({ name: 'tool', arguments: {} });
    expect(asked.raw.string('requestState')).toBe('state of one');
    const done = await ask({ ...round, requestState: '@sluice.0123abcd@state of two' });
    expect(done.raw.text).toContain('"one state of two"');
  });
});

describe('tasks', () => {
  test('are asked for where they are', async () => {
    const { ask, rogues } = await two();
    for (const [index, name] of ['one', 'two'].entries()) {
      const made = await ask('tools/call', { name: 'task', arguments: {} });
      const taskId = made.raw.string('taskId');
      expect(taskId).toEndWith(`task of ${name}`);
      for (let n = 0; n < 3; n++) {
        const seen = await ask('tasks/get', { taskId });
        expect(seen.raw.string('taskId')).toBe(taskId ?? '');
      }
      const asked = rogues[index]?.of('tasks/get').map(({ message }) => message.params?.taskId);
      expect(asked).toEqual([`task of ${name}`, `task of ${name}`, `task of ${name}`]);
    }
  });

  test('are listened to there, under the names the caller knows', async () => {
    const listened: unknown[] = [];
    const subscription = (hit: Hit) => ({ 'io.modelcontextprotocol/subscriptionId': hit.message.id });
    const behave: Behaviour = (hit, res) => {
      if (hit.message.method !== 'subscriptions/listen') return serve('one')(hit, res, undefined as never);
      const { notifications } = hit.message.params ?? {};
      listened.push(notifications);
      const note = (method: string, params: object) =>
        event({ jsonrpc: '2.0', method, params: { ...params, _meta: subscription(hit) } });
      return stream(
        res,
        note('notifications/subscriptions/acknowledged', { notifications }),
        note('notifications/tasks', { taskId: 'task of one', status: 'completed' }),
      );
    };
    const [one, other] = [await run.rogue(behave), await run.rogue((_, res) => status(res, 500))];
    const targets = { balance: 'first' } as const;
    const upstream = run.upstream(httpSpec([one.url, other.url], { era: '2026', targets }));
    const made = await upstream.handle(exchange('tools/call', { name: 'task' }, { client }), nobody);
    const taskId = made.raw.string('taskId') ?? '';
    const { notes, emit, heard } = collector();
    const end = new AbortController();
    const wanted = { notifications: { taskIds: [taskId] } };
    const listening = upstream.handle(
      exchange('subscriptions/listen', wanted, { client, signal: end.signal }),
      emit,
    );
    await heard(2);
    expect(listened).toEqual([{ taskIds: ['task of one'] }]);
    expect(notes[0]?.raw?.object('notifications')?.get('taskIds')).toEqual([taskId]);
    expect(notes[1]?.raw?.string('taskId')).toBe(taskId);
    end.abort();
    await listening;
  });
});
