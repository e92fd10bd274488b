// What a session hears outside of its calls goes by what its client has proven: over restarts, reloads, and the end of
// a token.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import { sessionMemory } from '../../src/core/session-store.ts';
import { listen, openSession, type RawSession, sessionOf } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';

const BASE = 'https://mcp.example.com';
const more = '"resultType":"complete","ttlMs":0,"cacheScope":"private"';
const state = { sealKey: crypto.getRandomValues(new Uint8Array(32)), plugins: { auth } };

let issuer: Issuer;
let upstream: RawUpstream;
let gateway: InProcess;
let turned = 0;

const configured = (options: object = {}) =>
  configOf(
    { one: { url: upstream.url } },
    {
      listeners: [{ http: { listen: '127.0.0.1:0', url: BASE } }],
      pipeline: [{ auth: { issuers: [{ issuer: issuer.url }], scopes: ['mcp:use'], ...options } }],
    },
  );

beforeEach(async () => {
  turned = 0;
  issuer = await startIssuer(() => Date.now() + turned);
  upstream = startRawUpstream({
    era: '2025',
    answer: ({ message: { method } }) =>
      method === 'resources/list'
        ? `{"resources":[{"uri":"a:/1","name":"1"}],${more}}`
        : method === 'resources/templates/list'
          ? `{"resourceTemplates":[],${more}}`
          : `{"tools":[],${more}}`,
  });
});
afterEach(async () => {
  await gateway.stop();
  await upstream.stop();
  await issuer[Symbol.asyncDispose]();
});

const bearer = async (claims: object = {}) => ({
  authorization: `Bearer ${await issuer.token({ aud: `${BASE}/mcp`, scope: 'mcp:use', ...claims })}`,
});
const turn = (ms: number): void => {
  gateway.turn(ms);
  turned += ms;
};
const updated = async (stream: Answer): Promise<string> => {
  for (;;) {
    const { method, params } = await stream.message();
    if (method === 'notifications/resources/updated') return params.uri;
  }
};
const watching = async (session: RawSession): Promise<void> => {
  expect(await (await session.ask('resources/subscribe', { uri: 'a:/1' })).json()).toHaveProperty('result');
};

test('a resource that is watched is watched on after a restart, when its client has come with its token', async () => {
  // As a file does, it outlives the gateway.
  const sessions = { ...sessionMemory(1 << 20), close() {} };
  gateway = await startInProcess(configured(), { ...state, sessions });
  const session = await openSession(gateway.url, { headers: await bearer() });
  await watching(session);
  await gateway.stop();
  gateway = await startInProcess(configured(), { ...state, sessions });
  const again = sessionOf(gateway.url, session.id, { ...session.headers, ...(await bearer()) });
  const stream = await again.stream();
  expect(stream.status).toBe(200);
  expect(await updated(stream)).toBe('a:/1');
  await until(() => upstream.listeners > 0);
  upstream.tell('notifications/resources/updated', { uri: 'a:/1' });
  expect(await updated(stream)).toBe('a:/1');
  stream.drop();
});

test('what a reload ended for a token that was over goes on with the next one', async () => {
  gateway = await startInProcess(configured(), state);
  const session = await openSession(gateway.url, { headers: await bearer() });
  await watching(session);
  turn(2 * 3_600_000);
  gateway.configure(configured({ rules: [{ methods: ['prompts/get'], scopes: ['x'] }] }));
  expect((await gateway.reload()).ok).toBe(true);
  const later = sessionOf(gateway.url, session.id, { ...session.headers, ...(await bearer()) });
  expect((await later.ask('ping')).status).toBe(200);
  const stream = await later.stream();
  expect(await updated(stream)).toBe('a:/1');
  await until(() => upstream.listeners > 0);
  upstream.tell('notifications/resources/updated', { uri: 'a:/1' });
  expect(await updated(stream)).toBe('a:/1');
  stream.drop();
});

