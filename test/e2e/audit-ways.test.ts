// The audit log over every way in, and over what is more than one question and one answer: callers that are not let in,
// batches, questions to the client, results that are passed on as they come.
import { afterAll, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { mintKey } from '../../plugins/auth/key-file.ts';
import { plugins } from '../../plugins/index.ts';
import { entriesOf, type Logged, stateWithLog, storyOf } from '../fixtures/audit/entries.ts';
import { ask, call, modern, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, httpPeerKinds, textOf } from '../fixtures/peers.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize } from '../fixtures/raw.ts';
import { until } from '../fixtures/until.ts';
import { post } from '../fixtures/wire.ts';
import { ERAS, upstreamOf } from './large.ts';

const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

async function scene(upstreams: object = DEMO, rest: unknown[] = [], more: object = {}) {
  const { stateDir, directory } = stateWithLog();
  places.push(stateDir);
  const pipeline = [{ audit: { durability: 'strict' } }, ...rest];
  const config = configOf(upstreams as typeof DEMO, { pipeline, ...more });
  const gateway = await startInProcess(config, { plugins, stateDir, listen: true });
  return { directory, stateDir, gateway, url: gateway.url, [Symbol.asyncDispose]: () => gateway.stop() };
}
const callsIn = (directory: string): Logged[] =>
  entriesOf(directory).filter(({ method }) => method === 'tools/call');

describe('a caller that is not let in is written down, and nothing else happens', () => {
  const keyed = { auth: { api_keys: {} } };

  test('over HTTP, in both eras and before a session', async () => {
    await using it = await scene(DEMO, [keyed]);
    mintKey(join(it.stateDir, 'api-keys.json'), { principal: 'ada', scopes: [], groups: [] }, Date.now());
    const wrong = { authorization: 'Bearer nobody-knows-this-key' };
    expect((await call(it.url, 'echo', { text: 'x' }, { headers: wrong })).status).toBe(401);
    expect((await post(it.url, initialize('2025-11-25'))).status).toBe(401);
    expect((await ask(it.url, 'tools/list')).status).toBe(401);
    const all = entriesOf(it.directory, 'outcome');
    expect(all.map(({ method, decision, plugin, code }) => [method, decision, plugin, code])).toEqual(
      ['tools/call', 'initialize', 'tools/list'].map((method) => [method, 'deny', 'auth', 'UNAUTHENTICATED']),
    );
    expect(entriesOf(it.directory, 'intent')).toEqual([]);
    // Whether there is such a tool nobody has looked up: its name is a digest.
    expect(all[0]).not.toHaveProperty('name');
    expect(all[0]?.name_digest).toBeString();
    expect(JSON.stringify(all)).not.toContain('nobody-knows');
  });

  test('who is let in has a name that says nothing, the same each time', async () => {
    await using it = await scene(DEMO, [keyed]);
    const file = join(it.stateDir, 'api-keys.json');
    const [ada, bob] = ['ada', 'bob'].map((principal) =>
      mintKey(file, { principal, scopes: [], groups: [] }, Date.now()),
    );
    for (const { key } of [ada, bob, ada] as { key: string }[]) {
      const headers = { authorization: `Bearer ${key}` };
      expect((await call(it.url, 'echo', { text: 'x' }, { headers })).status).toBe(200);
    }
    const names = entriesOf(it.directory, 'outcome').filter(({ name }) => name === 'echo');
    const [first, second, third] = names.map(({ principal }) => principal);
    expect([first === third, first === second]).toEqual([true, false]);
    expect(JSON.stringify(entriesOf(it.directory))).not.toMatch(/\b(ada|bob)\b/);
  });
});

describe('every way in leaves the same pair', () => {
  test.each(httpPeerKinds)('a %s client, with a question of the server', async (kind) => {
    await using it = await scene();
    const elicit = () => ({ action: 'accept' as const, content: { answer: 'the secret colour' } });
    const peer = await connectPeer(kind, { url: it.url }, { elicit });
    expect(textOf(await peer.call('ask', { question: 'which?' }))).toContain('the secret colour');
    await peer.close();
    await until(() => callsIn(it.directory).some(({ status }) => status === 'complete'));
    const story = callsIn(it.directory);
    expect(story.map(({ type, status, asks }) => [type, status, asks].filter(Boolean).join(' '))).toEqual([
      'intent',
      'outcome input_required elicitation/create',
      'intent',
      'outcome complete',
    ]);
    expect(story.every(({ name, upstream }) => name === 'ask' && upstream === 'demo')).toBe(true);
    expect(JSON.stringify(entriesOf(it.directory))).not.toContain('colour');
  });

  test('a client on a pipe, in both eras', async () => {
    await using it = await scene();
    for (const era of ERAS) {
      const pipes = openPipes(it.gateway.gateway);
      const params = { name: 'echo', arguments: { text: 'x' } };
      if (era === '2025') {
        pipes.write(initialize('2025-11-25'));
        await pipes.next(({ result }) => result !== undefined);
        pipes.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
        pipes.write({ jsonrpc: '2.0', id: 9, method: 'tools/call', params });
      } else pipes.write(modern('tools/call', params, 9));
      await pipes.next(({ id }) => id === 9);
      await pipes.end();
    }
    expect(callsIn(it.directory).map(({ type, transport, era }) => `${type} ${transport} ${era}`)).toEqual([
      'intent stdio 2025-11-25',
      'outcome stdio 2025-11-25',
      'intent stdio 2026-07-28',
      'outcome stdio 2026-07-28',
    ]);
  });

  test('a batch: a pair for each of its calls', async () => {
    await using it = await scene();
    const session = await openSession(it.url, { version: '2025-03-26' });
    const each = (id: number) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text: String(id) } },
    });
    await (await post(it.url, [each(1), each(2), each(3)], session.headers)).text();
    const byRequest = Map.groupBy(callsIn(it.directory), ({ req_id }) => req_id);
    expect([...byRequest.values()].map((own) => own.map(({ type }) => type))).toEqual(
      Array.from({ length: 3 }, () => ['intent', 'outcome']),
    );
  });
});

test.each(ERAS)(
  'a result of a server of %s that is passed on as it comes: its end when the last byte is out',
  async (era) => {
    const upstream = upstreamOf(era, 'json');
    await using it = await scene({ up: { url: upstream.url, era } });
    const answer = await call(it.url, 'large', {
      blocks: 20,
      before: era === '2026' ? '"resultType":"complete",' : '',
    });
    const size = Buffer.byteLength(await answer.text());
    await until(() => storyOf(it.directory, 'tools/call').length === 2);
    const outcome = callsIn(it.directory).find(({ type }) => type === 'outcome');
    expect(outcome).toMatchObject({ status: 'complete', streamed: true });
    expect(Math.abs(Number(outcome?.bytes_in) - size)).toBeLessThan(1_000);
    expect(outcome).not.toHaveProperty('result_digest');
  },
);

test('what is read of a resource leaves no query, user or fragment', async () => {
  await using it = await scene();
  const uri = 'demo://user:hunter2@notes/one?token=hunter2#hunter2';
  await (await ask(it.url, 'resources/read', { uri }, { name: uri })).text();
  expect(storyOf(it.directory, 'resources/read').at(-1)).toStartWith('outcome');
  expect(JSON.stringify(entriesOf(it.directory))).not.toContain('hunter2');
});
