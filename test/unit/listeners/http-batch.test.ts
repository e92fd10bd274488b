// Batches over real sockets: 2025-03-26 has them, nothing else does.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSession, type RawSession, withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { initialize } from '../../fixtures/raw.ts';
import { startStepping } from '../../fixtures/stepping.ts';
import { until } from '../../fixtures/until.ts';
import { type Answer, post } from '../../fixtures/wire.ts';

let gateway: InProcess;
let session: RawSession;
beforeAll(async () => {
  gateway = await startInProcess(configOf(DEMO, { limits: { batch: 5 } }));
  session = await openSession(gateway.url, { version: '2025-03-26', capabilities: { elicitation: {} } });
});
afterAll(() => gateway.stop());

const rpc = (message: object) => ({ jsonrpc: '2.0', ...message });
const ping = (id: unknown) => rpc({ id, method: 'ping' });
const tool = (id: unknown, name: string, args: object, token?: unknown) =>
  rpc({
    id,
    method: 'tools/call',
    params: { name, arguments: args, ...(token !== undefined && { _meta: { progressToken: token } }) },
  });
const echo = (id: unknown, text: string) => tool(id, 'echo', { text });
const send = (body: unknown, headers: Record<string, string> = {}, by = session): Promise<Answer> =>
  post(gateway.url, body, { ...by.headers, ...headers });
// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
const byId = (all: any[]) => Object.fromEntries(all.map((one) => [JSON.stringify(one.id), one]));

