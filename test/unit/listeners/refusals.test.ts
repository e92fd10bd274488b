// What is refused at the door counts and is in the log, however it was sent; a flood of it fills no log.
import { describe, expect, test } from 'bun:test';
import { SILENT } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { createRefusals } from '../../../src/listeners/refusals.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import { ask, call, listen, openSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, type Line, startInProcess } from '../../fixtures/in-process.ts';
import { initialize } from '../../fixtures/raw.ts';
import { post, send } from '../../fixtures/wire.ts';

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const LIMITS = { body: '1KiB', body_timeout: '1s', subscriptions: 1, streams: 1, sessions: 4 };

interface Case {
  readonly code: string;
  readonly status: number;
  run(url: string, gateway: InProcess): Promise<{ status: number; text(): Promise<string> }>;
}

const cases: Record<string, Case> = {
  'no JSON': { code: 'PARSE', status: 400, run: (url) => post(url, '{') },
  'no message': { code: 'INVALID_REQUEST', status: 400, run: (url) => post(url, {}) },
  'a foreign host': {
    code: 'HOST_REFUSED',
    status: 403,
    run: (url) => post(url, ping, { host: 'evil.example' }),
  },
  'no such path': {
    code: 'ENDPOINT_UNKNOWN',
    status: 404,
    run: (url) => post(new URL('/nowhere', url).href, ping),
  },
  'no such session': {
    code: 'SESSION_UNKNOWN',
    status: 404,
    run: (url) => post(url, ping, { 'mcp-session-id': 'x' }),
  },
  'no session': { code: 'SESSION_REQUIRED', status: 400, run: (url) => post(url, ping) },
  'another HTTP method': { code: 'HTTP_METHOD', status: 405, run: (url) => send(url, { method: 'PUT' }) },
  'a form that cannot be given': {
    code: 'NOT_ACCEPTABLE',
    status: 406,
    run: (url) => post(url, ping, { accept: 'image/png' }),
  },
  'a second stream': {
    code: 'STREAM_TAKEN',
    status: 409,
    async run(url) {
      const session = await openSession(url);
      await session.stream();
      return session.stream();
    },
  },
  'too much': {
    code: 'TOO_LARGE',
    status: 413,
    run: (url) => post(url, { ...ping, params: { x: 'x'.repeat(2_000) } }),
  },
  'another type': {
    code: 'MEDIA_TYPE',
    status: 415,
    run: (url) => post(url, ping, { 'content-type': 'text/plain' }),
  },
  'a half 2026 request': {
    code: 'HEADER_MISMATCH',
    status: 400,
    run: (url) => call(url, 'echo', {}, { headers: { 'mcp-method': 'tools/list' } }),
  },
  'a handshake without params': {
    code: 'INVALID_REQUEST',
    status: 400,
    run: (url) => post(url, { jsonrpc: '2.0', id: 1, method: 'initialize' }),
  },
  'a second handshake': {
    code: 'INVALID_REQUEST',
    status: 400,
    run: async (url) => post(url, initialize('2025-11-25'), (await openSession(url)).headers),
  },
  'a stream too many': {
    code: 'BUSY',
    status: 503,
    async run(url) {
      await listen(url, { toolsListChanged: true });
      return ask(url, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    },
  },
  'more resources than a subscription may have': {
    code: 'SUBSCRIPTIONS_FULL',
    status: 200,
    run: (url) =>
      ask(url, 'subscriptions/listen', {
        notifications: { resourceSubscriptions: ['demo://a', 'demo://b'] },
      }),
  },
  'more resources than a session may have': {
    code: 'SUBSCRIPTIONS_FULL',
    status: 200,
    async run(url) {
      const session = await openSession(url);
      const uri = 'demo://clock';
      for (let i = 0; i < 2; i++)
        expect(await (await session.ask('resources/subscribe', { uri })).json()).toMatchObject({
          result: {},
        });
      return session.ask('resources/subscribe', { uri: 'demo://readme' });
    },
  },
  'what is no log level': {
    code: 'PARAMS_INVALID',
    status: 200,
    run: async (url) => (await openSession(url)).ask('logging/setLevel', { level: 'loud' }),
  },
};

const linesOf = (gateway: InProcess): Line[] =>
  gateway.lines.filter(({ message }) => message === 'refused' || message === 'call').slice(-1);

describe('a request refused', () => {
  for (const [what, { code, status, run }] of Object.entries(cases))
    test(`for ${what} counts once, and is a line of the log`, async () => {
      await using gateway = await startInProcess(configOf(DEMO, { limits: LIMITS }));
      const before = await gateway.figure('refused');
      const answer = await run(gateway.url, gateway);
      expect([answer.status, JSON.parse((await answer.text()) || '{}').error ?? code]).toMatchObject([
        status,
        code === 'ENDPOINT_UNKNOWN' || code === 'HTTP_METHOD' ? expect.anything() : { data: { code } },
      ]);
      expect(await gateway.figure('refused', { code })).toBe(1);
      expect(await gateway.figure('refused')).toBe(before + 1);
      const level = ['BUSY', 'SUBSCRIPTIONS_FULL'].includes(code) ? 'info' : 'debug';
      expect(linesOf(gateway)).toMatchObject([{ level, message: 'refused', fields: { code } }]);
      expect(linesOf(gateway)[0]?.fields.requestId).toBeString();
    });
});

test('a session too many is refused where all are at work', async () => {
  await using gateway = await startInProcess(configOf(DEMO, { limits: { sessions: 1 } }));
  const first = await openSession(gateway.url);
  const stream = await first.stream();
  const answer = await post(gateway.url, initialize('2025-11-25'));
  expect([answer.status, (await answer.json()).error.data.code]).toEqual([503, 'BUSY']);
  expect(gateway.gateway.report().sessions).toBe(1);
  stream.drop();
});

describe('the log', () => {
  const make = () => {
    const lines: Line[] = [];
    const metrics = createMetrics();
    const clock = { now: 0 };
    const refused = createRefusals({ log: recordingLog(lines), metrics, now: () => clock.now });
    return { lines, metrics, clock, refused };
  };

  test('has some of a flood, and then how many it left out', async () => {
    const { lines, metrics, clock, refused } = make();
    for (let i = 0; i < 1_000; i++) refused({ code: 'PARSE', listener: 'l' });
    expect(lines.length).toBe(20);
    refused({ code: 'BUSY', listener: 'l' });
    expect(lines.at(-1)).toMatchObject({ level: 'info', fields: { code: 'BUSY', status: 503 } });
    clock.now = 1_000;
    refused({ code: 'PARSE', listener: 'l' });
    expect(lines.at(-1)?.fields).toMatchObject({ code: 'PARSE', unlogged: 980 });
    const { values } = await metrics.refused.get();
    expect(values.map(({ labels, value }) => [labels.code, value])).toEqual([
      ['PARSE', 1_001],
      ['BUSY', 1],
    ]);
  });

  test('holds little of what a client chose, and asks for its address only when it writes', () => {
    const { lines, refused } = make();
    let asked = 0;
    const remote = () => `${++asked}`;
    const long = 'x'.repeat(10_000);
    for (let i = 0; i < 100; i++)
      refused({ code: 'PARSE', listener: 'l', path: long, method: long, reason: long, remote });
    expect(asked).toBe(20);
    expect(Math.max(...lines.map(({ fields }) => JSON.stringify(fields).length))).toBeLessThan(1_000);
    createRefusals({ log: SILENT, metrics: createMetrics(), now: () => 0 })({ code: 'PARSE', listener: 'l' });
  });
});
