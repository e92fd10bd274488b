// A caller whom plugins refuse costs the upstreams nothing: no connection, no byte, no process, whatever it asks and
// however.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sessionMemory } from '../../src/core/session-store.ts';
import { definePlugin, principalFact, refuse, z } from '../../src/plugin.ts';
import { ask, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize } from '../fixtures/raw.ts';
import { startRawUpstream } from '../fixtures/raw-upstream.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

/** Refuses everybody but who has the word. */
const gate = definePlugin({
  name: 'gate',
  api: 1,
  about: 'Refuses.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_request, x) {
      if (x.inbound.headers.get('x-word') !== 'friend') return refuse('UNAUTHENTICATED', 'Who are you?');
      return void x.set(principalFact, { id: 'friend', scopes: [] });
    },
  }),
});

/** Sees what goes to one upstream. */
const watching = definePlugin({
  name: 'watching',
  api: 1,
  about: 'Sees.',
  schema: z.strictObject({}),
  setup: () => ({ onRequest() {} }),
});

const plugins = { gate, watching };
const pipeline = [{ gate: {} }, { watching: {}, when: { upstreams: ['plain', 'process'] } }];

/** A server that is never spoken to: it counts who comes. */
async function counting(): Promise<{ server: Server; port: number; hits: () => number }> {
  let hits = 0;
  const server = createServer((socket) => {
    hits++;
    socket.on('data', () => hits++);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { server, port, hits: () => hits };
}

const METHODS: [string, object][] = [
  ['server/discover', {}],
  ['tools/list', {}],
  ['tools/call', { name: 'x', arguments: { region: 'eu' } }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'x' }],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'x://y' }],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'x' }, argument: { name: 'a', value: '' } }],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'x://{y}' } }],
  ['tasks/get', { taskId: 'x' }],
  ['tasks/update', { taskId: 'x' }],
  ['tasks/cancel', { taskId: 'x' }],
  ['tasks/result', { taskId: 'x' }],
  ['tasks/list', {}],
  ['logging/setLevel', { level: 'debug' }],
  ['resources/subscribe', { uri: 'x://y' }],
  ['resources/unsubscribe', { uri: 'x://y' }],
  ['com.example/widgets', {}],
  ['subscriptions/listen', { notifications: { toolsListChanged: true, resourceSubscriptions: ['x://y'] } }],
  ['ping', {}],
];
/** What the gate says; and of methods that the client's era does not have, what anybody is told. */
const REFUSALS = ['UNAUTHENTICATED', 'METHOD_UNKNOWN'];
const PATHS = ['/none', '/prefix', '/search', '/alone'];

const folder = mkdtempSync(join(tmpdir(), 'sluice-refused-'));
const mark = join(folder, 'started');
let counted: Awaited<ReturnType<typeof counting>>;
let gateway: InProcess;
let sessions: { id: string; headers: Record<string, string> }[];

const nothingCame = () => expect([counted.hits(), existsSync(mark)]).toEqual([0, false]);
const errorOf = async (answer: Answer) => (await answer.messages())[0].error;
const codeOf = async (answer: Answer): Promise<string> => (await errorOf(answer)).data.code;
const at = (path: string) => new URL(path, gateway.url).href;

const upstreamsAt = (url: string) => ({
  plain: { url },
  old: { url, type: 'sse' },
  both: { url, pipeline: [{ watching: {} }], pin: { on_drift: 'block' } },
  process: { command: '/bin/sh', args: ['-c', `echo > ${mark}; cat > ${mark}.in`] },
});

function configured(upstreams: object, more: object = {}) {
  const endpoints = {
    '/none': { names: 'none', sse: '/none/sse' },
    '/prefix': {},
    '/search': { expose: { mode: 'search' } },
    '/alone': { upstreams: ['plain'], names: 'none' },
  };
  return configOf({ ...upstreams }, { pipeline, endpoints, ...more });
}

beforeAll(async () => {
  counted = await counting();
  const url = `http://127.0.0.1:${counted.port}/mcp`;
  const [sealKey, store] = [new Uint8Array(32).fill(3), sessionMemory(1 << 20)];
  const config = configured(upstreamsAt(url));
  // Sessions that another gateway has begun are good here, so the upstreams of this one have not been spoken to.
  await using other = await startInProcess(
    configOf(
      { demo: { builtin: 'demo' } },
      { pipeline: [{ gate: {} }], endpoints: Object.fromEntries(PATHS.map((path) => [path, {}])) },
    ),
    { plugins, sealKey, sessions: store },
  );
  sessions = await Promise.all(
    PATHS.map((path) => openSession(new URL(path, other.url).href, { headers: { 'x-word': 'friend' } })),
  );
  gateway = await startInProcess(config, { plugins, sealKey, sessions: store });
});