describe('a batch', () => {
  test('of requests is answered by one array, each under its own id', async () => {
    const answer = await send([ping(1), echo('1', 'a'), rpc({ id: 0, method: 'no/such' }), echo('', 'b')]);
    expect([answer.status, answer.type]).toEqual([200, 'application/json']);
    const all = await answer.json();
    expect(all.length).toBe(4);
    expect(byId(all)).toMatchObject({
      '1': { jsonrpc: '2.0', result: {} },
      '"1"': { result: { content: [{ text: 'a' }] } },
      '0': { error: { code: -32601 } },
      '""': { result: { content: [{ text: 'b' }] } },
    });
  });

  test('of one is an array of one', async () => {
    expect(await (await send([ping(9)])).json()).toEqual([{ jsonrpc: '2.0', id: 9, result: {} }]);
  });

  test('without requests is a 202', async () => {
    const notes = [
      rpc({ method: 'notifications/initialized' }),
      rpc({ id: 99, result: {} }),
      rpc({ id: 98, error: { code: -1, message: 'no' } }),
    ];
    const answer = await send(notes);
    expect([answer.status, await answer.text()]).toEqual([202, '']);
  });

  test('becomes a stream when something comes first: an event for each answer, then its end', async () => {
    const answer = await send([
      tool('p', 'slow_count', { to: 3, every_ms: 5 }, 'P'),
      echo('e', 'x'),
      tool('q', 'slow_count', { to: 2, every_ms: 5 }, 'Q'),
    ]);
    expect(answer.type).toBe('text/event-stream');
    const all = await answer.messages();
    const of = (token: string) =>
      all.filter(({ params }) => params?.progressToken === token).map(({ params }) => params.progress);
    expect([of('P'), of('Q')]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
    expect(Object.keys(byId(all.filter(({ id }) => id !== undefined))).toSorted()).toEqual([
      '"e"',
      '"p"',
      '"q"',
    ]);
    // Its reports come before the answer they belong to.
    const at = (id: string) => all.findIndex((one) => one.id === id);
    expect(all.findLastIndex(({ params }) => params?.progressToken === 'P')).toBeLessThan(at('p'));
    // Its events have ids, like those of any answer.
    expect(new Set(answer.ids).size).toBe(all.length);
  });

  test('can be answered without a stream, or without JSON', async () => {
    const batch = [tool(1, 'slow_count', { to: 2, every_ms: 1 }, 't'), ping(2)];
    const json = await send(batch, { accept: 'application/json' });
    expect([json.type, (await json.json()).length]).toEqual(['application/json', 2]);
    const events = await send([ping(1), ping(2)], { accept: 'text/event-stream' });
    expect(events.type).toBe('text/event-stream');
    expect((await events.messages()).flat().map(({ id }) => id)).toEqual([1, 2]);
    expect((await send(batch, { accept: 'text/html' })).status).toBe(406);
  });

  test('may ask, and may carry the answers to what was asked', async () => {
    const answer = await send([tool(1, 'ask', {}), tool(2, 'ask', {})]);
    const questions = [await answer.message(), await answer.message()];
    expect(questions.map(({ method }) => method)).toEqual(['elicitation/create', 'elicitation/create']);
    const told = questions.map(({ id }) => rpc({ id, result: { action: 'decline' } }));
    expect((await send(told)).status).toBe(202);
    expect((await answer.messages()).map(({ id }) => id).toSorted()).toEqual([1, 2]);
  });

  test('holds a cancellation of one of its own', async () => {
    const cancel = rpc({ method: 'notifications/cancelled', params: { requestId: 'slow' } });
    const answer = await send([cancel, tool('slow', 'slow_count', { to: 100, every_ms: 60_000 }), ping('p')]);
    expect(await answer.json()).toEqual([{ jsonrpc: '2.0', id: 'p', result: {} }]);
    await until(() => gateway.gateway.report().inFlight === 0);
  });

  test('with elements that are no messages has an error for each (JSON-RPC 2.0 §6)', async () => {
    const answer = await send([1, ping(5), { jsonrpc: '2.0', id: 6, method: 7 }]);
    expect(answer.status).toBe(200);
    const all = await answer.json();
    expect(all).toMatchObject([
      { id: null, error: { code: -32600 } },
      { id: 6, error: { code: -32600 } },
      { id: 5, result: {} },
    ]);
    const none = await send([1, 2]);
    expect([none.status, await none.json()]).toMatchObject([400, [{ id: null }, { id: null }]]);
  });
});

describe('refused as a whole, and nothing of it runs', () => {
  const cases: [string, unknown, unknown, string][] = [
    ['an empty one', [], null, 'empty'],
    ['one beyond limits.batch', [1, 2, 3, 4, 5, 6].map(ping), null, 'limits.batch'],
    ['two requests under one id', [echo(1, 'a'), echo(1, 'b')], 1, 'same id'],
    ['initialize in it', [ping(2), initialize('2025-03-26')], 1, 'initialize'],
    [
      'a message of 2026-07-28 in it',
      [ping(2), rpc({ id: 3, method: 'tools/list', params: withEnvelope({}) })],
      3,
      '2026-07-28',
    ],
    ['a batch in it', '[[]]', null, ''],
    ['a member twice', '[{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}]', null, ''],
  ];
  for (const [name, body, id, text] of cases) {
    test(name, async () => {
      const before = await gateway.figure('exchanges');
      const answer = await send(body);
      expect(answer.status).toBe(400);
      const [error] = [await answer.json()].flat();
      expect(error).toMatchObject({ id, error: { code: -32600 } });
      expect(error.error.message).toContain(text);
      expect(await gateway.figure('exchanges')).toBe(before);
    });
  }

  test('and counted, where it was too long', async () => {
    const before = await gateway.figure('limitHits', { limit: 'batch' });
    await (await send([1, 2, 3, 4, 5, 6])).text();
    expect(await gateway.figure('limitHits', { limit: 'batch' })).toBe(before + 1);
  });

  test('no JSON', async () => {
    const answer = await send('[{');
    expect([answer.status, await answer.json()]).toMatchObject([400, { id: null, error: { code: -32700 } }]);
  });

  for (const version of ['2025-11-25', '2025-06-18', '2024-11-05']) {
    test(`in a session of ${version}`, async () => {
      const other = await openSession(gateway.url, { version });
      const answer = await send([ping(1)], {}, other);
      const error = await answer.json();
      expect([answer.status, error]).toMatchObject([400, { id: null, error: { code: -32600 } }]);
      expect(error.error.message).toContain('2025-03-26 alone');
    });
  }

  test('outside of a session, and in one that is unknown', async () => {
    for (const headers of [{}, { 'mcp-protocol-version': '2026-07-28' }])
      expect((await post(gateway.url, [ping(1)], headers)).status).toBe(400);
    expect((await post(gateway.url, [ping(1)], { 'mcp-session-id': 'gone' })).status).toBe(404);
  });
});

test('each request counts against limits.in_flight, and those beyond it are told so', async () => {
  await using steps = startStepping();
  await using own = await startInProcess(configOf({ s: { url: steps.url } }, { limits: { in_flight: 2 } }));
  const by = await openSession(own.url, { version: '2025-03-26' });
  const batch = post(
    own.url,
    [1, 2, 3].map((id) => tool(id, 'x', {})),
    by.headers,
  );
  await until(() => own.gateway.report().inFlight === 2);
  steps.finish();
  expect(byId(await (await batch).json())).toMatchObject({
    '1': { result: {} },
    '2': { result: {} },
    '3': { error: { code: 1503 } },
  });
});

test('a batch whose connection breaks is resumed as a whole', async () => {
  await using steps = startStepping();
  await using own = await startInProcess(configOf({ s: { url: steps.url } }));
  const by = await openSession(own.url, { version: '2025-03-26' });
  steps.reach(1);
  const answer = await post(own.url, [tool(1, 'x', {}, 'a'), tool(2, 'x', {}, 'b')], by.headers);
  await answer.message();
  answer.drop();
  steps.finish();
  const rest = await (await by.stream(answer.ids[0])).messages();
  expect(rest.flatMap(({ id }) => id ?? []).toSorted()).toEqual([1, 2]);
});
