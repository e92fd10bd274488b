// The door of the HTTP listener, over real sockets: what is refused with which status, in either era.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSession, type RawSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { initialize, modern, modernHeaders } from '../../fixtures/raw.ts';
import { post, RawConnection, type Sending, send } from '../../fixtures/wire.ts';

let gateway: InProcess;
let session: RawSession;
beforeAll(async () => {
  const limits = { body: '64KiB', body_timeout: '100ms', depth: 16, keys: 50 };
  gateway = await startInProcess(configOf(DEMO, { limits }));
  session = await openSession(gateway.url);
});
afterAll(() => gateway.stop());

/** A refusal as a client sees it; `id` is absent where the member is. */
async function refusal(sending: Sending, path = '') {
  const answer = await send(gateway.url + path, sending);
  const text = await answer.text();
  const body = text === '' ? undefined : JSON.parse(text);
  const { id, error } = body ?? {};
  const hasId = body !== undefined && 'id' in body;
  return { status: answer.status, ...(hasId && { id }), ...(error && { code: error.code }), answer, body };
}

const MODERN = { 'mcp-protocol-version': '2026-07-28' };

describe('before a message is read', () => {
  const cases: [string, Sending, number, number?][] = [
    ['a body that is not declared', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415, -32600],
    [
      'a form',
      { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      -32600,
    ],
    [
      'a body that is compressed',
      { body: Bun.gzipSync('{}'), headers: { 'content-encoding': 'gzip' } },
      415,
      -32600,
    ],
    [
      'another charset',
      { body: '{}', headers: { 'content-type': 'application/json; charset=iso-8859-1' } },
      415,
      -32600,
    ],
    ['no JSON', { body: '{"jsonrpc":' }, 400, -32700],
    ['nothing', { body: '' }, 400, -32700],
    ['two messages', { body: '{}{}' }, 400, -32700],
    ['a comment', { body: '{}//' }, 400, -32700],
    ['a batch', { body: [modern('tools/list')] }, 400, -32600],
    ['an empty batch', { body: ' []' }, 400, -32600],
    ['a scalar', { body: '1' }, 400, -32600],
    ['no version of JSON-RPC', { body: { method: 'ping' } }, 400, -32600],
    ['invalid UTF-8', { body: Buffer.from('{"a":"\xff"}', 'latin1') }, 400, -32700],
    ['two byte order marks', { body: '\ufeff\ufeff{}' }, 400, -32700],
    ['too much', { body: `"${'a'.repeat(70_000)}"` }, 413, -32600],
    ['depth', { body: `${'['.repeat(50)}${']'.repeat(50)}` }, 400, -32600],
    ['keys', { body: Object.fromEntries([...Array(60).keys()].map((i) => [`k${i}`, i])) }, 400, -32600],
  ];
  for (const [name, sending, status, code] of cases) {
    test(`${name} is refused with ${status}`, async () => {
      const old = await refusal(sending);
      expect([old.status, old.code, old.id]).toEqual([status, code, null]);
      // Since 2026-07-28 an id that could not be read is left out.
      const now = await refusal({ ...sending, headers: { ...sending.headers, ...MODERN } });
      expect([now.status, now.code, 'id' in now]).toEqual([status, code, false]);
    });
  }

  test('one byte order mark is none of our business', async () => {
    const answer = await post(gateway.url, `\ufeff${JSON.stringify(initialize('2025-11-25'))}`);
    expect(answer.status).toBe(200);
    await answer.text();
  });

  test('a body in chunks is counted, and its connection closed', async () => {
    const head =
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const connection = new RawConnection(gateway.url).write(head);
    for (let i = 0; i < 5; i++) connection.write(`4000\r\n${'a'.repeat(0x4000)}\r\n`);
    expect(await connection.closed()).toStartWith('HTTP/1.1 413 ');
  });

  test('a stated length over the limit is refused unread', async () => {
    for (const length of [70_000, 900_000_000]) {
      const head = `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
      expect(await new RawConnection(gateway.url).write(head).closed()).toMatch(
        /^HTTP\/1.1 413 [\s\S]*TOO_LARGE/,
      );
    }
  });

  test('a body that does not arrive is given up, and its connection closed', async () => {
    const head = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    for (const rest of ['content-length: 10\r\n\r\n{"a', 'transfer-encoding: chunked\r\n\r\n2\r\n{"\r\n']) {
      const text = await new RawConnection(gateway.url).write(head + rest).closed();
      expect(text).toMatch(/^HTTP\/1.1 408 [\s\S]*BODY_TIMEOUT/);
    }
    expect(await gateway.figure('limitHits', { limit: 'body_timeout' })).toBe(2);
  });

  test('a path that is no endpoint is a 404 in JSON, discovery included', async () => {
    for (const path of [
      '/../',
      '/x',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-authorization-server/mcp',
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
        const answer = await send(new URL(path, gateway.url).href, {
          method,
          ...(method === 'POST' && { body: '{}' }),
        });
        expect([answer.status, answer.type]).toEqual([404, 'application/json;charset=utf-8']);
        expect(await answer.json()).toMatchObject({ error: 'not_found' });
      }
    }
  });

  test('other methods are told which there are', async () => {
    for (const method of ['PUT', 'PATCH', 'HEAD']) {
      const answer = await send(gateway.url, { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST, DELETE, OPTIONS']);
      await answer.text();
    }
  });

  test('since 2026-07-28 there is POST alone', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await send(gateway.url, { method, headers: { ...MODERN, accept: 'text/event-stream' } });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
      await answer.text();
    }
  });
});

describe('how a body may be written', () => {
  const ping = { jsonrpc: '2.0', id: 'x', method: 'ping' };
  const withHeaders = (headers: Record<string, string>) =>
    refusal({ body: ping, headers: { ...session.headers, ...headers } });

  test('a refusal names what was declared', async () => {
    const detail = async (headers: Record<string, string>) => (await withHeaders(headers)).body.error.message;
    expect(await detail({ 'content-encoding': 'br' })).toContain('br (Content-Encoding)');
    expect(await detail({ 'content-type': 'application/json; charset="UTF-16"' })).toContain(
      'utf-16 (charset',
    );
    expect((await detail({ 'content-encoding': 'x'.repeat(5_000) })).length).toBeLessThan(300);
  });

  for (const [name, headers] of Object.entries({
    'identity is no encoding': { 'content-encoding': 'Identity' },
    'UTF-8 may be said': { 'content-type': 'application/json; charset=UTF-8' },
    'and in quotes': { 'content-type': 'Application/JSON ;charset="utf-8"; a=b' },
  }))
    test(name, async () => expect(await withHeaders(headers)).toMatchObject({ status: 200, id: 'x' }));
});

describe('what an answer may look like', () => {
  const list = modern('tools/list');
  test('neither JSON nor a stream is a 406', async () => {
    const headers = { ...modernHeaders('tools/list'), accept: 'text/html' };
    expect(await refusal({ body: list, headers })).toMatchObject({ status: 406, code: -32600, id: 7 });
    const old = { ...session.headers, accept: 'text/html' };
    expect(await refusal({ body: { jsonrpc: '2.0', id: 'x', method: 'ping' }, headers: old })).toMatchObject({
      status: 406,
      id: 'x',
    });
    expect(
      await refusal({ method: 'GET', headers: { ...session.headers, accept: 'application/json' } }),
    ).toMatchObject({ status: 406 });
  });

  test('a type with q=0 is not accepted, and the most specific range decides', async () => {
    const status = async (accept: string) =>
      (await refusal({ body: list, headers: { ...modernHeaders('tools/list'), accept } })).status;
    expect(await status('application/json;q=0, text/event-stream; q=0.0')).toBe(406);
    expect(await status('*/*;q=0')).toBe(406);
    expect(await status('application/json, */*;q=0')).toBe(200);
    expect(await status('text/*;q=0, */*;q=0.1')).toBe(200);
    const stream = { ...session.headers, accept: 'text/event-stream;q=0, */*' };
    expect(await refusal({ method: 'GET', headers: stream })).toMatchObject({ status: 406 });
  });

  test('a subscription needs a stream', async () => {
    const headers = { ...modernHeaders('subscriptions/listen'), accept: 'application/json' };
    const body = modern('subscriptions/listen', { notifications: {} });
    expect(await refusal({ body, headers })).toMatchObject({ status: 406, id: 7 });
  });

  for (const accept of [
    'application/json',
    '*/*',
    'application/*',
    'text/event-stream, application/json;q=0.5',
  ]) {
    test(`${accept} gets JSON`, async () => {
      const answer = await post(gateway.url, list, { ...modernHeaders('tools/list'), accept });
      expect([answer.status, answer.type]).toEqual([200, 'application/json']);
      await answer.text();
    });
  }

  test('text/event-stream alone gets a stream', async () => {
    const answer = await post(gateway.url, list, {
      ...modernHeaders('tools/list'),
      accept: 'text/event-stream',
    });
    expect([answer.status, answer.type]).toEqual([200, 'text/event-stream']);
    expect(answer.headers).toMatchObject({
      'x-accel-buffering': 'no',
      'cache-control': 'no-cache, no-transform',
    });
    const [message, ...others] = await answer.messages();
    expect([message.id, others.length]).toEqual([7, 0]);
  });
});

describe('request ids of our own', () => {
  test('a harmless one of the caller is kept, any other replaced', async () => {
    const given = await post(gateway.url, modern('tools/list'), {
      ...modernHeaders('tools/list'),
      'x-request-id': 'req-1.a:b',
    });
    expect(given.headers['x-request-id']).toBe('req-1.a:b');
    await given.text();
    for (const bad of ['a b', 'x'.repeat(129), '<script>']) {
      const answer = await post(gateway.url, modern('tools/list'), {
        ...modernHeaders('tools/list'),
        'x-request-id': bad,
      });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      await answer.text();
    }
  });
});
