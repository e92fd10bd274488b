// What is sent once more after a failure, how often, and what never is: counted at servers that really fail.
import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clientOf,
  codeOf,
  collector,
  type ExchangeOptions,
  exchange,
  nobody,
  testHost,
} from '../../fixtures/exchanges.ts';
import { type Behaviour, broken, event, json, progressOf, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running();
const ONCE_MORE = { max: 2, backoff: 1, maxBackoff: 1 };

const fine: Behaviour = (hit, res) =>
  json(res, { jsonrpc: '2.0', id: hit.message.id, result: { resultType: 'complete', ok: true } });

/** An upstream of which the first `bad` requests end badly, and all others well. */
async function start(behave: Behaviour, { bad = 1, ...changes }: Changes & { bad?: number } = {}) {
  let left = bad;
  const rogue = await run.rogue((hit, res, self) => (left-- > 0 ? behave : fine)(hit, res, self));
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, { retry: ONCE_MORE, ...changes }), host);
  const send = (method: string, params: object = {}, options: ExchangeOptions = {}) =>
    upstream.handle(exchange(method, params, options), nobody);
  return { rogue, upstream, host, send };
}

const unavailable: Behaviour = (_, res) => status(res, 503);

describe('a request that only reads is sent again after', () => {
  const cases: [string, Behaviour][] = [
    ['502', (_, res) => status(res, 502)],
    ['503', unavailable],
    ['504', (_, res) => status(res, 504)],
    ['503 with a time that is short', (_, res) => status(res, 503, { 'retry-after': '0' })],
    [
      '503 with a date that is near, by its own clock',
      (_, res) =>
        status(res, 503, {
          date: 'Fri, 01 Jan 2100 00:00:00 GMT',
          'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT',
        }),
    ],
    ['429 with a time that is short', (_, res) => status(res, 429, { 'retry-after': '0' })],
    [
      '503 with an error of JSON-RPC',
      (hit, res) =>
        json(res, { jsonrpc: '2.0', id: hit.message.id, error: { code: 1503, message: 'busy' } }, 503),
    ],
  ];
  test.each(cases)('%s', async (_, behave) => {
    const { rogue, host, send } = await start(behave);
    for (const method of ['resources/read', 'prompts/get', 'completion/complete', 'resources/list']) {
      expect((await send(method)).value).toMatchObject({ ok: true });
    }
    expect(rogue.of('resources/read')).toHaveLength(2);
    expect(rogue.of('prompts/get')).toHaveLength(1);
    expect(await host.figure('upstreamRetries', { upstream: 'up', outcome: 'answered' })).toBe(1);
  });

  test('a connection that ends before the first byte, new or kept', async () => {
    const { rogue, host, send } = await start((_, res) => void res.socket?.destroy(), { bad: 2 });
    for (const uri of ['a:1', 'a:2', 'a:3'])
      expect((await send('resources/read', { uri })).value).toMatchObject({ ok: true });
    expect(rogue.of('resources/read')).toHaveLength(5);
    expect(await host.figure('upstreamRetries')).toBe(2);
  });

  test('with headers that are made anew each time, and never more than max times', async () => {
    const { rogue, host, send } = await start(unavailable, { bad: 9 });
    let nonce = 0;
    const senders = [
      (out: object) => ({
        ...out,
        headers: { ...(out as { headers: object }).headers, nonce: `${++nonce}` },
      }),
    ];
    const result = await send(
      'resources/read',
      {},
      { senders: senders as ExchangeOptions['senders'] & object },
    );
    expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
    expect(rogue.of('resources/read').map(({ headers }) => headers.nonce)).toEqual(['1', '2', '3']);
    expect(await host.figure('upstreamRetries', { outcome: 'failed' })).toBe(2);
  });
});

