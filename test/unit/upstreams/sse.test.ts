// The transport with two endpoints from a server that means no good, or is none: what is refused, and where nothing goes.
import { describe, expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import type { Outbound } from '../../../src/core/outbound.ts';
import { codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import {
  answer,
  type Behaviour,
  event,
  type Hit,
  json,
  type Rogue,
  status,
  stream,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';

const run = running();

const endpoint = (address: string): string => `event: endpoint\ndata: ${address}\n\n`;

interface Older extends Partial<Record<'get' | 'post', Behaviour>> {
  readonly transport?: 'auto' | 'sse';
}

/** A server of HTTP+SSE whose streams are those of its GETs; `post` may answer a message first. */
async function start({ get, post, transport = 'sse' }: Older = {}) {
  let open: ServerResponse | undefined;
  const before: Behaviour = async (hit, res, rogue) => {
    if (hit.method === 'GET') {
      open = res;
      if (get && (await get(hit, res, rogue)) !== false) return;
      return stream(res, endpoint('/messages?id=1'));
    }
    if (hit.method !== 'POST' || (post && (await post(hit, res, rogue)) !== false)) return;
    status(res, 202);
    const { id, method } = hit.message;
    const result = {
      protocolVersion: '2024-11-05',
      capabilities: {},
      serverInfo: { name: 'old', version: '0' },
    };
    if (method === 'initialize') open?.write(event({ jsonrpc: '2.0', id, result }));
    else if (id !== undefined) open?.write(event(answer(hit)));
  };
  const rogue = await run.rogue(() => {}, { before });
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, { transport, timeouts: { start: 5_000 } }), host);
  const call = () => upstream.handle(toolCall('tool'), nobody);
  return { rogue, host, upstream, call };
}

const posts = ({ hits }: Rogue): Hit[] => hits.filter(({ method }) => method === 'POST');

describe('an address for messages', () => {
  test.each([
    ['http://127.0.0.1:1/messages', 'wants its messages at another origin (http://127.0.0.1:1)'],
    ['http://evil.example/messages', 'wants its messages at another origin (http://evil.example)'],
    ['//evil.example/messages', 'wants its messages at another origin (http://evil.example)'],
    ['\\\\evil.example\\messages', 'wants its messages at another origin (http://evil.example)'],
    ['javascript:alert(1)', 'wants its messages at another origin'],
    ['file:///etc/passwd', 'wants its messages at another origin'],
    ['http://[', 'names an address for messages that is no URL'],
  ])('%s is refused, and nothing is posted', async (address, why) => {
    const { rogue, call } = await start({ get: (_, res) => stream(res, endpoint(address)) });
    const result = await call();
    expect(codeOf(result)).toBe('UPSTREAM_INVALID');
    expect(result.raw.string('message')).toStartWith(`The upstream "up" ${why}`);
    expect(posts(rogue)).toEqual([]);
    await rogue.hits[0]?.gone;
  });

  test('of this origin with a password in it is refused', async () => {
    const get: Behaviour = (_, res, { url }) => stream(res, endpoint(url.replace('//', '//a:b@')));
    const { rogue, call } = await start({ get });
    expect((await call()).raw.string('message')).toContain('with a user name or password');
    expect(posts(rogue)).toEqual([]);
  });

  test.each<[string, (url: string) => string]>([
    ['relative', () => 'messages?id=2'],
    ['absolute, of this origin', (url) => `${new URL(url).origin}/messages?id=2`],
    ['with a fragment', () => '/messages?id=2#part'],
  ])('%s is used', async (_, address) => {
    const get: Behaviour = (_, res, { url }) => stream(res, endpoint(address(url)));
    const { call } = await start({ get });
    expect(textOf(await call())).toBe('ok');
  });

  test('that comes a second time changes nothing', async () => {
    const get: Behaviour = (_, res) =>
      stream(res, endpoint('/messages?id=1'), endpoint('http://evil.example/'));
    const { call } = await start({ get });
    expect(textOf(await call())).toBe('ok');
  });
});

describe('what is no such stream', () => {
  test.each<[string, Behaviour, string, string]>([
    [
      'another first event',
      (_, res) => stream(res, event({ a: 1 })),
      'UPSTREAM_INVALID',
      'begin with `endpoint`',
    ],
    [
      'an end without an event',
      (_, res) => stream(res, ':\n\n') ?? res.end(),
      'UPSTREAM_INVALID',
      'begin with',
    ],
    ['JSON', (_, res) => json(res, {}), 'UPSTREAM_INVALID', 'GET: application/json'],
    ['404', (_, res) => status(res, 404), 'UPSTREAM_INVALID', 'GET: 404'],
    ['401', (_, res) => status(res, 401), 'UPSTREAM_REFUSED', 'credential (401)'],
    ['503', (_, res) => status(res, 503), 'UPSTREAM_UNAVAILABLE', 'answered 503'],
    [
      'a redirect',
      (_, res) => status(res, 302, { location: 'http://evil.example/' }),
      'UPSTREAM_REFUSED',
      'redirects',
    ],
    ['silence', (_, res) => stream(res, ':\n\n'), 'UPSTREAM_TIMEOUT', 'timeouts.start (5000 ms)'],
    [
      'an event over the limit',
      (_, res) => stream(res, `event: endpoint\ndata: /${'x'.repeat(20_000_000)}\n\n`),
      'UPSTREAM_INVALID',
      'more than limits.event allows',
    ],
  ])('%s is refused', async (what, get, code, why) => {
    const { call, rogue } = await start({ get });
    const result = what === 'silence' ? await longAfter(call, () => rogue.nth('GET')) : await call();
    expect(codeOf(result)).toBe(code);
    expect(result.raw.string('message')).toContain(why);
    expect(posts(rogue)).toEqual([]);
  });
});

describe('unless it is settled', () => {
  test.each<[string, Behaviour]>([
    ['404', (_, res) => status(res, 404)],
    ['405', (_, res) => status(res, 405)],
    ['400 in plain text', (_, res) => res.writeHead(400, { 'content-type': 'text/plain' }).end('no session')],
    [
      '400 with an error of an older server',
      (_, res) => json(res, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'no' } }, 400),
    ],
  ])('%s to the POST leads to the GET', async (_, turnAway) => {
    const post: Behaviour = (hit, res, rogue) => (hit.path === '/mcp' ? turnAway(hit, res, rogue) : false);
    const { call, rogue } = await start({ transport: 'auto', post });
    expect(textOf(await call())).toBe('ok');
    expect(rogue.of('GET').length).toBe(1);
  });

  test.each([-32601, -32020, -32021, -32022])('an error %d to the POST does not', async (code) => {
    const error = { code, message: 'theirs' };
    const { call, rogue } = await start({
      transport: 'auto',
      post: (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, error }, 400),
    });
    expect(codeOf(await call())).toBe('UPSTREAM_INVALID');
    expect(rogue.of('GET')).toEqual([]);
  });

  test('a stream that says nothing of endpoints leaves the first reason', async () => {
    const { call } = await start({
      transport: 'auto',
      post: (_, res) => status(res, 404),
      get: (_, res) => stream(res, event({})),
    });
    expect((await call()).raw.string('message')).toContain('(404; 404)');
  });
});

