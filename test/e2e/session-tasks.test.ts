// Tasks of 2025-11-25 through a whole gateway: carried between an SDK's client and server, and made here where a tool
// wants one and the client does not know of them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { madeBy } from '../fixtures/made-by.ts';
import { type ServingTasks, serveTasks } from '../fixtures/tasks/http.ts';
import { type ServingSessionTasks, serveSessionTasks } from '../fixtures/tasks/sessions.ts';

/** What one of the servers says, for a client of 2026. */
const bySelf = (result: Record<string, unknown>) => madeBy({ name: 'session-tasks', version: '1' }, result);
const RELATED = 'io.modelcontextprotocol/related-task';

let one: ServingSessionTasks;
let two: ServingSessionTasks;
let stateless: ServingTasks;
let gateway: InProcess;

beforeAll(async () => {
  [one, two, stateless] = [serveSessionTasks(), serveSessionTasks(), serveTasks()];
  const piped = fileURLToPath(new URL('../fixtures/tasks/sessions.ts', import.meta.url));
  gateway = await startInProcess(
    configOf({
      one: { url: one.url },
      two: { url: two.url },
      new: { url: stateless.url },
      piped: { command: process.execPath, args: [piped] },
    }),
  );
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([one.stop(), two.stop(), stateless.stop()]);
});

/** A client of the SDK that answers what it is asked, and remembers with which `_meta`. */
async function connected() {
  const asked: unknown[] = [];
  const client = new Client({ name: 'v1', version: '1' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params._meta?.[RELATED]);
    return { action: 'accept', content: { name: 'Ada' } };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)));
  await client.listTools();
  return { client, asked, tasks: client.experimental.tasks };
}

/** Calls a tool as a task, to its end. */
async function streamed({ tasks }: Awaited<ReturnType<typeof connected>>, name: string, args: object) {
  const seen: { type: string; taskId?: string; status?: string; text?: unknown }[] = [];
  for await (const message of tasks.callToolStream({ name, arguments: { ...args } }, undefined, {
    task: {},
  })) {
    if (message.type === 'taskCreated') seen.push({ type: message.type, taskId: message.task.taskId });
    if (message.type === 'error') throw message.error;
    if (message.type === 'result') seen.push({ type: 'result', text: message.result.content });
  }
  return seen;
}

describe('between a client and a server of 2025-11-25', () => {
  test('tasks are advertised, and carried to their end, wherever they are', async () => {
    const peer = await connected();
    expect(peer.client.getServerCapabilities()?.tasks).toEqual({
      list: {},
      cancel: {},
      requests: { tools: { call: {} } },
    });
    for (const name of ['one__must', 'two__may', 'piped__must']) {
      const [created, result] = await streamed(peer, name, { say: name });
      expect(created?.taskId).toMatch(/^s1\./);
      expect(result?.text).toEqual([{ type: 'text', text: name }]);
    }
    await peer.client.close();
  });

  test('what a task asks is asked, and says which task it is of', async () => {
    const peer = await connected();
    const [created, result] = await streamed(peer, 'one__must', { ask: 'Who?' });
    expect(result?.text).toEqual([{ type: 'text', text: ' accept Ada' }]);
    expect(peer.asked).toEqual([{ taskId: created?.taskId }]);
    await peer.client.close();
  });

  test('they are listed with those of other upstreams, looked at, and cancelled', async () => {
    const peer = await connected();
    const made = [];
    for (const name of ['one__must', 'two__must']) {
      const stream = peer.tasks.callToolStream({ name, arguments: { wait: true } }, undefined, { task: {} });
      const { value } = await stream.next();
      made.push(value?.type === 'taskCreated' ? value.task.taskId : '');
    }
    const { tasks } = await peer.tasks.listTasks();
    expect(tasks.map(({ taskId }) => taskId)).toEqual(made);
    expect((await peer.tasks.cancelTask(String(made[0]))).status).toBe('cancelled');
    const states = await Promise.all(made.map((id) => peer.tasks.getTask(id)));
    expect(states.map(({ status }) => status)).toEqual(['cancelled', 'working']);
    await peer.client.close();
  });

  test('they are of their session, and of no other', async () => {
    const [peer, other] = [await connected(), await connected()];
    const [created] = await streamed(peer, 'one__may', { say: 'mine' });
    const id = String(created?.taskId);
    expect((await other.tasks.listTasks()).tasks).toEqual([]);
    await expect(other.tasks.getTask(id)).rejects.toThrow('Task not found');
    await expect(other.tasks.getTask(`${id}x`)).rejects.toThrow('Unknown task.');
    await Promise.all([peer.client.close(), other.client.close()]);
  });
});

