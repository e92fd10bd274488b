// One gateway over several configurations: what is refused, what is kept, who hears of it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { pinMemory } from '../../../src/core/pin-store.ts';
import { definePlugin } from '../../../src/plugin.ts';
import { ask, call, listen, openSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';

let disposed: string[];
const counter = definePlugin({
  name: 'counter',
  api: 1,
  about: 'Counts.',
  schema: z.strictObject({
    n: z.number().default(0),
    fail: z.boolean().default(false),
    slow: z.boolean().default(false),
  }),
  async setup({ n, fail, slow }, host) {
    const kept = host.keep(
      'count',
      () => ({ count: 0 }),
      () => void disposed.push('kept'),
    );
    if (slow) await new Promise((resolve) => setImmediate(resolve));
    if (fail) throw new Error('not today');
    return {
      onRequest: () => void kept.count++,
      onResult: (result) => result.with({ _meta: { count: kept.count, n } }),
      dispose: () => void disposed.push(`setup ${n}`),
    };
  },
});

const HIDING = definePlugin({
  name: 'hiding',
  api: 1,
  about: 'Hides the tools from clients of one era.',
  schema: z.strictObject({ from: z.string() }),
  setup: ({ from }) => ({
    onResult(result, x) {
      return x.request.method === 'tools/list' && x.client.era === from
        ? result.with({ tools: [] })
        : undefined;
    },
  }),
});

let gateway: InProcess;
beforeEach(async () => {
  disposed = [];
  gateway = await startInProcess(configOf(DEMO), { plugins: { counter, hiding: HIDING } });
});
afterEach(() => gateway.stop());

const reloaded = async (config: Parameters<InProcess['configure']>[0]) => {
  gateway.configure(config);
  return gateway.reload();
};
const drained = () => until(() => gateway.gateway.report().draining === 0);

describe('a configuration that is refused', () => {
  const base =
    'version: 1\nlisteners: [{ http: { listen: "127.0.0.1:0" } }]\nadmin: { listen: off, socket: off }\n';
  const demo = 'upstreams: { demo: { builtin: demo } }\n';
  const broken: Record<string, string> = {
    'no YAML': `${base}upstreams: {`,
    'a tab': `${base}upstreams:\n\tdemo: {}\n`,
    'two documents': `${base}${demo}---\n${base}`,
    'a key twice': `${base}${demo}${demo}`,
    'an unknown key': `${base}${demo}upstrems: {}\n`,
    'an unknown version': `version: 2\n${demo}`,
    'a list for a map': `${base}upstreams: []\n`,
    'an upstream that is nothing': `${base}upstreams: { a: }\n`,
    'an upstream of no kind': `${base}upstreams: { a: {} }\n`,
    'an upstream of two kinds': `${base}upstreams: { a: { builtin: demo, url: "http://localhost/mcp" } }\n`,
    'no URL': `${base}upstreams: { a: { url: "localhost" } }\n`,
    'another scheme': `${base}upstreams: { a: { url: "ftp://localhost/" } }\n`,
    'an unknown builtin': `${base}upstreams: { a: { builtin: other } }\n`,
    'a name with a space': `${base}upstreams: { "a b": { builtin: demo } }\n`,
    'an unknown plugin': `${base}${demo}pipeline: [{ conter: {} }]\n`,
    'an unknown option': `${base}${demo}pipeline: [{ counter: { m: 1 } }]\n`,
    'an option of another type': `${base}${demo}pipeline: [{ counter: { n: x } }]\n`,
    'a plugin that throws': `${base}${demo}pipeline: [{ counter: { fail: true } }]\n`,
    'a plugin file that is not there': `${base}${demo}pipeline: [{ /nowhere/x.ts: {} }]\n`,
    'the same plugin twice without ids': `${base}${demo}pipeline: [{ counter: {} }, { counter: {} }]\n`,
    'a duration without a unit': `${base}${demo}drain: 5\n`,
    'a limit that is no size': `${base}${demo}limits: { body: lots }\n`,
    'a variable that is not set': `${base}upstreams: { a: { url: "\${env:NOT_SET}" } }\n`,
    'an endpoint of an unknown upstream': `${base}${demo}endpoints: { /mcp: { upstreams: [other] } }\n`,
    'a leg plugin that throws': `${base}upstreams: { demo: { builtin: demo, pipeline: [{ counter: { fail: true } }] } }\n`,
  };
  test('there are 25 of them here', () => expect(Object.keys(broken).length).toBe(25));
  for (const [name, text] of Object.entries(broken)) {
    test(`${name}: is told with its place, and the old one serves on`, async () => {
      const result = await reloaded(text);
      expect(result).toMatchObject({ ok: false, generation: 1 });
      if (result.ok) return;
      for (const { file, line, column, message, code } of result.diagnostics) {
        expect([file, message.length > 5, /^[A-Z_]+$/.test(code)]).toEqual(['gateway.yaml', true, true]);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
      }
      expect(result.diagnostics.length).toBeGreaterThan(0);
      const answer = await call(gateway.url, 'echo', { text: 'still here' });
      expect((await answer.json()).result.content[0].text).toBe('still here');
      expect(await gateway.figure('reloads', { outcome: 'refused' })).toBe(1);
      expect(await gateway.figure('lastReloadOk')).toBe(0);
    });
  }

  test('gives back what its half of a generation took', async () => {
    const two = configOf(DEMO, {
      pipeline: [
        { counter: { n: 1 }, id: 'a' },
        { counter: { fail: true }, id: 'b' },
      ],
    });
    expect(await reloaded(two)).toMatchObject({ ok: false });
    expect(disposed).toEqual(['setup 1', 'kept', 'kept']);
  });
});

describe('what a reload keeps', () => {
  // Not a call of a tool: before one of those the gateway may list the tools for itself.
  const counted = async () => {
    const answer = await ask(
      gateway.url,
      'resources/read',
      { uri: 'demo://readme' },
      { name: 'demo://readme' },
    );
    return (await answer.json()).result._meta;
  };
  const at = (n: number, id = 'c') => configOf(DEMO, { pipeline: [{ counter: { n }, id }] });

  test('values of a plugin live on under their entry, and end with it', async () => {
    await reloaded(at(1));
    expect(await counted()).toEqual({ count: 1, n: 1 });
    await reloaded(at(2));
    expect(await counted()).toEqual({ count: 2, n: 2 });
    await drained();
    expect(disposed).toEqual(['setup 1']);
    await reloaded(at(3, 'other'));
    expect(await counted()).toEqual({ count: 1, n: 3 });
    await drained();
    expect(disposed).toEqual(['setup 1', 'setup 2', 'kept']);
  });

  test('nothing is taken by looking', async () => {
    await reloaded(at(1));
    gateway.configure(at(2));
    expect(await gateway.gateway.reload({ dryRun: true })).toMatchObject({
      ok: true,
      dryRun: true,
      generation: 3,
    });
    expect(await counted()).toEqual({ count: 1, n: 1 });
    expect(gateway.gateway.report().generation).toBe(2);
    expect(disposed).toEqual(['setup 2']);
  });

  test('reloads at once are made one after the other', async () => {
    gateway.configure(configOf(DEMO, { pipeline: [{ counter: { slow: true } }] }));
    const results = await Promise.all([1, 2, 3].map(() => gateway.reload()));
    expect(results.map(({ generation }) => generation)).toEqual([2, 3, 4]);
    await drained();
    expect(disposed).toEqual(['setup 0', 'setup 0']);
  });

  test('limits count from then on', async () => {
    await reloaded(configOf(DEMO, { limits: { string: '1KiB' } }));
    const answer = await call(gateway.url, 'echo', { text: 'x'.repeat(2_000) });
    expect([answer.status, (await answer.json()).error.code]).toEqual([400, -32600]);
    await reloaded(configOf(DEMO));
    expect((await call(gateway.url, 'echo', { text: 'x'.repeat(2_000) })).status).toBe(200);
  });
});

describe('who hears of a reload', () => {
  test('those whose lists are different now, and only of these', async () => {
    const session = await openSession(gateway.url);
    const stream = await session.stream();
    const { answer } = await listen(gateway.url, { toolsListChanged: true, resourcesListChanged: true });
    const hiding = (from: string) => configOf(DEMO, { pipeline: [{ hiding: { from } }] });
    const toolsChanged = 'notifications/tools/list_changed';
    await reloaded(hiding('nobody'));
    await reloaded(hiding('2025'));
    expect(await stream.message()).toEqual({ jsonrpc: '2.0', method: toolsChanged, params: {} });
    await reloaded(hiding('2026'));
    // The first word to the one, the second to the other.
    expect(await stream.message()).toMatchObject({ method: toolsChanged });
    expect(await answer.message()).toMatchObject({ method: toolsChanged });
    await reloaded(configOf({ other: { builtin: 'demo' }, ...DEMO }));
    // Another prefix for everything that has a name; the resources are the same ones.
    const kinds = [(await stream.message()).method, (await stream.message()).method];
    expect(kinds.filter((method) => method.includes('resources'))).toEqual([]);
    stream.drop();
    answer.drop();
  });

  test('an upstream that is slow to come up does not cut off the one that is there', async () => {
    const upstream = startRawUpstream({ answer: () => '{"resultType":"complete"}' });
    await reloaded(configOf({ raw: { url: upstream.url } }));
    const { answer } = await listen(gateway.url, { toolsListChanged: true });
    await until(() => upstream.listeners === 1);
    const silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    gateway.configure(
      configOf({
        raw: { url: upstream.url },
        silent: { url: `http://127.0.0.1:${silent.port}/mcp`, timeouts: { start: '30s' } },
      }),
    );
    await gateway.reload();
    upstream.tell('notifications/tools/list_changed');
    expect(await answer.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
    answer.drop();
    silent.stop(true);
    await upstream.stop();
  });

  test('streams of an endpoint that goes end; the others stay', async () => {
    await reloaded(configOf(DEMO, { endpoints: { '/mcp': {}, '/old': {} } }));
    const old = new URL('/old', gateway.url).href;
    const session = await openSession(old);
    const stream = await session.stream();
    const { answer } = await listen(old, { toolsListChanged: true });
    const { answer: stays } = await listen(gateway.url, { toolsListChanged: true });
    const running = await session.call('slow_count', { to: 5, every_ms: 10 }, { token: 1 });
    await running.message();
    await reloaded(configOf(DEMO, { endpoints: { '/mcp': {} } }));
    expect(await answer.messages()).toMatchObject([{ id: 7, result: { resultType: 'complete' } }]);
    expect(await stream.messages()).toEqual([]);
    expect((await running.messages()).at(-1)).toMatchObject({
      result: { structuredContent: { counted: 5 } },
    });
    expect((await session.ask('ping')).status).toBe(404);
    expect(stays.comments).toBe(0);
    stays.drop();
  });
});

test('a pin file that is none refuses the reload, until it is mended', async () => {
  let problem: string | undefined = 'pins.json is not JSON';
  const pins = { ...pinMemory(), problem: () => problem };
  await using gateway = await startInProcess(configOf(DEMO), { pins });
  expect(await gateway.reload()).toMatchObject({
    ok: false,
    generation: 1,
    diagnostics: [{ code: 'PINS_UNREADABLE', message: problem, severity: 'error' }],
  });
  problem = undefined;
  expect(await gateway.reload()).toMatchObject({ ok: true, generation: 2 });
});