describe('a request is sent once', () => {
  const cases: [string, string, Behaviour, Changes][] = [
    ['when it calls a tool', 'tools/call', unavailable, {}],
    [
      'when it calls a tool, though no byte came back',
      'tools/call',
      (_, res) => void res.socket?.destroy(),
      {},
    ],
    [
      'when the server says that something is wrong with it',
      'resources/read',
      (_, res) => status(res, 500),
      {},
    ],
    [
      'when the server names too long a time',
      'resources/read',
      (_, res) => status(res, 503, { 'retry-after': '3' }),
      {},
    ],
    [
      'when the server names a date that is too far off',
      'resources/read',
      (_, res) =>
        status(res, 503, {
          date: 'Fri, 01 Jan 2100 00:00:00 GMT',
          'retry-after': 'Fri, 01 Jan 2100 00:00:03 GMT',
        }),
      {},
    ],
    [
      'when the server has had too many and names no time',
      'resources/read',
      (_, res) => status(res, 429),
      {},
    ],
    [
      'when a part of the answer has come',
      'resources/read',
      (_, res) => broken(res, '{"jsonrpc":', { 'content-type': 'application/json', 'content-length': '99' }),
      {},
    ],
    [
      'when something has been said about it',
      'resources/read',
      (hit, res) => {
        stream(res, event(progressOf(hit, 1)));
        res.socket?.end();
      },
      {},
    ],
    ['when it took too long', 'resources/read', () => {}, { timeouts: { firstByte: 20 } }],
    ['where the configuration says so', 'resources/read', unavailable, { retry: { max: 0 } }],
  ];
  test.each(cases)('%s', async (_, method, behave, changes) => {
    const { rogue, send } = await start(behave, { bad: 9, ...changes });
    expect((await send(method, { name: 'x' })).kind).toBe('error');
    expect(rogue.of(method)).toHaveLength(1);
  });

  test('when it brings what a server asked for', async () => {
    const { rogue, send } = await start(unavailable);
    expect((await send('prompts/get', { requestState: 's', inputResponses: {} })).kind).toBe('error');
    expect(rogue.of('prompts/get')).toHaveLength(1);
  });

  test('when its caller has gone', async () => {
    const { rogue, send, host } = await start(unavailable, {
      bad: 9,
      retry: { max: 2, backoff: 20_000, maxBackoff: 20_000 },
    });
    Object.assign(host, { random: () => 0.9 });
    const abort = new AbortController();
    const sent = send('resources/read', {}, { signal: abort.signal });
    await rogue.nth('resources/read');
    abort.abort();
    expect(codeOf(await sent)).toBe('CANCELLED');
    expect(rogue.of('resources/read')).toHaveLength(1);
  });
});

test('a greeting that fails is made again, too', async () => {
  let left = 2;
  const rogue = await run.rogue(fine, {
    before: (_, res) => (left-- > 0 ? status(res, 503) : false),
  });
  const upstream = run.upstream(httpSpec(rogue.url, { retry: ONCE_MORE }));
  expect((await upstream.hello(clientOf())).version).toBe('2026-07-28');
  expect(rogue.of('server/discover')).toHaveLength(3);
  expect(await upstream.host.figure('upstreamRetries')).toBe(2);
  await rogue.stop();
  const gone = run.upstream(httpSpec(rogue.url, { retry: ONCE_MORE }));
  await expect(gone.hello(clientOf())).rejects.toThrow('cannot be reached');
  expect(await gone.host.figure('upstreamRetries', { outcome: 'failed' })).toBe(2);
});

test('the last failure is told as it came', async () => {
  const error = { code: 1503, message: 'theirs', data: { theirs: true } };
  const { send } = await start((hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, error }, 503), {
    bad: 9,
  });
  expect((await send('resources/read')).value).toEqual(error);
});

