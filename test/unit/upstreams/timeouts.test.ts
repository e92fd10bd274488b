// Every timeout of an upstream fires, with a server that really does what it is for: the error names the setting,
// the figure counts it, and nothing of the call stays behind.
import { afterEach, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { McpResult } from '../../../src/protocol/message.ts';
import { codeOf, exchange, nobody, toolCall } from '../../fixtures/exchanges.ts';
import { type Behaviour, event, progressOf, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { childPath, httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running();
const undo: (() => unknown)[] = [];
afterEach(() => Promise.all(undo.splice(0).map((each) => each())));

/** Takes connections and does what it likes with them. */
async function tcp(take: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    take(socket);
  });
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A port whose queue of connections is full, and nobody takes one out. */
async function full(): Promise<number> {
  const child = Bun.spawn([process.execPath, childPath('deaf.ts')], { stdout: 'pipe' });
  undo.push(() => child.kill('SIGKILL'));
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  const waiting = Array.from({ length: 640 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  undo.push(() => waiting.map((socket) => socket.destroy()));
  // As many as the queue holds.
  await Promise.all(waiting.slice(0, 2).map((socket) => once(socket, 'connect')));
  return port;
}

async function fires(
  kind: string,
  ms: number,
  result: McpResult,
  { host }: Pick<ReturnType<typeof run.upstream>, 'host'>,
): Promise<void> {
  expect(codeOf(result)).toBe('UPSTREAM_TIMEOUT');
  expect(result.raw.string('message')).toContain(`timeouts.${kind} (${ms} ms)`);
  expect(result.raw.object('data')?.string('timeout')).toBe(kind);
  expect(await host.figure('timeouts', { kind, upstream: 'up' })).toBeGreaterThan(0);
}

describe('a connection', () => {
  test('that nobody takes: connect', async () => {
    const url = `http://127.0.0.1:${await full()}/mcp`;
    const upstream = run.upstream(httpSpec(url, { timeouts: { connect: 40 } }));
    await fires('connect', 40, await upstream.handle(toolCall('tool'), nobody), upstream);
  });

  test('on which TLS does not come about: tls', async () => {
    const url = `https://127.0.0.1:${await tcp((socket) => void socket.resume())}/mcp`;
    const upstream = run.upstream(httpSpec(url, { timeouts: { tls: 40 } }));
    await fires('tls', 40, await upstream.handle(toolCall('tool'), nobody), upstream);
  });

  test('with a first answer that never comes: start', async () => {
    const url = `http://127.0.0.1:${await tcp((socket) => void socket.resume())}/mcp`;
    const upstream = run.upstream(httpSpec(url, { timeouts: { start: 40 } }));
    await fires('start', 40, await upstream.handle(toolCall('tool'), nobody), upstream);
  });
});

/** Says something again and again, and never the result. */
const talkative: Behaviour = (hit, res) => {
  stream(res);
  let progress = 0;
  const timer = setInterval(() => res.write(event(progressOf(hit, ++progress))), 5);
  res.on('close', () => clearInterval(timer));
};

describe('a call', () => {
  const cases: [string, Behaviour, object][] = [
    ['first_byte', () => {}, { firstByte: 40 }],
    ['idle', (hit, res) => stream(res, event(progressOf(hit, 1))), { idle: 40 }],
    ['total', talkative, { total: 80, idle: 20_000 }],
  ];
  test.each(cases)('that hangs: %s', async (kind, behave, timeouts) => {
    const rogue = await run.rogue(behave);
    const upstream = run.upstream(httpSpec(rogue.url, { timeouts }));
    const [ms] = Object.values(timeouts);
    await fires(kind, ms, await upstream.handle(toolCall('tool', {}, { token: '1' }), nobody), upstream);
    // Closing the connection is how it is cancelled there.
    await rogue.of('tools/call')[0]?.gone;
  });

  test('progress begins idle anew', async () => {
    let spoken = 0;
    const rogue = await run.rogue((hit, res) => {
      stream(res);
      const timer = setInterval(() => {
        if (++spoken < 60) return res.write(event(progressOf(hit, spoken)));
        clearInterval(timer);
        return res.end(event({ jsonrpc: '2.0', id: hit.message.id, result: { resultType: 'complete' } }));
      }, 10);
    });
    const upstream = run.upstream(httpSpec(rogue.url, { timeouts: { idle: 400 } }));
    const result = await upstream.handle(toolCall('tool', {}, { token: '1' }), nobody);
    expect(result.kind).toBe('complete');
  });

  test('whose upstream takes the connection and reads nothing of a large body: first_byte', async () => {
    let greeted = false;
    const port = await tcp((socket) => {
      if (greeted) return socket.pause();
      greeted = true;
      socket.once('data', () => {
        const result = {
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {} },
        };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 0, result });
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        );
      });
    });
    const upstream = run.upstream(
      httpSpec(`http://127.0.0.1:${port}/mcp`, { era: '2026', timeouts: { firstByte: 80 } }),
    );
    const large = exchange('prompts/get', { name: 'it', arguments: { text: 'x'.repeat(32 << 20) } });
    await fires('first_byte', 80, await upstream.handle(large, nobody), upstream);
  });

  test('whose process reads nothing of a large message: first_byte', async () => {
    const upstream = run.upstream(serverSpec([], { stop: 0, kill: 0, timeouts: { firstByte: 80 } }));
    const blocked = upstream.handle(toolCall('block'), nobody);
    const large = exchange('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(8 << 20) } });
    await fires('first_byte', 80, await upstream.handle(large, nobody), upstream);
    await fires('first_byte', 80, await blocked, upstream);
  });
});
