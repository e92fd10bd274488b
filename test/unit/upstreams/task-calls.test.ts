// Tools that can only be called as tasks: the gateway makes the task, waits for it, and leaves none behind.
import { afterEach, describe, expect, test } from 'bun:test';
import { clientOf, codeOf, collector, exchange, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import {
  byRaw,
  note,
  type RawUpstream,
  type RawUpstreamOptions,
  startRawUpstream,
} from '../../fixtures/raw-upstream.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const RELATED = 'io.modelcontextprotocol/related-task';
const TOOLS = JSON.stringify([{ name: 'must', execution: { taskSupport: 'required' } }, { name: 'may' }]);
const capabilities = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
const task = { taskId: 't1', status: 'working', ttl: null, pollInterval: 100 };
const meta = { [RELATED]: { taskId: 't1' } };
const RESULT = JSON.stringify({ content: [{ type: 'text', text: 'done' }], _meta: meta });
const GONE = '!{"code":-32602,"message":"Task not found"}';
const QUESTION = {
  jsonrpc: '2.0',
  id: 5,
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: {}, _meta: meta },
};

const run = running({ idle: false });
const servers: RawUpstream[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

type Answers = Readonly<Record<string, RawUpstreamOptions['answer']>>;

/** A server whose answers differ from those of a well-behaved one. */
function start(answers: Answers = {}, changes: Parameters<typeof httpSpec>[1] = {}) {
  const usual: Answers = {
    'tools/call': ({ message }) =>
      message.params.task ? JSON.stringify({ task }) : '{"content":[{"type":"text","text":"plain"}]}',
    'tasks/get': () => JSON.stringify(task),
    'tasks/result': () => RESULT,
    'tasks/cancel': () => JSON.stringify({ ...task, status: 'cancelled' }),
    'tasks/list': () => JSON.stringify({ tasks: [task] }),
  };
  const server = startRawUpstream({
    era: '2025',
    tools: TOOLS,
    capabilities,
    answer: (seen) => (answers[seen.message.method] ?? usual[seen.message.method] ?? (() => '{}'))(seen),
  });
  servers.push(server);
  const upstream = run.upstream(httpSpec(server.url, changes));
  const paramsOf = (method: string) =>
    server.seen.filter(({ message }) => message.method === method).map(({ message }) => message.params);
  return { server, upstream, paramsOf };
}

const never = (): Promise<string> => new Promise(() => {});

describe('a tool that wants a task', () => {
  test('gets one, and its result is that of the call', async () => {
    const { upstream, paramsOf } = start();
    const result = await upstream.handle(toolCall('must', { a: 1 }), nobody);
    expect<object>(result.raw.value).toEqual(byRaw({ content: [{ type: 'text', text: 'done' }] }));
    expect(paramsOf('tools/call')).toEqual([{ name: 'must', arguments: { a: 1 }, task: {} }]);
    expect(paramsOf('tasks/result')).toEqual([{ taskId: 't1' }]);
  });

  test('is found once for a link, and looked for again when the list changes', async () => {
    const { upstream, paramsOf, server } = start();
    for (const name of ['must', 'may', 'may']) await upstream.handle(toolCall(name), nobody);
    expect(paramsOf('tools/call').map(({ task: own }) => own)).toEqual([{}, undefined, undefined]);
    expect(paramsOf('tools/list').length).toBe(1);
    const leave = new AbortController();
    const { emit, heard } = collector();
    const filter = { notifications: { toolsListChanged: true } };
    const listening = upstream.handle(
      exchange('subscriptions/listen', filter, { signal: leave.signal }),
      emit,
    );
    await heard(1);
    await until(() => server.listeners > 0);
    server.tell('notifications/tools/list_changed');
    await heard(2);
    await upstream.handle(toolCall('may'), nobody);
    expect(paramsOf('tools/list').length).toBe(2);
    leave.abort();
    await listening;
  });

  test('may answer at once, or refuse', async () => {
    for (const [answer, said] of [
      [RESULT, byRaw({ content: [{ type: 'text', text: 'done' }], _meta: meta })],
      [GONE, { code: -32602, message: 'Task not found' }],
    ] as const) {
      const { upstream, paramsOf } = start({ 'tools/call': () => answer });
      expect<object>((await upstream.handle(toolCall('must'), nobody)).value).toEqual(said);
      expect(paramsOf('tasks/result')).toEqual([]);
    }
  });

  test('tells of its progress, and not of its task', async () => {
    const { upstream } = start({
      async *'tasks/result'({ message }) {
        yield note('notifications/tasks/status', task);
        yield note('notifications/message', { level: 'info', data: 'x', _meta: meta });
        const { progressToken } = message.params._meta;
        yield note('notifications/progress', { progressToken, progress: 1, _meta: { ...meta, other: 1 } });
        return RESULT;
      },
    });
    const { notes, emit } = collector();
    await upstream.handle(toolCall('must', {}, { token: '"p"', logLevel: 'info' }), emit);
    expect(notes.map(({ params }) => params)).toEqual([
      { level: 'info', data: 'x' },
      { progressToken: 'p', progress: 1, _meta: { other: 1 } },
    ]);
  });

  test('tells of progress under the token with which the task was made', async () => {
    let made: unknown;
    const { upstream } = start({
      'tools/call': ({ message }) => {
        made = message.params._meta.progressToken;
        return JSON.stringify({ task });
      },
      async *'tasks/result'() {
        for (const progress of [2, 1, 3])
          yield note('notifications/progress', { progressToken: made, progress });
        return RESULT;
      },
    });
    const { notes, emit } = collector();
    await upstream.handle(toolCall('must', {}, { token: '"p"' }), emit);
    expect(notes.map(({ params }) => params)).toEqual([
      { progressToken: 'p', progress: 2 },
      { progressToken: 'p', progress: 3 },
    ]);
  });

  test('asks, also before there is a task, and goes on when it is answered', async () => {
    const answered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const asking = (i: number, then: string) =>
      async function* () {
        yield JSON.stringify(QUESTION);
        await answered[i]?.promise;
        return then;
      };
    const { upstream, server } = start({
      'tools/call': asking(0, JSON.stringify({ task })),
      'tasks/result': asking(1, RESULT),
    });
    const client = clientOf({ capabilities: { elicitation: {} } });
    let result = await upstream.handle(toolCall('must', {}, { client }), nobody);
    for (const { resolve } of answered) {
      expect(result.kind).toBe('input_required');
      expect(result.raw.text).not.toContain('taskId');
      const params = {
        name: 'must',
        arguments: {},
        requestState: result.raw.string('requestState'),
        inputResponses: { [String(result.raw.object('inputRequests')?.keys()[0])]: { action: 'accept' } },
      };
      const again = upstream.handle(exchange('tools/call', params, { client }), nobody);
      resolve();
      result = await again;
    }
    expect(textOf(result)).toBe('done');
    const answers = server.seen.filter(({ message }) => message.result !== undefined);
    expect(answers.map(({ message }) => message.result)).toEqual([
      { action: 'accept' },
      { action: 'accept' },
    ]);
  });
});

describe('while it waits for the result', () => {
  test('one that its server does not know is over', async () => {
    const { upstream, paramsOf } = start({ 'tasks/result': never, 'tasks/get': () => GONE });
    const { value } = await upstream.handle(toolCall('must'), nobody);
    expect<object>(value).toEqual({ code: -32602, message: 'Task not found' });
    expect(paramsOf('tasks/cancel')).toEqual([]);
  });
});

describe('a task is ended', () => {
  test('with the deadline of its call', async () => {
    const { upstream, server } = start({ 'tasks/result': never, 'tasks/get': never });
    const call = () => upstream.handle(toolCall('must'), nobody);
    expect(codeOf(await longAfter(call, () => server.arrived('tasks/result')))).toBe('UPSTREAM_TIMEOUT');
    expect((await server.arrived('tasks/cancel')).message.params).toEqual({ taskId: 't1' });
  });

  test('when its caller goes', async () => {
    const { upstream, server } = start({ 'tasks/result': never });
    const leave = new AbortController();
    const calling = upstream.handle(toolCall('must', {}, { signal: leave.signal }), nobody);
    await server.arrived('tasks/result');
    leave.abort();
    expect(codeOf(await calling)).toBe('CANCELLED');
    expect((await server.arrived('tasks/cancel')).message.params).toEqual({ taskId: 't1' });
  });

  test('when its caller goes before it has an id', async () => {
    const made = Promise.withResolvers<string>();
    const { upstream, server, paramsOf } = start({ 'tools/call': () => made.promise });
    const leave = new AbortController();
    const calling = upstream.handle(toolCall('must', {}, { signal: leave.signal }), nobody);
    await server.arrived('tools/call');
    leave.abort();
    made.resolve(JSON.stringify({ task }));
    expect(codeOf(await calling)).toBe('CANCELLED');
    expect((await server.arrived('tasks/cancel')).message.params).toEqual({ taskId: 't1' });
    expect(paramsOf('notifications/cancelled')).toEqual([]);
  });

  test('when nobody answers what it asks', async () => {
    const { upstream, server } = start(
      {
        async *'tasks/result'() {
          yield JSON.stringify(QUESTION);
          return never();
        },
      },
      { limits: { parkTtl: 50 } },
    );
    const client = clientOf({ capabilities: { elicitation: {} } });
    expect((await upstream.handle(toolCall('must', {}, { client }), nobody)).kind).toBe('input_required');
    expect((await server.arrived('tasks/cancel')).message.params).toEqual({ taskId: 't1' });
  });
});

describe('what a client says of tasks itself', () => {
  const session = clientOf({ era: '2025', session: 's' });

  test('goes to a server of its era as it is, and to no other', async () => {
    const { upstream, paramsOf } = start();
    const params = { name: 'may', task: { ttl: 5 } };
    await upstream.handle(exchange('tools/call', params, { client: session }), nobody);
    await upstream.handle(exchange('tools/call', params), nobody);
    expect(paramsOf('tools/call')).toEqual([params, { name: 'may' }]);
  });

  test('a list is for who has the link alone; without that none is offered', async () => {
    const { upstream } = start();
    const listOf = (client = clientOf()) => upstream.handle(exchange('tasks/list', {}, { client }), nobody);
    expect((await listOf(session)).value).toEqual({ tasks: [task] });
    expect(codeOf(await listOf())).toBe('METHOD_UNKNOWN');
    const offered = async (client = clientOf()) => (await upstream.hello(client)).capabilities.get('tasks');
    expect(await offered(session)).toEqual(capabilities.tasks);
    expect(await offered()).toEqual({ cancel: {}, requests: { tools: { call: {} } } });
  });

  test('its token of progress is good after the task is made: for its session, and for no other', async () => {
    const { upstream, server } = start();
    const leave = new AbortController();
    const [mine, other] = [collector(), collector()];
    const listening = [
      { client: session, emit: mine.emit },
      { client: clientOf({ era: '2025', session: 'other' }), emit: other.emit },
    ].map(({ client, emit }) =>
      upstream.handle(
        exchange('subscriptions/listen', { notifications: {} }, { client, signal: leave.signal }),
        emit,
      ),
    );
    await Promise.all([mine.heard(1), other.heard(1)]);
    await until(() => server.listeners === 2);
    const params = { name: 'may', task: {} };
    await upstream.handle(exchange('tools/call', params, { client: session, token: '7' }), nobody);
    const { progressToken } = (await server.arrived('tools/call')).message.params._meta;
    server.tell('notifications/progress', { progressToken, progress: 1 });
    await mine.heard(2);
    expect(mine.notes[1]?.params).toEqual({ progressToken: 7, progress: 1 });
    leave.abort();
    await Promise.all(listening);
    expect(other.notes.length).toBe(1);
  });

  test('no tasks are offered where the link ends with the call that made them', async () => {
    const { upstream } = start({}, { sessions: { per: 'request' } });
    expect((await upstream.hello(session)).capabilities.has('tasks')).toBe(false);
  });
});