describe('the budget', () => {
  const resets: Behaviour = (_, res) => void res.socket?.destroy();
  test.each([
    ['every other one', (n: number) => n % 2 === 0, unavailable],
    ['every other one by closing', (n: number) => n % 2 === 0, resets],
    ['one long row', (n: number) => n < 200, unavailable],
  ])('keeps a server that fails half of all, %s, from more than a fifth on top', async (_, fails, fail) => {
    let hits = 0;
    const { rogue, send, host } = await start(
      (hit, res, self) => (fails(hits++) ? fail : fine)(hit, res, self),
      {
        bad: Number.POSITIVE_INFINITY,
        retry: { ...ONCE_MORE, max: 5, budget: 20, floor: 1 },
      },
    );
    const requests = 400;
    for (let at = 0; at < requests; at += 20)
      await Promise.all(Array.from({ length: 20 }, (_, n) => send('resources/read', { uri: `a:${at + n}` })));
    const sent = rogue.of('resources/read').length;
    expect(sent).toBeGreaterThan(requests);
    expect(sent / requests).toBeLessThanOrEqual(1.2);
    expect(await host.figure('upstreamRetries', { outcome: 'over_budget' })).toBeGreaterThan(0);
  });

  test('is one of ten seconds, with a floor for the quiet ones', async () => {
    const { rogue, send, host } = await start(unavailable, {
      bad: 999,
      retry: { ...ONCE_MORE, max: 1, budget: 0, floor: 1 },
    });
    const sendMany = async (count: number) => {
      for (let i = 0; i < count; i++) await send('resources/read');
      return rogue.of('resources/read').length;
    };
    expect(await sendMany(20)).toBe(30);
    host.turn(9_000);
    expect(await sendMany(5)).toBe(35);
    host.turn(2_000);
    expect(await sendMany(5)).toBe(45);
    // A clock that was put back stops nothing for ever.
    host.turn(-3_600_000);
    expect(await sendMany(5)).toBe(55);
  });
});

describe('a tool', () => {
  const hinted = (annotations: object) => [{ name: 'tool', inputSchema: { type: 'object' }, annotations }];
  const cases: [string, object, 'never' | 'idempotent', number][] = [
    ['that promises to do no harm', { idempotentHint: true, readOnlyHint: true }, 'idempotent', 2],
    ['that promises to destroy nothing', { idempotentHint: true, destructiveHint: false }, 'idempotent', 2],
    ['that promises it while nobody believes it', { idempotentHint: true, readOnlyHint: true }, 'never', 1],
    ['that may destroy', { idempotentHint: true }, 'idempotent', 1],
    ['that only reads, for all it says', { readOnlyHint: true }, 'idempotent', 1],
  ];
  test.each(cases)('%s', async (_, annotations, tools, times) => {
    let left = 1;
    const rogue = await run.rogue((hit, res, self) => (left-- > 0 ? unavailable : fine)(hit, res, self), {
      before: (hit, res) =>
        hit.message.method === 'tools/list'
          ? json(res, {
              jsonrpc: '2.0',
              id: hit.message.id,
              result: { resultType: 'complete', tools: hinted(annotations) },
            })
          : false,
    });
    const upstream = run.upstream(httpSpec(rogue.url, { retry: { ...ONCE_MORE, tools } }));
    const result = await upstream.handle(exchange('tools/call', { name: 'tool', arguments: {} }), nobody);
    expect(rogue.of('tools/call')).toHaveLength(times);
    expect(result.kind).toBe(times === 2 ? 'complete' : 'error');
  });
});

describe('a process that ends before it answers', () => {
  const once = async (args: object, method: string) => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-once-'));
    const upstream = run.upstream(serverSpec([], { retry: ONCE_MORE }));
    const { notes, emit } = collector();
    const params = { name: 'once', arguments: { mark: join(dir, 'mark'), ...args } };
    const result = await upstream.handle(exchange(method, params, { token: '1' }), emit);
    await rm(dir, { recursive: true });
    return { result, notes };
  };

  test('is started again, and asked again what only reads', async () => {
    expect((await once({}, 'completion/complete')).result.raw.text).toContain('at last');
  });

  test('is not asked to call a tool again', async () => {
    expect(codeOf((await once({}, 'tools/call')).result)).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('is not asked again what it has begun to tell of', async () => {
    const line =
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}';
    const { result, notes } = await once({ lines: [line] }, 'completion/complete');
    expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
    expect(notes).toHaveLength(1);
  });
});
