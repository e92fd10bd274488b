// An upstream that speaks HTTP+SSE of 2024-11-05, on the SDK that had it last, behind the gateway for clients of
// both eras.
import { afterEach, describe, expect, test } from 'bun:test';
import { type AnyPlugin, definePlugin, z } from '../../src/plugin.ts';
import { ask, call, listen, openSession, type RawSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type SseServer, startSseServer } from '../fixtures/sse-server.ts';
import { until } from '../fixtures/until.ts';
import { send } from '../fixtures/wire.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function serve(port?: number): Promise<SseServer> {
  const server = await startSseServer(port);
  ending.push(() => server.stop());
  return server;
}

async function front(
  server: SseServer,
  more: object = {},
  plugins: Record<string, AnyPlugin> = {},
): Promise<InProcess> {
  const gateway = await startInProcess(
    configOf({ up: { url: server.url, ...more } }, { limits: { keep_alive: '20ms' } }),
    { plugins },
  );
  ending.push(() => gateway.stop());
  return gateway;
}

const CAPABLE = { capabilities: { elicitation: {}, sampling: {} } };

/** The tool's text in the last of the messages. */
// biome-ignore lint/suspicious/noExplicitAny: whatever came
const textOf = (messages: any[]): string => messages.at(-1)?.result?.content?.[0]?.text;

describe('a client of 2025', () => {
  test('calls, hears progress, and ends the session with its own', async () => {
    const server = await serve();
    const gateway = await front(server);
    const session = await openSession(gateway.url);
    expect(textOf(await (await session.call('echo', { said: 'ü😀' })).messages())).toBe('ü😀');
    const counted = await (await session.call('count', { to: 5 }, { token: 't' })).messages();
    expect(counted.map(({ params }) => params?.progress).slice(0, -1)).toEqual([1, 2, 3, 4, 5]);
    expect(counted[0].params.progressToken).toBe('t');
    expect(textOf(counted)).toBe('counted to 5');
    expect(server.sessions).toBe(1);
    await (await send(gateway.url, { method: 'DELETE', headers: session.headers })).text();
    await until(() => server.sessions === 0);
  });

  async function answered(session: RawSession, tool: string, result: object): Promise<string> {
    const asked = await session.call(tool);
    const { id } = await asked.message();
    await session.tell({ id, result });
    return textOf(await asked.messages());
  }

  test('is asked what the server asks', async () => {
    const gateway = await front(await serve());
    const session = await openSession(gateway.url, CAPABLE);
    const accepted = { action: 'accept', content: { name: 'Ada' } };
    expect(await answered(session, 'ask', accepted)).toBe('accept Ada');
    const said = { role: 'assistant', model: 'm', content: { type: 'text', text: 'It.' } };
    expect(await answered(session, 'sample', said)).toBe('{"type":"text","text":"It."}');
  });

  test('cancels, and the server hears it', async () => {
    const server = await serve();
    const gateway = await front(server);
    const session = await openSession(gateway.url);
    const hanging = session.call('hang', {}, { id: 'h' });
    await server.hanging;
    await session.tell({ method: 'notifications/cancelled', params: { requestId: 'h' } });
    await server.cancelled;
    await (await hanging).messages();
  });

  test('hears what the server tells outside of calls', async () => {
    const server = await serve();
    const gateway = await front(server);
    const session = await openSession(gateway.url);
    const standing = await session.stream();
    await (await session.call('echo', { said: 'x' })).messages();
    const told = standing.message();
    server.changed();
    expect((await told).method).toBe('notifications/tools/list_changed');
  });
});