test('a client of 2026 is told of a reload only what has changed for it', async () => {
  gateway = await startInProcess(configured(), state);
  const filter = { toolsListChanged: true, promptsListChanged: true };
  const { answer: stream } = await listen(gateway.url, filter, { headers: await bearer() });
  gateway.configure({
    ...configured(),
    endpoints: { '/mcp': { tools: { deny: ['x'] } } },
    upstreams: { one: { url: upstream.url }, demo: { builtin: 'demo' } },
  });
  expect((await gateway.reload()).ok).toBe(true);
  const told = new Set<string>();
  while (told.size < 2) told.add((await stream.message()).method);
  expect([...told].sort()).toEqual([
    'notifications/prompts/list_changed',
    'notifications/tools/list_changed',
  ]);
  // Nothing of it is another list now: nothing is told before the stream ends.
  gateway.configure({
    ...configured(),
    endpoints: { '/mcp': { tools: { deny: ['x'] } } },
    upstreams: { one: { url: upstream.url }, demo: { builtin: 'demo' } },
    drain: '6s',
  });
  expect((await gateway.reload()).ok).toBe(true);
  turn(0);
  const stopped = gateway.stop();
  const rest = await stream.messages();
  await stopped;
  expect(rest.filter(({ method }) => method !== undefined)).toEqual([]);
});

test('a session from before anybody had to prove anything hears nothing more', async () => {
  await upstream.stop();
  upstream = startRawUpstream({
    answer: () => `{"resources":[{"uri":"a:/1","name":"1"}],"resourceTemplates":[],"tools":[],${more}}`,
  });
  gateway = await startInProcess({ ...configured(), pipeline: [] }, state);
  const session = await openSession(gateway.url);
  await watching(session);
  const stream = await session.stream();
  await until(() => upstream.listeners > 0);
  gateway.configure(configured({ scopes: [] }));
  expect((await gateway.reload()).ok).toBe(true);
  expect((await session.ask('ping')).status).toBe(401);
  // Nothing is begun on the new one, and what ran on the old one ends.
  await until(() => gateway.gateway.report().draining === 0);
  await until(() => upstream.listeners === 0);
  expect(upstream.seen.filter(({ message }) => message.method === 'subscriptions/listen')).toHaveLength(1);
  stream.drop();
});

test('what other options have proven is not proven, though a call still runs on them', async () => {
  await upstream.stop();
  upstream = startRawUpstream({
    answer: () => `{"resources":[{"uri":"a:/1","name":"1"}],"resourceTemplates":[],"tools":[],${more}}`,
    silent: ['tools/call'],
    tools: '[{"name":"slow","inputSchema":{"type":"object"}}]',
  });
  gateway = await startInProcess({ ...configured(), drain: '50ms' }, state);
  const session = await openSession(gateway.url, { headers: await bearer() });
  await watching(session);
  const stream = await session.stream();
  await until(() => upstream.listeners > 0);
  void session.call('slow').catch(() => {});
  await upstream.arrived('tools/call');
  gateway.configure({
    ...configured({
      issuers: undefined,
      api_keys: { file: 'off', keys: [{ key: 'k'.repeat(40), id: 'bob' }] },
    }),
    drain: '50ms',
  });
  expect((await gateway.reload()).ok).toBe(true);
  await until(() => gateway.lines.some(({ message }) => message.startsWith('an old generation stays')));
  await until(() => upstream.listeners === 0);
  expect(upstream.seen.filter(({ message }) => message.method === 'subscriptions/listen')).toHaveLength(1);
  stream.drop();
});

test('the same id of another issuer is another caller, in sessions and over restarts', async () => {
  await using other = await startIssuer(() => Date.now() + turned);
  const sessions = { ...sessionMemory(1 << 20), close() {} };
  gateway = await startInProcess(configured(), { ...state, sessions });
  const session = await openSession(gateway.url, { headers: await bearer() });
  expect((await session.ask('ping')).status).toBe(200);
  const elsewhere = configured({ issuers: [{ issuer: other.url }] });
  gateway.configure(elsewhere);
  expect((await gateway.reload()).ok).toBe(true);
  const authorization = `Bearer ${await other.token({ aud: `${BASE}/mcp`, scope: 'mcp:use' })}`;
  const taken = () => sessionOf(gateway.url, session.id, { ...session.headers, authorization }).ask('ping');
  expect((await taken()).status).toBe(404);
  await gateway.stop();
  gateway = await startInProcess(elsewhere, { ...state, sessions });
  expect((await taken()).status).toBe(404);
  await gateway.stop();
  gateway = await startInProcess(configured(), { ...state, sessions });
  expect((await sessionOf(gateway.url, session.id, session.headers).ask('ping')).status).toBe(200);
});