describe('a tool that can only be called as a task', () => {
  test('is an ordinary tool for clients that do not know tasks', async () => {
    const session = await openSession(gateway.url, { version: '2025-06-18' });
    const old = (await (await session.call('one__must', { say: 'old' })).messages()).at(-1);
    expect(old.result).toEqual({ content: [{ type: 'text', text: 'old' }] });
    for (const name of ['one__must', 'two__must', 'piped__must']) {
      const { result } = await (await call(gateway.url, name, { say: 'new' })).json();
      expect(result).toEqual(bySelf({ content: [{ type: 'text', text: 'new' }], resultType: 'complete' }));
    }
    const { result } = await (await ask(gateway.url, 'tools/list')).json();
    expect(JSON.stringify(result)).not.toContain('execution');
  });

  test('asks as any tool does, and says nothing of its task', async () => {
    const options = { capabilities: { elicitation: {} } };
    const asked = await (await call(gateway.url, 'one__must', { ask: 'Who?' }, options)).json();
    expect(asked.result.resultType).toBe('input_required');
    expect(JSON.stringify(asked)).not.toContain('taskId');
    const [key] = Object.keys(asked.result.inputRequests);
    const params = {
      name: 'one__must',
      arguments: { ask: 'Who?' },
      requestState: asked.result.requestState,
      inputResponses: { [String(key)]: { action: 'accept', content: { name: 'Bob' } } },
    };
    const told = await (
      await ask(gateway.url, 'tools/call', params, { ...options, name: 'one__must' })
    ).json();
    expect(told.result).toEqual(
      bySelf({ content: [{ type: 'text', text: ' accept Bob' }], resultType: 'complete' }),
    );
  });

  test('is cancelled as a task when its caller goes', async () => {
    const before = two.seen.filter(({ method }) => method === 'tasks/cancel').length;
    const leaving = new AbortController();
    const gone = fetchCall('two__must', leaving.signal).catch((error: Error) => error.name);
    const { params } = await two.arrived('tasks/result', countOf(two, 'tasks/result') + 1);
    leaving.abort();
    expect(await gone).toBe('AbortError');
    expect((await two.arrived('tasks/cancel', before + 1)).params).toEqual({ taskId: params.taskId });
  });

  test('that goes away while it is waited for ends the call', async () => {
    const results = countOf(one, 'tasks/result');
    const answer = call(gateway.url, 'one__must', { wait: true });
    const { params } = await one.arrived('tasks/result', results + 1);
    one.forget(params.taskId);
    const { error } = await (await answer).json();
    expect(error.message).toContain('not found');
  });
});

test('nothing of it reaches the other era', async () => {
  const options = { capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } };
  const { result } = await (await call(gateway.url, 'new__greet', { name: 'x' }, options)).json();
  expect(result.resultType).toBe('complete');
  const peer = await connected();
  // Not a task there: the server is of 2026-07-28, and the client cannot have its tasks.
  const { content } = await peer.client.callTool({
    name: 'new__slow_compute',
    arguments: { seconds: 0, label: 'x' },
  });
  expect(content).toEqual([{ type: 'text', text: 'computed x' }]);
  const refused = await peer.client.callTool({ name: 'new__failing_job', arguments: {} });
  expect(refused.isError).toBe(true);
  expect(JSON.stringify(refused.content)).toContain('io.modelcontextprotocol/tasks');
  const sent = stateless.seen.findLast(({ method }) => method === 'tools/call')?.params;
  expect(sent._meta['io.modelcontextprotocol/clientCapabilities']).not.toHaveProperty('tasks');
  await peer.client.close();
});

const countOf = (upstream: ServingSessionTasks, method: string): number =>
  upstream.seen.filter((message) => message.method === method).length;

function fetchCall(name: string, signal: AbortSignal): Promise<unknown> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name, arguments: { wait: true }, _meta };
  return fetch(gateway.url, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  }).then((response) => response.text());
}