describe('a client of 2026', () => {
  test('calls, is asked, listens, and cancels by closing', async () => {
    const server = await serve();
    const gateway = await front(server);
    expect(textOf(await (await call(gateway.url, 'echo', { said: 'x' })).messages())).toBe('x');
    const capabilities = { elicitation: {} };
    const [asked] = await (await call(gateway.url, 'ask', {}, { capabilities })).messages();
    expect(asked.result).toMatchObject({ resultType: 'input_required' });
    const { requestState, inputRequests } = asked.result;
    const inputResponses = Object.fromEntries(
      Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: { name: 'Bob' } }]),
    );
    const params = { name: 'ask', arguments: {}, requestState, inputResponses };
    const again = await ask(gateway.url, 'tools/call', params, { name: 'ask', capabilities });
    expect(textOf(await again.messages())).toBe('accept Bob');
    const { answer, acknowledged } = await listen(gateway.url, { toolsListChanged: true });
    expect(acknowledged.params.notifications).toEqual({ toolsListChanged: true });
    server.changed();
    expect((await answer.message()).method).toBe('notifications/tools/list_changed');
    answer.drop();
    const hanging = await call(gateway.url, 'hang', {}, { token: 1 });
    await server.hanging;
    hanging.drop();
    await server.cancelled;
  });
});

describe('which transport', () => {
  test('is found once: a POST, then a GET; later sessions begin with the GET', async () => {
    const server = await serve();
    const gateway = await front(server);
    for (let n = 0; n < 2; n++)
      await (await (await openSession(gateway.url)).call('echo', { said: 'x' })).messages();
    const lines = server.hits.map(({ line }) => line).filter((line) => line !== 'POST /messages');
    expect(lines.filter((line) => line === 'POST /sse').length).toBe(1);
    expect(lines.filter((line) => line === 'GET /sse').length).toBe(2);
  });

  test('is settled by `type: sse`: nothing is posted there', async () => {
    const server = await serve();
    const gateway = await front(server, { type: 'sse' });
    expect(textOf(await (await call(gateway.url, 'echo', { said: 'x' })).messages())).toBe('x');
    expect(server.hits.map(({ line }) => line)).not.toContain('POST /sse');
  });

  test('is settled by `type: http`: no stream is tried', async () => {
    const server = await serve();
    const gateway = await front(server, { type: 'http' });
    const [told] = await (await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' })).messages();
    expect(told.error.data.code).toBe('UPSTREAM_INVALID');
    expect(server.hits.map(({ line }) => line)).not.toContain('GET /sse');
  });
});

test('a server that goes takes its calls along; the next call finds it again', async () => {
  const server = await startSseServer();
  const gateway = await front(server);
  const session = await openSession(gateway.url);
  const hanging = session.call('hang');
  await server.hanging;
  await server.stop();
  const [lost] = await (await hanging).messages();
  expect(lost.error.data.code).toBe('UPSTREAM_UNAVAILABLE');
  expect(lost.error.message).toContain('its event stream ');
  const next = await serve(server.port);
  expect(textOf(await (await session.call('echo', { said: 'again' })).messages())).toBe('again');
  expect(next.sessions).toBe(1);
});

test('configured headers and onSend are on every message', async () => {
  const marking = definePlugin({
    name: 'marking',
    api: 1,
    about: 'Marks.',
    schema: z.strictObject({}),
    setup: () => ({
      onSend: (outbound, x) => ({
        ...outbound,
        headers: { ...outbound.headers, 'x-mark': x.request.method },
      }),
    }),
  });
  const server = await serve();
  const more = { type: 'sse', headers: { Authorization: 'Bearer t' }, pipeline: [{ marking: {} }] };
  const gateway = await front(server, more, { marking });
  const session = await openSession(gateway.url, CAPABLE);
  const asked = await session.call('ask');
  const { id } = await asked.message();
  await session.tell({ id, result: { action: 'decline' } });
  await asked.messages();
  expect(server.hits.map(({ line, headers }) => `${line} ${headers['x-mark']}`)).toEqual([
    'GET /sse GET',
    'POST /messages initialize',
    'POST /messages notifications/initialized',
    'POST /messages tools/call',
    'POST /messages tools/call',
  ]);
  expect(new Set(server.hits.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer t']));
});
