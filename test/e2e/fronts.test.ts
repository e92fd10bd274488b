// What stands before the HTTP server where others reach it: heads of requests that are late, who is at a Unix socket,
// and that nobody gets past it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { definePlugin, z } from 'sluice/plugin';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { initialize, modern, modernHeaders } from '../fixtures/raw.ts';
import { type Secured, secured } from '../fixtures/secured.ts';
import { until } from '../fixtures/until.ts';
import { send } from '../fixtures/wire.ts';

let on: Secured;
beforeEach(() => {
  on = secured();
});
afterEach(() => on[Symbol.dispose]());

const MCP = 'http://localhost/mcp';
const onSocket = (limits: object = {}, more: object = {}) =>
  configOf(DEMO, { listeners: [{ http: { listen: `unix:${on.path('s')}` } }], limits, ...more });
const echo = modern('tools/call', { name: 'echo', arguments: { text: 'hi' } });
const CALL = { body: echo, headers: modernHeaders('tools/call', 'echo') };

/** A connection to the socket: all it was told until it ended. */
function opened(first: string): { socket: Socket; over: Promise<string> } {
  let said = '';
  const socket = connect(on.path('s'));
  const over = new Promise<string>((resolve) => {
    socket.on('data', (bytes) => {
      said += bytes.toString();
    });
    socket.on('error', () => {}).on('close', () => resolve(said));
  });
  socket.write(first);
  return { socket, over };
}

async function answer(): Promise<string> {
  return (await send(MCP, { ...CALL, socketPath: on.path('s') })).text();
}

