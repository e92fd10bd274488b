// What upstreams are spared, and what nobody is spared: counted at the upstream, for both eras.
import { describe, expect, test } from 'bun:test';
import { definePlugin, principalFact, z } from 'sluice/plugin';
import { ask, call, listen, openSession, type StatelessOptions } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import {
  note,
  type RawUpstream,
  type RawUpstreamOptions,
  startRawUpstream,
} from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';

const TOOLS = JSON.stringify([{ name: 'a', inputSchema: { type: 'object' } }]);
const PUBLIC = { ttlMs: 60_000, cacheScope: 'public' };
const PRIVATE = { ttlMs: 60_000, cacheScope: 'private' };

/** Requests that have passed the plugins; what follows up to the upstream is done within a turn of the event loop. */
let passed = 0;

async function allPassed(count: number): Promise<void> {
  await until(() => passed === count);
  await new Promise((resolve) => setImmediate(resolve));
}

const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a proof.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_, x) {
      passed++;
      const id = x.inbound.headers.get('x-badge');
      if (id) x.set(principalFact, { id, scopes: [] });
    },
  }),
});

interface Run extends AsyncDisposable {
  readonly up: RawUpstream;
  readonly gateway: InProcess;
  configure(entry: object): void;
  /** How often the upstream was asked this. */
  asked(method: string): number;
  list(badge?: string): Promise<Record<string, unknown>>;
}

async function start(
  options: Partial<RawUpstreamOptions> = {},
  entry: object = {},
  more: object = {},
): Promise<Run> {
  passed = 0;
  const up = startRawUpstream({
    tools: TOOLS,
    answer: ({ message }) =>
      JSON.stringify({ resultType: 'complete', contents: [{ uri: message.params.uri, text: 'x' }] }),
    ...options,
  });
  const configured = (changed: object) =>
    configOf({ up: { url: up.url, ...changed } }, { pipeline: [{ badges: {} }], ...more });
  const gateway = await startInProcess(configured(entry), { plugins: { badges } });
  return {
    up,
    gateway,
    configure: (changed) => gateway.configure(configured(changed)),
    asked: (method) => up.seen.filter(({ message }) => message.method === method).length,
    async list(badge) {
      const headers = badge === undefined ? {} : { 'x-badge': badge };
      const { result } = await (await ask(gateway.url, 'tools/list', {}, { headers })).json();
      expect(result.tools).toEqual(JSON.parse(TOOLS));
      return result;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await up.stop();
    },
  };
}

describe.each(['2025', '2026'] as const)('before an upstream of %s', (era) => {
  test('fifty lists at once of one caller are one', async () => {
    const gate = Promise.withResolvers<string>();
    await using run = await start({ era, answer: () => gate.promise });
    const read = (options?: StatelessOptions) => ask(run.gateway.url, 'resources/list', {}, options);
    const all = Array.from({ length: 50 }, () => read());
    const other = read({ headers: { 'x-badge': 'ada' } });
    await allPassed(51);
    await until(() => run.asked('resources/list') === 2);
    gate.resolve('{"resultType":"complete","resources":[]}');
    for (const answer of [...(await Promise.all(all)), await other])
      expect((await answer.json()).result.resources).toEqual([]);
    expect(run.asked('resources/list')).toBe(2);
    expect(await run.gateway.figure('cacheRequests', { upstream: 'up', outcome: 'joined' })).toBe(49);
    expect(run.gateway.gateway.report().upstreams[0]).toMatchObject({ calls: 0 });
  });

  test('sessions of a client share a list at work as they share a link', async () => {
    const gate = Promise.withResolvers<string>();
    await using run = await start({ era, answer: () => gate.promise });
    const sessions = [await openSession(run.gateway.url), await openSession(run.gateway.url)];
    passed = 0;
    const all = sessions.map((session) => session.ask('resources/list', {}));
    await allPassed(2);
    const times = era === '2025' ? 2 : 1;
    await until(() => run.asked('resources/list') === times);
    gate.resolve('{"resultType":"complete","resources":[]}');
    for (const answer of await Promise.all(all))
      expect((await answer.json()).result).toMatchObject({ resources: [] });
    expect(run.asked('resources/list')).toBe(times);
  });
});

