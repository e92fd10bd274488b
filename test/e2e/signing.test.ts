// A plugin in an upstream's pipeline that marks what is sent: no message reaches the upstream without its mark.
import { describe, expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { type AnyPlugin, definePlugin, z } from '../../src/plugin.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { answer, type Behaviour, event, type Hit, json, status, stream } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { childPath } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';
import { send } from '../fixtures/wire.ts';

const run = running();

const marking: AnyPlugin = definePlugin({
  name: 'marking',
  api: 1,
  about: 'Marks what is sent with a key, the method, the caller and the upstream.',
  schema: z.strictObject({ key: z.string(), fails: z.string().optional() }),
  setup: ({ key, fails }) => ({
    async onSend(outbound, x) {
      await new Promise((resolve) => setImmediate(resolve));
      if (x.request.method === fails) throw new Error('no key for that');
      const mark = [key, x.request.method, x.principal.id, x.leg?.upstream].join(' ');
      return { ...outbound, headers: { ...outbound.headers, 'x-mark': mark } };
    },
  }),
});
const plugins = { marking };

/** What a hit is and how it is marked. */
const marked = (hit: Hit): string => {
  const kind = hit.method === 'POST' ? (hit.message.method ?? 'an answer') : hit.method;
  return `${kind} < ${hit.headers['x-mark']}`;
};

function upstreamOf(url: string, options: object = {}, more: object = {}, when?: object) {
  const entry = { marking: { key: 'k1', ...options }, ...(when && { when }) };
  return configOf({ up: { url, pipeline: [entry], ...more } });
}

/** A server of the initialize era that asks, hangs, and has a standing stream. */
function asking(): Behaviour {
  const waiting: ((text: string) => void)[] = [];
  return (hit, res) => {
    const { method, params, id } = hit.message;
    if (hit.method === 'GET') return stream(res, ':\n\n');
    if (hit.method !== 'POST') return false;
    if (method === undefined) {
      waiting.shift()?.('answered');
      return status(res, 202);
    }
    if (/setLevel|subscribe/.test(method)) return json(res, { jsonrpc: '2.0', id, result: {} });
    if (method !== 'tools/call') return false;
    if (params?.name === 'hang') return stream(res, `: hanging\n\n`);
    return question(hit, res, waiting);
  };
}

async function question(hit: Hit, res: ServerResponse, waiting: ((text: string) => void)[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<string>();
  waiting.push(resolve);
  stream(res, event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'Sure?' } }));
  res.end(event(answer(hit, await promise)));
}

describe('every message to an upstream of 2025 is marked', () => {
  test('from the first POST to the DELETE, with the method and caller it is for', async () => {
    const rogue = await run.rogue(() => {}, { era: '2025', before: asking() });
    await using gateway = await startInProcess(upstreamOf(rogue.url, {}, { era: '2025' }), { plugins });
    const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    await session.ask('logging/setLevel', { level: 'info' }).then((told) => told.text());
    const standing = await session.stream();
    await session.ask('resources/subscribe', { uri: 'file:///a' }).then((told) => told.text());
    await rogue.nth('resources/subscribe');
    const asked = await session.call('ask');
    const { id } = await asked.message();
    await session.tell({ id, result: { action: 'accept', content: {} } });
    expect((await asked.messages()).at(-1)).toMatchObject({ result: { content: [{ text: 'answered' }] } });
    const hanging = session.call('hang', {}, { id: 9 });
    await rogue.nth('tools/call', 2);
    await session.tell({ method: 'notifications/cancelled', params: { requestId: 9 } });
    await rogue.nth('notifications/cancelled');
    await session.ask('resources/unsubscribe', { uri: 'file:///a' }).then((told) => told.text());
    await rogue.nth('resources/unsubscribe');
    await send(gateway.url, { method: 'DELETE', headers: session.headers }).then((told) => told.text());
    await rogue.nth('DELETE');
    await Promise.all([standing.messages(), hanging.then((told) => told.messages())]);

    const own = (method: string): string => `${method} < k1 ${method} anonymous up`;
    const theirs = (kind: string, method = 'tools/call'): string => `${kind} < k1 ${method} anonymous up`;
    expect(new Set(rogue.hits.map(marked))).toEqual(
      new Set([
        ...['initialize', 'notifications/initialized', 'logging/setLevel'].map(own),
        ...['resources/subscribe', 'resources/unsubscribe', 'GET', 'DELETE'].map(own),
        ...['tools/call', 'an answer', 'notifications/cancelled'].map((kind) => theirs(kind)),
      ]),
    );
  });

  test('a question that nobody can be asked is declined with a mark, and a ping answered', async () => {
    const rogue = await run.rogue(
      async (hit, res, all) => {
        const asks = ['ping', 'roots/list'].map((method, id) => event({ jsonrpc: '2.0', id, method }));
        stream(res, ...asks);
        await until(() => all.hits.filter(({ message }) => message.method === undefined).length === 2);
        res.end(event(answer(hit)));
      },
      { era: '2025', before: ({ method }, res) => method === 'GET' && stream(res, ':\n\n') },
    );
    await using gateway = await startInProcess(upstreamOf(rogue.url, {}, { era: '2025' }), { plugins });
    await (await call(gateway.url, 'tool')).messages();
    const answers = rogue.hits.filter((hit) => hit.method === 'POST' && hit.message.method === undefined);
    expect(answers.map(marked).sort()).toEqual([
      'an answer < k1 ping anonymous up',
      'an answer < k1 roots/list anonymous up',
    ]);
  });

  test('what `when` leaves out is not', async () => {
    const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: '2025' });
    const config = upstreamOf(rogue.url, {}, { era: '2025' }, { methods: ['tools/*', 'DELETE'] });
    const gateway = await startInProcess(config, { plugins });
    await (await call(gateway.url, 'tool')).messages();
    await gateway.stop();
    expect(rogue.hits.map(marked)).toContain('initialize < undefined');
    expect(rogue.hits.map(marked)).toContain('tools/call < k1 tools/call anonymous up');
    expect(rogue.hits.map(marked).at(-1)).toBe('DELETE < k1 DELETE anonymous up');
  });
});

