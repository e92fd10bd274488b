// What a gateway writes down of what passes it, seen on disk: before the upstream hears of a call, and before its
// client hears how it ended.
import { afterAll, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import audit from '../../plugins/audit.ts';
import auth from '../../plugins/auth.ts';
import { definePlugin, refuse, z } from '../../src/plugin.ts';
import { entriesOf, stateWithLog, storyOf } from '../fixtures/audit/entries.ts';
import { failingDisk } from '../fixtures/audit/failing-disk.ts';
import { ask, call, listen, modern, modernHeaders, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { answer, type Behaviour, json, startRogue } from '../fixtures/rogue.ts';
import { until } from '../fixtures/until.ts';
import { POST_HEADERS } from '../fixtures/wire.ts';

const guard = definePlugin({
  name: 'guard',
  api: 1,
  about: 'Refuses, answers or fails by the name of the tool.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(request) {
      if (request.params.name === 'forbidden')
        return refuse('FORBIDDEN', undefined, { rule: 'no-such-thing' });
      if (request.params.name === 'broken') throw new Error('broken');
      return undefined;
    },
  }),
});
const disk = failingDisk();
const plugins = { audit, auth, guard };

const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

async function scene(
  behave: Behaviour,
  options: object = {},
  rest: unknown[] = ['guard'],
  era: '2025' | '2026' = '2026',
) {
  const { stateDir, directory } = stateWithLog();
  places.push(stateDir);
  const rogue = await startRogue((hit, res, self) => behave(hit, res, self), { era });
  const config = configOf({ up: { url: rogue.url } }, { pipeline: [{ audit: options }, ...rest] });
  const gateway = await startInProcess(config, { plugins, stateDir });
  return {
    directory,
    rogue,
    gateway,
    url: gateway.url,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await rogue.stop();
    },
  };
}

test.each(['2025', '2026'] as const)(
  'a server of %s: a call is on disk before it hears of it, its end before the client does',
  async (era) => {
    let atUpstream: string[] = [];
    await using it = await scene(
      (hit, res) => {
        atUpstream = storyOf(it.directory, 'tools/call');
        json(res, answer(hit));
      },
      {},
      [],
      era,
    );
    await (await call(it.url, 'echo', { secret: 'body' })).text();
    expect(atUpstream).toEqual(['intent']);
    expect(storyOf(it.directory, 'tools/call')).toEqual(['intent', 'outcome allow complete']);
    const session = await openSession(it.url);
    await (await session.call('echo')).text();
    expect(storyOf(it.directory, 'tools/call')).toHaveLength(4);
    const [intent, outcome] = entriesOf(it.directory).filter(({ method }) => method === 'tools/call');
    expect(intent).toMatchObject({
      v: 1,
      name: 'echo',
      upstream: 'up',
      era: '2026-07-28',
      transport: 'http',
      endpoint: '/mcp',
    });
    expect(outcome).toMatchObject({ req_id: intent?.req_id, upstream: 'up' });
    expect(JSON.stringify(entriesOf(it.directory))).not.toContain('body');
  },
);

test('who is not let in is written down before anything else: nothing is sent', async () => {
  await using it = await scene((hit, res) => json(res, answer(hit)), {}, ['guard']);
  for (const name of ['forbidden', 'broken']) await (await call(it.url, name)).text();
  expect(storyOf(it.directory, 'tools/call')).toEqual(['outcome deny error', 'outcome fail error']);
  expect(entriesOf(it.directory, 'outcome')).toMatchObject([
    { plugin: 'guard', code: 'FORBIDDEN', rule: 'no-such-thing' },
    { plugin: 'guard', code: 'PLUGIN_FAILED' },
  ]);
  expect(it.rogue.of('tools/call')).toEqual([]);
});

test('colliding ids of clients: each call has its own two entries', async () => {
  await using it = await scene((hit, res) => json(res, answer(hit)));
  const [one, other] = [await openSession(it.url), await openSession(it.url)];
  const all = [one.call('a'), other.call('b'), call(it.url, 'c'), call(it.url, 'd')];
  for (const each of await Promise.all(all)) await each.text();
  const entries = entriesOf(it.directory).filter(({ method }) => method === 'tools/call');
  const byRequest = Map.groupBy(entries, ({ req_id }) => req_id);
  expect([...byRequest.values()].map((own) => own.map(({ type, name }) => `${type} ${name}`)).sort()).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => [`intent ${name}`, `outcome ${name}`]),
  );
});

/** A client that drops its connection once the upstream has its call. */
async function goneDuring(url: string, begun: Promise<unknown>, meanwhile = () => {}): Promise<void> {
  const stop = new AbortController();
  const body = JSON.stringify(modern('tools/call', { name: 'slow' }, 1));
  const headers = { ...POST_HEADERS, ...modernHeaders('tools/call', 'slow') };
  const gone = fetch(url, { method: 'POST', signal: stop.signal, headers, body }).catch(() => {});
  await begun;
  meanwhile();
  stop.abort();
  await gone;
}

test('a client that goes away leaves an outcome that says so', async () => {
  const begun = Promise.withResolvers<void>();
  await using it = await scene(() => begun.resolve());
  await goneDuring(it.url, begun.promise);
  await until(() => storyOf(it.directory, 'tools/call').length === 2);
  expect(storyOf(it.directory, 'tools/call')).toEqual(['intent', 'outcome allow cancelled']);
});

test('what takes a call back reaches the upstream, though the disk takes nothing', async () => {
  const begun = Promise.withResolvers<void>();
  await using it = await scene(() => begun.resolve(), { durability: 'strict', retry: '10ms' }, [], '2025');
  await goneDuring(it.url, begun.promise, () => disk.fail('write', 'ENOSPC'));
  await it.rogue.nth('notifications/cancelled');
  disk.heal();
  await until(() => entriesOf(it.directory, 'intent').some(({ sent }) => sent === 'notifications/cancelled'));
});

test('a subscription is written down when it begins', async () => {
  const { stateDir, directory } = stateWithLog();
  places.push(stateDir);
  await using gateway = await startInProcess(configOf(DEMO, { pipeline: ['audit'] }), { plugins, stateDir });
  const { answer: stream } = await listen(gateway.url, { toolsListChanged: true });
  await until(() => storyOf(directory, 'subscriptions/listen').includes('opened'));
  stream.drop();
  await until(() => storyOf(directory, 'subscriptions/listen').includes('outcome allow cancelled'));
});

test('lists that are asked of the upstream have an intent for each', async () => {
  await using it = await scene((hit, res) => json(res, answer(hit)));
  await (await ask(it.url, 'tools/list')).text();
  await until(() => storyOf(it.directory, 'tools/list').includes('outcome allow complete'));
});