describe('a message that is turned away', () => {
  test('with 404 was not looked at: it is sent again in a new session, once', async () => {
    const post: Behaviour = (hit, res, rogue) =>
      hit.message.method === 'tools/call' && rogue.of('tools/call').length === 1 ? status(res, 404) : false;
    const { call, rogue } = await start({ post });
    expect(textOf(await call())).toBe('ok');
    expect([rogue.of('GET').length, rogue.of('initialize').length, rogue.of('tools/call').length]).toEqual([
      2, 2, 2,
    ]);
  });

  test.each([
    [500, undefined, 'UPSTREAM_UNAVAILABLE', 'answered 500'],
    [403, undefined, 'UPSTREAM_REFUSED', '(403)'],
    [400, { code: -32600, message: 'theirs' }, 'UPSTREAM_INVALID', 'refused a message (400: theirs)'],
  ])('with %d fails its call alone', async (code, error, name, why) => {
    const post: Behaviour = (hit, res, rogue) => {
      if (hit.message.method !== 'tools/call' || rogue.of('tools/call').length !== 1) return false;
      return error ? json(res, { jsonrpc: '2.0', id: null, error }, code) : status(res, code);
    };
    const { call, rogue } = await start({ post });
    const result = await call();
    expect(codeOf(result)).toBe(name);
    expect(result.raw.string('message')).toContain(why);
    expect(textOf(await call())).toBe('ok');
    expect(rogue.of('GET').length).toBe(1);
  });
});

test('closing drops the stream', async () => {
  const { call, rogue, upstream } = await start();
  await call();
  await upstream.close();
  await rogue.of('GET')[0]?.gone;
  expect(rogue.of('DELETE')).toEqual([]);
});

test('closing lets a cancellation that is on its way be taken before the stream goes', async () => {
  const taken = Promise.withResolvers<void>();
  const { upstream, rogue } = await start({
    async post({ message }) {
      if (message.method === 'tools/call') return true;
      if (message.method === 'notifications/cancelled') await taken.promise;
      return false;
    },
  });
  const abort = new AbortController();
  const waiting = upstream.handle(toolCall('tool', {}, { signal: abort.signal }), nobody);
  await rogue.nth('tools/call');
  abort.abort();
  expect(codeOf(await waiting)).toBe('CANCELLED');
  await rogue.nth('notifications/cancelled');
  let isClosed = false;
  const closed = upstream.close().then(() => {
    isClosed = true;
  });
  await fetch(rogue.url, { method: 'POST', body: '{"method":"notifications/probe"}' });
  expect(isClosed).toBe(false);
  taken.resolve();
  await closed;
  await rogue.of('GET')[0]?.gone;
});

test('closing tells the server of the calls that end with it, also where it takes a plugin time', async () => {
  const { upstream, rogue } = await start({ post: ({ message }) => message.method === 'tools/call' });
  const slow = async (outbound: Outbound) => {
    await Bun.file('/dev/null').text();
    return outbound;
  };
  const waiting = upstream.handle(toolCall('tool', {}, { senders: [slow] }), nobody);
  await rogue.nth('tools/call');
  await upstream.close();
  expect(codeOf(await waiting)).toBe('CANCELLED');
  expect(rogue.of('notifications/cancelled').length).toBe(1);
});