test('what is good is not asked for, and goes out with what is left of its time', async () => {
  await using run = await start({ hints: PUBLIC });
  expect(await run.list()).toMatchObject(PUBLIC);
  run.gateway.turn(20_000);
  const { ttlMs, cacheScope } = await run.list('ada');
  expect(ttlMs).toBeLessThanOrEqual(40_000);
  expect(ttlMs).toBeGreaterThan(0);
  expect(cacheScope).toBe('public');
  const session = await openSession(run.gateway.url);
  for (let n = 0; n < 2; n++)
    expect((await (await session.ask('tools/list')).json()).result).toEqual({ tools: JSON.parse(TOOLS) });
  // Once for each revision of clients.
  expect(run.asked('tools/list')).toBe(2);
  run.gateway.turn(40_000);
  await run.list();
  expect(run.asked('tools/list')).toBe(3);
});

test('what is private is for its caller', async () => {
  await using run = await start({ hints: PRIVATE });
  for (const badge of ['ada', 'bob', 'ada', 'bob', 'ada']) await run.list(badge);
  expect(run.asked('tools/list')).toBe(2);
});

test('a change that is told of makes it be asked for again, before anybody is told', async () => {
  await using run = await start({ hints: PUBLIC });
  const { answer: subscription } = await listen(run.gateway.url, { toolsListChanged: true });
  await run.list();
  await run.list();
  expect(run.asked('tools/list')).toBe(1);
  run.up.tell('notifications/tools/list_changed');
  await subscription.message();
  await run.list();
  await run.list();
  expect(run.asked('tools/list')).toBe(2);
  subscription.drop();
});

test('an upstream of 2025 is spared by configuration, for one caller and while its session lasts', async () => {
  await using run = await start({ era: '2025' }, { cache: { lists: '30s' } });
  const first = await run.list('ada');
  expect(first).toMatchObject({ ttlMs: 30_000, cacheScope: 'private' });
  await run.list('ada');
  await run.list('bob');
  expect(run.asked('tools/list')).toBe(2);
  const { answer: subscription } = await listen(run.gateway.url, { toolsListChanged: true });
  await until(() => run.up.listeners > 0);
  run.up.tell('notifications/tools/list_changed');
  await subscription.message();
  await run.list('ada');
  expect(run.asked('tools/list')).toBe(3);
  subscription.drop();
});

test('a change that is told of within a call counts for everybody', async () => {
  async function* answer() {
    yield note('notifications/tools/list_changed', {});
    return '{"content":[]}';
  }
  await using run = await start({ era: '2025', answer }, { cache: { lists: '30s' } });
  await run.list('ada');
  await run.list('ada');
  expect(run.asked('tools/list')).toBe(1);
  await (await call(run.gateway.url, 'a', {}, { headers: { 'x-badge': 'bob' } })).text();
  const before = run.asked('tools/list');
  await run.list('ada');
  expect(run.asked('tools/list')).toBe(before + 1);
});

describe('a reload', () => {
  const noop = { pipeline: [{ badges: {} }] };

  test('keeps what is kept of an upstream that did not change, whatever its plugins', async () => {
    await using run = await start({ hints: PUBLIC });
    await run.list();
    run.configure(noop);
    expect(await run.gateway.reload()).toMatchObject({ ok: true });
    await run.list();
    expect(run.asked('tools/list')).toBe(1);
  });

  test('begins anew with one that did', async () => {
    await using run = await start({ hints: PUBLIC });
    await run.list();
    run.configure({ headers: { 'X-A': 'b' } });
    expect(await run.gateway.reload()).toMatchObject({ ok: true });
    await run.list();
    expect(run.asked('tools/list')).toBe(2);
    expect(await run.gateway.figure('cacheBytes', { upstream: 'up' })).toBeGreaterThan(0);
  });
});

