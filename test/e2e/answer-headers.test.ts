// Headers that plugins give an answer, over real sockets: every kind of answer has them, in both eras.
import { describe, expect, test } from 'bun:test';
import { definePlugin, type Exchange, refuse, z } from '../../src/plugin.ts';
import { call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { initialize } from '../fixtures/raw.ts';
import { until } from '../fixtures/until.ts';
import { post, send } from '../fixtures/wire.ts';

const over: string[] = [];

/** Gives every answer a header, ranked by an argument; refuses the tool `fail`, and strangers. */
const marks = definePlugin({
  name: 'marks',
  api: 1,
  about: 'Marks answers.',
  schema: z.strictObject({ header: z.string().default('x-mark') }),
  setup({ header }, host) {
    const mark = (x: Exchange): void => {
      const { rank = 5 } = (x.request.params.arguments ?? {}) as { rank?: number };
      host.answerHeaders(x, { [header]: `${host.id} ${rank}` }, header === 'x-mark' ? rank : undefined);
      if (x.request.method !== 'tools/list')
        void x.inbound.answer?.over.then(() => over.push(x.request.method));
    };
    return {
      onCaller(x) {
        if (!x.inbound.headers.has('x-stranger')) return;
        mark(x);
        return refuse('RATE_LIMITED', 'too many', { retryAfterMs: 1_001 });
      },
      onRequest(request, x) {
        mark(x);
        if (request.params.name === 'fail') return refuse('FORBIDDEN');
      },
    };
  },
});

const ORIGIN = 'https://app.example.com';
const start = (pipeline: unknown[] = ['marks']): Promise<InProcess> =>
  startInProcess(
    configOf(DEMO, {
      pipeline,
      listeners: [{ http: { listen: '127.0.0.1:0', origins: [ORIGIN] } }],
    }),
    { plugins: { marks } },
  );

describe('an answer has the headers of plugins', () => {
  const slow = ['slow_count', { to: 2, every_ms: 0 }] as const;

  test('in JSON, in a stream that begins before the result, in errors: 2026', async () => {
    await using gateway = await start();
    const json = await call(gateway.url, 'echo', { text: 'a' });
    expect([json.type, json.headers['x-mark']]).toEqual(['application/json', 'marks 5']);
    const stream = await call(gateway.url, ...slow, { token: 't' });
    expect([stream.type, stream.headers['x-mark']]).toEqual(['text/event-stream', 'marks 5']);
    expect((await stream.messages()).length).toBeGreaterThan(1);
    const refused = await call(gateway.url, 'fail');
    expect([refused.status, refused.headers['x-mark']]).toEqual([200, 'marks 5']);
    const { answer } = await listen(gateway.url, { toolsListChanged: true });
    expect([answer.type, answer.headers['x-mark']]).toEqual(['text/event-stream', 'marks 5']);
    answer.drop();
  });

  test('in JSON, in a stream that begins before the result, in errors, on GET and DELETE: 2025', async () => {
    await using gateway = await start();
    expect((await post(gateway.url, initialize('2025-11-25'))).headers['x-mark']).toBe('marks 5');
    const session = await openSession(gateway.url);
    const json = await session.call('echo', { text: 'a' });
    expect([json.type, json.headers['x-mark']]).toEqual(['application/json', 'marks 5']);
    const stream = await session.call(...slow, { token: 't' });
    expect([stream.type, stream.headers['x-mark']]).toEqual(['text/event-stream', 'marks 5']);
    expect((await session.call('fail')).headers['x-mark']).toBe('marks 5');
    const standing = await session.stream();
    expect([standing.type, standing.headers['x-mark']]).toEqual(['text/event-stream', 'marks 5']);
    expect((await session.stream()).headers['x-mark']).toBe('marks 5');
    const end = await send(gateway.url, { method: 'DELETE', headers: session.headers });
    expect([end.status, end.headers['x-mark']]).toEqual([200, 'marks 5']);
  });

  test('at the door, where a status has to tell it', async () => {
    await using gateway = await start();
    const session = await openSession(gateway.url);
    const stranger = { ...session.headers, 'x-stranger': 'yes' };
    const at = async (method: string, body?: object) => {
      const { status, headers } = await send(gateway.url, {
        method,
        headers: { ...stranger, accept: 'application/json, text/event-stream' },
        body,
      });
      return [status, headers['x-mark'], headers['retry-after']];
    };
    expect(await at('GET')).toEqual([429, 'marks 5', '2']);
    expect(await at('DELETE')).toEqual([429, 'marks 5', '2']);
    expect(await at('POST', { jsonrpc: '2.0', method: 'notifications/x' })).toEqual([429, 'marks 5', '2']);
    expect(await at('POST', { jsonrpc: '2.0', id: 1, method: 'tools/list' })).toEqual([200, 'marks 5', '2']);
  });

  test('that is the least of a batch', async () => {
    await using gateway = await start();
    const session = await openSession(gateway.url, { version: '2025-03-26' });
    const one = (id: number, rank: number) => ({
      ...{ jsonrpc: '2.0', id, method: 'tools/call' },
      params: { name: 'echo', arguments: { text: 'a', rank } },
    });
    const answer = await post(gateway.url, [one(1, 9), one(2, 2), one(3, 4)], session.headers);
    expect(answer.headers['x-mark']).toBe('marks 2');
    expect((await answer.json()).length).toBe(3);
  });

  test('that pages of allowed origins may read', async () => {
    await using gateway = await start();
    const exposed = async (headers: Record<string, string>) =>
      (await call(gateway.url, 'echo', { text: 'a' }, { headers })).headers['access-control-expose-headers'];
    expect(await exposed({ origin: ORIGIN })).toMatch(/retry-after.*, x-mark$/);
    expect(await exposed({})).toBeUndefined();
  });
});

describe('where two say the same header', () => {
  const both = [{ marks: { header: 'x-one' } }, { id: 'other', marks: { header: 'x-one' } }];

  test('the first is heard, and the log says so once', async () => {
    await using gateway = await start(both);
    for (const _ of [1, 2])
      expect((await call(gateway.url, 'echo', { text: 'a' })).headers['x-one']).toBe('marks 5');
    const said = gateway.lines.filter(({ message }) => message.includes('from another plugin'));
    expect(said.map(({ level, fields }) => [level, fields.plugin, fields.header, fields.by])).toEqual([
      ['warn', 'other', 'x-one', 'marks'],
    ]);
  });

  test('one in shadow says nothing', async () => {
    await using gateway = await start([{ marks: { header: 'x-one' }, mode: 'shadow' }, both[1]]);
    expect((await call(gateway.url, 'echo', { text: 'a' })).headers['x-one']).toBe('other 5');
  });

  test('one that is not for plugins fails the entry', async () => {
    await using gateway = await start([{ marks: { header: 'content-type' } }]);
    expect((await (await call(gateway.url, 'echo', { text: 'a' })).json()).error.data.code).toBe(
      'PLUGIN_FAILED',
    );
  });
});

test('plugins know when an answer is over: at its end, at the end of a stream, and of HTTP+SSE', async () => {
  await using gateway = await start();
  over.length = 0;
  const json = await call(gateway.url, 'echo', { text: 'a' });
  await json.text();
  const { answer } = await listen(gateway.url, { toolsListChanged: true });
  const sse = await send(gateway.url.replace('/mcp', '/sse'), { method: 'GET', headers: {} });
  expect(sse.type).toBe('text/event-stream');
  expect(over).toEqual(['tools/call']);
  const ended = until(() => over.includes('subscriptions/listen'));
  answer.drop();
  await ended;
  const gone = until(() => over.length > 2);
  sse.drop();
  await gone;
  expect(over).toEqual(['tools/call', 'subscriptions/listen', 'GET']);
});