afterAll(async () => {
  await gateway.stop();
  nothingCame();
  counted.server.close();
  rmSync(folder, { recursive: true });
});

describe.each(PATHS)('on %s', (path) => {
  test.each(METHODS)('2026: %s', async (method, params) => {
    const { name, uri, taskId } = params as Record<string, string | undefined>;
    const headers = { 'mcp-param-region': 'us' };
    const named = name ?? uri ?? taskId;
    const answer = await ask(at(path), method, params, { ...(named && { name: named }), headers });
    expect(REFUSALS).toContain(await codeOf(answer));
    nothingCame();
  });

  test('2026: capabilities that are made up are nobody’s affair', async () => {
    for (let i = 0; i < 50; i++) {
      const capabilities = { experimental: { [`x${i}`]: {} } };
      const options = { name: 'x://y', capabilities };
      const answer = await ask(at(path), 'resources/read', { uri: 'x://y' }, options);
      expect((await errorOf(answer)).data.code).toBe('UNAUTHENTICATED');
    }
    nothingCame();
  });

  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('initialize of %s', async (version) => {
    const answer = await post(at(path), initialize(version));
    expect((await errorOf(answer)).data.code).toBe('UNAUTHENTICATED');
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    nothingCame();
  });

  const own = () => {
    const { 'x-word': _word, ...headers } = sessions[PATHS.indexOf(path)]?.headers ?? {};
    return headers;
  };

  test.each(METHODS)('in a session: %s', async (method, params) => {
    const answer = await post(at(path), { jsonrpc: '2.0', id: 7, method, params }, own());
    expect(REFUSALS).toContain(await codeOf(answer));
    nothingCame();
  });

  test('in a session: what is no request, GET and DELETE', async () => {
    const answers = [
      await post(at(path), { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, own()),
      await post(at(path), { jsonrpc: '2.0', id: 7, result: {} }, own()),
      await send(at(path), { method: 'GET', headers: { ...own(), accept: 'text/event-stream' } }),
      await send(at(path), { method: 'DELETE', headers: own() }),
    ];
    for (const answer of answers) {
      expect([401, 403]).toContain(answer.status);
      expect(await codeOf(answer)).toBe('UNAUTHENTICATED');
    }
    nothingCame();
  });
});

test('batches', async () => {
  const batch = METHODS.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }));
  const headers = { 'mcp-session-id': sessions[0]?.id ?? '', 'mcp-protocol-version': '2025-03-26' };
  for (const by of [headers, {}]) await (await post(at('/none'), batch, by)).text();
  nothingCame();
});

test('HTTP+SSE: neither a stream, nor a message to one that is open', async () => {
  const open = (headers = {}) =>
    send(at('/none/sse'), { method: 'GET', headers: { accept: 'text/event-stream', ...headers } });
  const refused = await open();
  expect([refused.status, await codeOf(refused)]).toEqual([401, 'UNAUTHENTICATED']);
  const stream = await open({ 'x-word': 'friend' });
  const target = new URL((await stream.data()) ?? '', gateway.url).href;
  const codes: string[] = [];
  for (const message of [initialize('2024-11-05'), { jsonrpc: '2.0', id: 2, method: 'tools/list' }]) {
    await (await post(target, message)).text();
    codes.push((await stream.message()).error.data.code);
  }
  // What was refused has begun nothing.
  expect(codes).toEqual(['UNAUTHENTICATED', 'INVALID_REQUEST']);
  stream.drop();
  nothingCame();
});

test('a pipe', async () => {
  const listeners = [{ stdio: {} }];
  const url = `http://127.0.0.1:${counted.port}/mcp`;
  const config = configured(upstreamsAt(url), { listeners });
  await using piped = await startInProcess(config, { plugins, listen: false });
  const client = openPipes(piped.gateway);
  client.write(initialize('2025-11-25'));
  expect((await client.next()).error.data.code).toBe('UNAUTHENTICATED');
  await client.end();
  nothingCame();
});

test('who is let in reaches them, by the same requests', async () => {
  const upstream = startRawUpstream({ answer: () => '{"contents":[]}' });
  const url = `http://127.0.0.1:${upstream.port}/mcp`;
  const { plain, both: process } = upstreamsAt(url);
  await using open = await startInProcess(configured({ plain, process }), { plugins });
  const headers = { 'x-word': 'friend' };
  for (const path of ['/none', '/alone']) {
    const target = new URL(path, open.url).href;
    await (await ask(target, 'resources/read', { uri: 'x://y' }, { name: 'x://y', headers })).text();
  }
  const asked = upstream.seen.map(({ message }) => message.method);
  expect(asked).toEqual(
    expect.arrayContaining(['resources/list', 'resources/templates/list', 'resources/read']),
  );
  await upstream.stop();
});