test('what passes plugins that send is kept apart, and a reload sets these up anew', async () => {
  const stamps = definePlugin({
    name: 'stamps',
    api: 1,
    about: 'Sends who calls.',
    schema: z.strictObject({}),
    setup: () => ({
      onSend: (outbound, x) => ({
        ...outbound,
        headers: { ...outbound.headers, 'x-who': x.inbound.headers.get('x-who') ?? '' },
      }),
    }),
  });
  const up = startRawUpstream({ tools: TOOLS, hints: PRIVATE, answer: () => '{}' });
  const entry = { url: up.url, pipeline: [{ stamps: {} }] };
  await using gateway = await startInProcess(configOf({ up: entry }), { plugins: { stamps } });
  const list = async (who: string) =>
    (await ask(gateway.url, 'tools/list', {}, { headers: { 'x-who': who } })).text();
  const sent = () =>
    up.seen
      .filter(({ message }) => message.method === 'tools/list')
      .map(({ headers }) => headers.get('x-who'));
  for (const who of ['ada', 'bob', 'ada', 'bob']) await list(who);
  expect(sent()).toEqual(['ada', 'bob']);
  expect(await gateway.reload()).toMatchObject({ ok: true });
  await list('ada');
  await list('ada');
  expect(sent()).toEqual(['ada', 'bob', 'ada']);
  await gateway.stop();
  await up.stop();
});

test('off is off: every request reaches the upstream', async () => {
  const gate = Promise.withResolvers<string>();
  await using run = await start({ hints: PUBLIC, answer: () => gate.promise }, { cache: 'off' });
  await run.list();
  await run.list();
  expect(run.asked('tools/list')).toBe(2);
  const all = Array.from({ length: 3 }, () => ask(run.gateway.url, 'resources/list'));
  await until(() => run.asked('resources/list') === 3);
  gate.resolve('{"resultType":"complete","resources":[]}');
  await Promise.all(all);
  expect(await run.gateway.figure('cacheRequests')).toBe(0);
});

test('an upstream that is gone is stood in for, but only for what was kept', async () => {
  const read = { resultType: 'complete', contents: [{ uri: 'test://a', text: 'x' }], ...PUBLIC };
  await using run = await start({ answer: () => JSON.stringify(read) });
  const reading = async () => {
    const answer = await ask(run.gateway.url, 'resources/read', { uri: 'test://a' }, { name: 'test://a' });
    return answer.json();
  };
  expect((await reading()).result).toMatchObject(read);
  await run.up.stop();
  run.gateway.turn(60_000);
  expect((await reading()).result).toMatchObject({ ...read, ttlMs: 0 });
  const { error } = await (await call(run.gateway.url, 'a')).json();
  expect(error.data.code).toBe('UPSTREAM_UNAVAILABLE');
  run.gateway.turn(60_000);
  expect((await reading()).error.data.code).toBe('UPSTREAM_UNAVAILABLE');
});

test('results of tools are kept where the operator and the upstream both say so', async () => {
  const annotations = { readOnlyHint: true, idempotentHint: true };
  const tools = JSON.stringify(
    ['get', 'set'].map((name) => ({
      name,
      inputSchema: { type: 'object' },
      ...(name === 'get' && { annotations }),
    })),
  );
  const answer = () => '{"resultType":"complete","content":[]}';
  await using run = await start({ tools, answer }, { cache: { tools: { names: ['*'] } } });
  const get = async (args: object) => (await call(run.gateway.url, 'get', args)).json();
  const calls = (name: string) =>
    run.up.seen.filter(({ message }) => message.method === 'tools/call' && message.params.name === name)
      .length;
  const hits = () => run.gateway.figure('cacheRequests', { method: 'tools/call', outcome: 'hit' });
  // No call waits until it is known what the list says.
  await until(async () => (await get({ first: true })).result && (await hits()) === 1);
  const before = calls('get');
  const { result } = await get({ a: 1, b: 2 });
  expect(await get({ b: 2, a: 1 })).toMatchObject({ id: 7, result });
  expect([calls('get') - before, await hits()]).toEqual([1, 2]);
  await (await call(run.gateway.url, 'set')).json();
  await get({ a: 1, b: 2 });
  expect([calls('get') - before, await hits()]).toEqual([2, 2]);
});
