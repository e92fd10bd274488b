// The client on sockets of its own, against servers that write exact bytes: each answer reaches its own request or
// nobody, and a connection that cannot be trusted any more is not used again.
import { afterEach, describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import type { HttpAnswer, HttpClient } from '../../../src/upstreams/http-client.ts';
import { createHttpClient } from '../../../src/upstreams/http1-client.ts';
import { inPieces, type Verbatim, verbatim } from '../../fixtures/verbatim.ts';

const clients: HttpClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function clientOf(): HttpClient {
  const client = createHttpClient({
    upstream: 'up',
    lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    timeouts: { connect: 2_000, tls: 2_000 },
  });
  clients.push(client);
  return client;
}

const never = new AbortController().signal;

async function ask(client: HttpClient, { url }: Verbatim, body = '{}', signal = never): Promise<HttpAnswer> {
  return client.send({ transport: 'http', method: 'POST', url, headers: { a: 'b' }, body }, signal);
}

async function textOf(answer: HttpAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of answer.chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('latin1');
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
/** With or without an error: a connection that is not wanted is reset. */
const closed = (socket: Socket | undefined): Promise<unknown> =>
  new Promise((resolve) => socket?.once('close', resolve));
const messageOf = (error: unknown): string => (error as Error).message;

describe('an answer, in pieces of any size', () => {
  test.each<[string, string, string]>([
    ['with a length', ok('hello'), 'hello'],
    ['without a body', 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', ''],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\nX: y\r\n\r\n',
      'hello',
    ],
    [
      'after interim ones',
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${ok('hello')}`,
      'hello',
    ],
  ])('%s', async (_, wire, body) => {
    for (const size of [1, 2, 7, 1_000]) {
      const server = await verbatim((socket) => inPieces(socket, wire, size));
      const client = clientOf();
      for (let i = 0; i < 3; i++) expect(await textOf(await ask(client, server))).toBe(body);
      expect(server.heard.map(({ length }) => length)).toEqual([3]);
    }
  });

  test('that ends with its connection', async () => {
    const server = await verbatim((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'));
    const client = clientOf();
    for (let i = 0; i < 3; i++) expect(await textOf(await ask(client, server))).toBe('hello');
    expect(server.heard.map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  test('to a request whose bytes are those that were meant', async () => {
    const server = await verbatim((socket) => socket.write(ok('')));
    await ask(clientOf(), server, '{"ü":"→"}');
    const host = new URL(server.url).host;
    expect(Buffer.from(server.heard[0]?.[0] ?? '', 'latin1').toString()).toBe(
      `POST /mcp?a=b HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\na: b\r\ncontent-length: 12\r\n\r\n{"ü":"→"}`,
    );
  });
});

describe('a connection is not used again', () => {
  test.each<[string, (socket: Socket) => unknown]>([
    ['with bytes behind the answer', (socket) => socket.write(`${ok('own')}HTTP/1.1 200 OK\r\n`)],
    ['with a whole answer more', (socket) => socket.write(`${ok('own')}${ok('stolen')}`)],
    [
      'that the server says it closes',
      (socket) => socket.write(ok('own').replace('OK\r\n', 'OK\r\nConnection: close\r\n')),
    ],
    [
      'that the server keeps for no time',
      (socket) => socket.write(ok('own').replace('OK\r\n', 'OK\r\nKeep-Alive: timeout=1\r\n')),
    ],
    ['of an older server', (socket) => socket.write(ok('own').replace('1.1', '1.0'))],
  ])('%s', async (_, first) => {
    const server = await verbatim((socket, __, nth) =>
      nth === 0 ? first(socket) : socket.write(ok('next')),
    );
    const client = clientOf();
    expect(await textOf(await ask(client, server))).toBe('own');
    expect(await textOf(await ask(client, server))).toBe('next');
    expect(server.heard.map(({ length }) => length)).toEqual([1, 1]);
  });

  test('on which something came while nobody asked', async () => {
    const server = await verbatim((socket, _, nth) => socket.write(ok(`${nth}`)));
    const client = clientOf();
    expect(await textOf(await ask(client, server))).toBe('0');
    const [socket] = server.sockets;
    socket?.write(ok('stolen'));
    await closed(socket);
    expect(await textOf(await ask(client, server))).toBe('1');
    expect(server.heard.map(({ length }) => length)).toEqual([1, 1]);
  });

  test('whose request was not taken whole before the answer was over', async () => {
    const server = await verbatim((socket) => socket.write(ok('next')));
    const deaf = await verbatim(() => {});
    const client = clientOf();
    const big = 'x'.repeat(30_000_000);
    const early = ask(client, deaf, big);
    while (deaf.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [socket] = deaf.sockets;
    socket?.pause();
    socket?.write(ok('too much'));
    expect(await textOf(await early)).toBe('too much');
    await closed(socket);
    expect(await textOf(await ask(client, server))).toBe('next');
  });
});

describe('what is no answer', () => {
  test.each<[string, string]>([
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'in two ways'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 'malformed Content-Length'],
    ['HTTP/1.1 200 OK\r\n folded: x\r\n\r\n', 'malformed header field'],
    ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'too early'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 'answered 101'],
    ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(90), 'too early'],
    [`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`, 'longer than 65536'],
    ['220 smtp.example.com ESMTP\r\n', 'did not answer in HTTP/1.1'],
    ['', 'closed the connection'],
    ['HTTP/1.1 200', 'too early'],
  ])('%p fails its request and no other', async (wire, why) => {
    const server = await verbatim((socket, _, nth) =>
      nth === 0 ? socket.end(wire, 'latin1') : socket.write(ok('next')),
    );
    const client = clientOf();
    const error = await ask(client, server)
      .then(textOf)
      .catch((fault: unknown) => fault);
    expect(messageOf(error)).toContain(why);
    expect(messageOf(error)).toStartWith('The upstream "up" did not answer at http://127.0.0.1:');
    expect(await textOf(await ask(client, server))).toBe('next');
  });

  test.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    [
      'chunks that are none',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5 5\r\nhello\r\n',
    ],
  ])('a body that breaks off, by %s, is never taken for whole', async (_, wire) => {
    const server = await verbatim((socket) => socket.end(wire));
    const error = await ask(clientOf(), server)
      .then(textOf)
      .catch((fault: unknown) => fault);
    expect(messageOf(error)).toStartWith('The upstream "up" broke off: ');
  });
});

describe('an upstream is held back', () => {
  test('by who does not read, and let go on', async () => {
    const size = 40_000_000;
    let sent = 0;
    const server = await verbatim((socket, _, nth) => {
      if (nth > 0) return socket.write(ok('next'));
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const chunk = Buffer.alloc(100_000, 120);
      const more = (): void => {
        while (sent < size) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once('drain', more);
        }
      };
      more();
    });
    const client = clientOf();
    const answer = await ask(client, server);
    const [socket] = server.sockets;
    let before = -1;
    // Until its system takes no more.
    for (let same = 0; same < 200; same = sent === before ? same + 1 : 0) {
      before = sent;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket?.writableNeedDrain).toBe(true);
    expect(sent).toBeLessThan(size / 2);
    expect((await textOf(answer)).length).toBe(size);
  });

  test('until its answer is over: the next one on the connection comes all the same', async () => {
    const long = 'x'.repeat(200_000);
    const server = await verbatim((socket) => socket.write(ok(long)));
    const client = clientOf();
    for (let i = 0; i < 5; i++) {
      const answer = await ask(client, server);
      // It has come whole before anybody reads it.
      while (server.sockets[0]?.writableLength !== 0) await new Promise((resolve) => setImmediate(resolve));
      for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
      expect((await textOf(answer)).length).toBe(long.length);
    }
    expect(server.heard.map(({ length }) => length)).toEqual([5]);
  });
});

describe('giving up', () => {
  test('before the answer drops its connection, and gives the reason', async () => {
    const server = await verbatim(() => {});
    const abort = new AbortController();
    const asked = ask(clientOf(), server, '{}', abort.signal);
    while (server.heard.flat().length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('enough');
    await expect(asked).rejects.toBe('enough');
    await closed(server.sockets[0]);
  });

  test('in the middle of a body breaks it off', async () => {
    const server = await verbatim((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'),
    );
    const abort = new AbortController();
    const answer = await ask(clientOf(), server, '{}', abort.signal);
    const reading = textOf(answer).catch(messageOf);
    abort.abort('enough');
    expect(await reading).toStartWith('The upstream "up" broke off');
    await closed(server.sockets[0]);
  });

  test('of a client ends what is idle and what is at work', async () => {
    const server = await verbatim((socket, _, nth) => nth === 0 && socket.write(ok('idle')));
    const client = clientOf();
    const first = ask(client, server);
    const waiting = ask(client, server).catch(messageOf);
    expect(await textOf(await first)).toBe('idle');
    while (server.heard.flat().length < 2) await new Promise((resolve) => setImmediate(resolve));
    client.close();
    expect(await waiting).toContain('did not answer');
    await Promise.all(server.sockets.map((socket) => socket.destroyed || closed(socket)));
  });
});

describe('a name', () => {
  test('with several addresses leads to the one that takes a connection', async () => {
    const server = await verbatim((socket) => socket.write(ok('here')));
    const url = server.url.replace('127.0.0.1', 'there.example');
    const client = createHttpClient({
      upstream: 'up',
      lookup: (_, __, done) =>
        done(null, [
          { address: '::1', family: 6 },
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]),
      timeouts: { connect: 2_000, tls: 2_000 },
    });
    clients.push(client);
    expect(await textOf(await ask(client, { ...server, url }))).toBe('here');
    expect(server.heard[0]?.[0]).toContain('\r\nhost: there.example:');
  });

  test('that leads nowhere says why', async () => {
    const server = await verbatim(() => {});
    const client = createHttpClient({
      upstream: 'up',
      lookup: (_, __, done) => done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), ''),
      timeouts: { connect: 2_000, tls: 2_000 },
    });
    const url = server.url.replace('127.0.0.1', 'nowhere.example');
    const error = await ask(client, { ...server, url }).catch(messageOf);
    expect(error).toMatch(
      /^The upstream "up" cannot be reached at http:\/\/nowhere\.example:\d+: no such name$/,
    );
  });
});