describe('the head of a request', () => {
  test('that is late is answered with 408, counted and told', async () => {
    await using gateway = await startInProcess(onSocket({ head: '50ms' }));
    expect(await opened('POST /mcp HTTP/1.1\r\nHost: x\r\nX-a: ').over).toMatch(
      /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*Connection: close\r\n\r\n\{.*HEAD_TIMEOUT/,
    );
    expect(await gateway.figure('timeouts', { kind: 'head', listener: on.path('s') })).toBe(1);
    expect(await gateway.figure('refused', { code: 'HEAD_TIMEOUT' })).toBe(1);
  });

  test('that never begins ends its connection without an answer', async () => {
    await using gateway = await startInProcess(onSocket({ head: '50ms' }));
    expect(await opened('').over).toBe('');
    expect(await gateway.figure('timeouts', { kind: 'head' })).toBe(1);
  });

  test('of a later request on a connection has its time from its first byte', async () => {
    await using gateway = await startInProcess(onSocket({ head: '500ms' }));
    const { socket, over } = opened('GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((answered) => socket.once('data', answered));
    socket.write('GET /mcp HTTP/1.1\r\nX-a: ');
    expect(await over).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 408 /);
    expect(await gateway.figure('timeouts', { kind: 'head' })).toBe(1);
  });

  test('is none of what is quiet: a stream, a body, a connection between requests', async () => {
    await using gateway = await startInProcess(onSocket({ head: '500ms', keep_alive: '20ms' }));
    const hello = await send(MCP, { body: initialize('2025-11-25'), socketPath: on.path('s') });
    await hello.text();
    const headers = {
      'mcp-session-id': String(hello.headers['mcp-session-id']),
      accept: 'text/event-stream',
    };
    const stream = await send(MCP, { method: 'GET', headers, socketPath: on.path('s') });
    const resting = opened('GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
    const whole = posting(echo, 'echo');
    const slow = opened(whole.slice(0, -10));
    for (let i = 0; i < 40; i++) await stream.comment();
    slow.socket.write(whole.slice(-10));
    expect(await slow.over).toContain('"hi"');
    resting.socket.end('GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await resting.over).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 404 /);
    expect(await gateway.figure('timeouts')).toBe(0);
  });

  test('drips on two hundred connections, and everybody else is served', async () => {
    await using gateway = await startInProcess(onSocket({ head: '2s' }));
    const drips = Array.from({ length: 200 }, () => opened('POST /mcp HTTP/1.1\r\nHost: x\r\nX-a: '));
    const timer = setInterval(() => {
      for (const { socket } of drips) if (socket.writable) socket.write('a');
    }, 20);
    const answers: string[] = [];
    while ((await gateway.figure('timeouts', { kind: 'head' })) < 200) answers.push(await answer());
    clearInterval(timer);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.filter((text) => !text.includes('"hi"'))).toEqual([]);
    for (const said of await Promise.all(drips.map(({ over }) => over))) expect(said).toContain(' 408 ');
  }, 20_000);
});

test('where nothing stands before it, connections that drip keep nobody from being served either', async () => {
  await using gateway = await startInProcess(configOf(DEMO));
  const { port } = new URL(gateway.url);
  const drips = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  for (const each of drips) each.write('POST /mcp HTTP/1.1\r\nHost: x\r\nX-a: ');
  for (let i = 0; i < 50; i++) {
    for (const each of drips) each.write('a');
    expect(await (await send(gateway.url, CALL)).text()).toContain('"hi"');
  }
  for (const each of drips) each.destroy();
});

describe('who is there', () => {
  test('is said by the kernel on a Unix socket', async () => {
    const seen: unknown[] = [];
    const watcher = definePlugin({
      name: 'watcher',
      api: 1,
      about: 'notes who called',
      schema: z.strictObject({}),
      setup: () => ({ onRequest: (_, x) => void seen.push(x.inbound.peer?.()?.credentials) }),
    });
    const config = onSocket({}, { pipeline: [{ watcher: {} }] });
    await using _ = await startInProcess(config, { plugins: { watcher } });
    await answer();
    const { uid, gid } = { uid: process.getuid?.(), gid: process.getgid?.() };
    const linux = process.platform === 'linux' ? { pid: process.pid } : {};
    expect(seen.at(-1)).toEqual({ uid, gid, ...linux } as never);
  });

  test.skipIf(process.platform !== 'linux')('has to come in by the door', async () => {
    const before = new Set(loopbackPorts());
    await using gateway: InProcess = await startInProcess(onSocket());
    const [behind] = loopbackPorts().filter((port) => !before.has(port));
    const foreign = await fetch(`http://127.0.0.1:${behind}/mcp`, { method: 'POST', body: '{}' });
    expect(foreign.status).toBe(403);
    expect(await foreign.text()).toContain('HOST_REFUSED');
    expect(await gateway.figure('exchanges')).toBe(0);
  });
});

test.each(['x', '[x', 'a b', ''])(
  'a Host of %j is good on a Unix socket, over HTTP+SSE too',
  async (host) => {
    await using _ = await startInProcess(onSocket());
    const stream = opened(`GET /sse HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`);
    const told = await new Promise<string>((heard) =>
      stream.socket.on('data', (bytes) => heard(String(bytes))),
    );
    expect(told).toStartWith('HTTP/1.1 200 ');
    const body = JSON.stringify(initialize('2024-11-05'));
    const head = `Host: ${host}\r\nConnection: close\r\nContent-Type: application/json`;
    const posted = (query: string) =>
      opened(`POST /sse${query} HTTP/1.1\r\n${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`).over;
    expect(await posted('')).toMatch(/^HTTP\/1\.1 400 [\s\S]*SESSION_REQUIRED/);
    expect(await posted('?sessionId=x')).toMatch(/^HTTP\/1\.1 404 [\s\S]*SESSION_UNKNOWN/);
    stream.socket.destroy();
  },
);

test('a long answer arrives whole, whatever the direction it comes from, and a client that leaves is missed', async () => {
  await using gateway = await startInProcess(onSocket());
  const long = '#'.repeat(3_000_000);
  const { socket, over } = opened('');
  socket.pause();
  socket.write(posting(modern('tools/call', { name: 'echo', arguments: { text: long } }), 'echo'));
  await until(async () => (await gateway.figure('exchanges', { method: 'tools/call' })) === 1);
  socket.resume();
  // Without the sizes of chunks in between.
  expect((await over).replaceAll(/[^#]/g, '').length).toBe(long.length);

  const count = modern('tools/call', { name: 'slow_count', arguments: { to: 1, every_ms: 60_000 } });
  const leaving = opened(posting(count, 'slow_count'));
  await until(() => gateway.metrics.load.inFlight === 1);
  leaving.socket.destroy();
  await until(() => gateway.metrics.load.inFlight === 0);
});

test.skipIf(process.platform !== 'linux')(
  'of connections that came and went, however they did, nothing is left',
  async () => {
    const listeners = [...on.listeners().listeners, { http: { listen: `unix:${on.path('s')}` } }];
    await using gateway = await startInProcess(configOf(DEMO, { listeners, limits: { handshake: '300ms' } }));
    const port = Number(new URL(gateway.url).port);
    const open = () => readdirSync('/proc/self/fd').length;
    await answer();
    await until(() => gateway.metrics.load.inFlight === 0);
    const before = open();
    const whole = posting(echo, 'echo');
    const ways: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.end(),
      (socket) => socket.resetAndDestroy(),
      (socket) => void socket.write(whole.slice(0, 40), () => socket.destroy()),
      (socket) => void socket.write(whole.slice(0, -5), () => socket.resetAndDestroy()),
      (socket) => socket.write(whole),
      (socket) => socket.end('\x16\x03\x01garbage'),
      (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'),
    ];
    const closed = ways.flatMap((leave) =>
      [() => connect(on.path('s')), () => connect(port, '127.0.0.1')].flatMap((reach) =>
        Array.from({ length: 10 }, () => {
          const socket = reach();
          socket.on('error', () => {}).on('connect', () => leave(socket));
          return new Promise((over) => socket.resume().on('close', over));
        }),
      ),
    );
    await Promise.all(closed);
    await until(() => open() <= before);
    expect(await answer()).toContain('"hi"');
  },
  20_000,
);

/** The bytes of a POST on a connection of its own. */
function posting(body: unknown, tool: string): string {
  const text = JSON.stringify(body);
  const head = {
    ...modernHeaders('tools/call', tool),
    host: 'x',
    connection: 'close',
    'content-type': 'application/json',
  };
  const lines = Object.entries({ ...head, 'content-length': text.length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return ['POST /mcp HTTP/1.1', ...lines, '', text].join('\r\n');
}

/** Ports of 127.0.0.1 on which this process listens. */
function loopbackPorts(): number[] {
  const own = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local, , state, , , , , , inode]) =>
        local?.startsWith('0100007F:') && state === '0A' && own.has(inode ?? ''),
    )
    .map(([, local = '']) => Number.parseInt(local.slice(9), 16));
}