test('every message to an upstream of 2026 is marked', async () => {
  const rogue = await run.rogue((hit, res) => {
    if (hit.message.method === 'subscriptions/listen') return stream(res, ':\n\n');
    return json(res, answer(hit));
  });
  await using gateway = await startInProcess(upstreamOf(rogue.url), { plugins });
  await (await call(gateway.url, 'tool')).messages();
  await (await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' })).messages();
  const subscribing = listen(gateway.url, { toolsListChanged: true });
  await rogue.nth('subscriptions/listen');
  expect(new Set(rogue.hits.map(marked))).toEqual(
    new Set([
      'server/discover < k1 server/discover gateway up',
      ...['tools/list', 'tools/call', 'prompts/get', 'subscriptions/listen'].map((method) =>
        expect.stringContaining(`${method} < k1 `),
      ),
    ]),
  );
  await gateway.stop();
  await subscribing.catch(() => {});
});

describe('a plugin that fails', () => {
  for (const [era, method] of [
    ['2025', 'initialize'],
    ['2025', 'notifications/initialized'],
    ['2026', 'server/discover'],
  ] as const) {
    test(`at ${method} keeps it from being sent, and the call is told`, async () => {
      const rogue = await run.rogue(() => {}, { era });
      const config = upstreamOf(rogue.url, { fails: method }, { era });
      await using gateway = await startInProcess(config, { plugins });
      const told = await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' });
      expect(await told.messages()).toMatchObject([{ error: { data: { code: 'PLUGIN_FAILED' } } }]);
      expect(rogue.of(method)).toEqual([]);
    });
  }

  test('at the greeting of a process: that is not greeted in another era either', async () => {
    const up = {
      command: process.execPath,
      args: [childPath('server.ts')],
      pipeline: [{ marking: { key: 'k', fails: 'server/discover' } }],
    };
    await using gateway = await startInProcess(configOf({ up }), { plugins });
    const told = await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' });
    expect(await told.messages()).toMatchObject([{ error: { data: { code: 'PLUGIN_FAILED' } } }]);
    const failures = gateway.lines.filter(({ message }) => message === 'plugin failed');
    expect(failures.map(({ fields }) => fields.method ?? fields.error)).toHaveLength(1);
  });
});

test('a reload changes the mark on links that stay, to the last message', async () => {
  const well = asking();
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), {
    era: '2025',
    before: (hit, res, all) => (hit.message.method === 'tools/call' ? false : well(hit, res, all)),
  });
  const gateway = await startInProcess(upstreamOf(rogue.url, {}, { era: '2025' }), { plugins });
  const session = await openSession(gateway.url);
  await session.call('tool').then((told) => told.text());
  gateway.configure(upstreamOf(rogue.url, { key: 'k2' }, { era: '2025' }));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  await session.ask('resources/subscribe', { uri: 'file:///a' }).then((told) => told.text());
  await rogue.nth('resources/subscribe');
  await gateway.stop();
  const marks = rogue.hits.map(marked);
  expect(rogue.of('initialize').length).toBe(1);
  expect(marks).toContain('initialize < k1 initialize anonymous up');
  expect(marks).toContain('resources/subscribe < k2 resources/subscribe anonymous up');
  expect(marks.at(-1)).toBe('DELETE < k2 DELETE anonymous up');
});
