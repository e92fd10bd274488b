// Opening the listeners of a configuration: all of them or none, sockets of files among them.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEnvelope } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { initialize, modern, modernHeaders } from '../../fixtures/raw.ts';
import { until } from '../../fixtures/until.ts';
import { send } from '../../fixtures/wire.ts';

let dir: string;
let socketPath: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-socket-'));
  socketPath = join(dir, 'mcp.sock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const MCP = 'http://localhost/mcp';
const onSocket = (more: object = {}, limits: object = {}) =>
  configOf(DEMO, { listeners: [{ http: { listen: `unix:${socketPath}`, ...more } }], limits });
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** What `sluice check` would say of a gateway that does not start. */
const refusal = (config: Record<string, unknown>) =>
  startInProcess(config).then(
    async (gateway) => {
      await gateway.stop();
      return 'started';
    },
    (error: Error) => error.message,
  );

/** A file as a gateway leaves it behind that was killed. */
async function leaveSocket(): Promise<void> {
  const script = `Bun.serve({ unix: ${JSON.stringify(socketPath)}, fetch: () => new Response() }); console.log("up");`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  for await (const _ of child.stdout) child.kill('SIGKILL');
  await child.exited;
}

describe('a socket file', () => {
  test("is its owner's alone, serves, and is gone afterwards", async () => {
    const gateway = await startInProcess(onSocket());
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(gateway.gateway.report().listeners).toEqual([
      { address: `unix:${socketPath}`, urls: ['http://localhost/mcp'] },
    ]);
    const body = modern('tools/call', { name: 'echo', arguments: { text: 'over a file' } });
    const answer = await send(MCP, { body, headers: modernHeaders('tools/call', 'echo'), socketPath });
    expect((await answer.json()).result.content[0].text).toBe('over a file');
    await gateway.stop();
    expect(existsSync(socketPath)).toBe(false);
  });

  test('has the mode of the configuration', async () => {
    await using _gateway = await startInProcess(onSocket({ mode: '0660' }));
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  });

  test('takes any Host, even what is none, but no foreign Origin', async () => {
    await using _gateway = await startInProcess(onSocket());
    for (const host of ['localhost', 'anything.example.com', 'a/b?', 'x@y', '']) {
      const answer = await send(MCP, { body: ping, headers: { host, 'mcp-session-id': 'x' }, socketPath });
      expect([host, answer.status]).toEqual([host, 404]);
      expect((await answer.json()).error.data.code).toBe('SESSION_UNKNOWN');
    }
    const page = await send(MCP, { body: ping, headers: { origin: 'https://evil.example.com' }, socketPath });
    expect(page.status).toBe(403);
    await page.text();
  });

  test('left behind by one that was killed is replaced', async () => {
    await leaveSocket();
    expect(statSync(socketPath).isSocket()).toBe(true);
    await using _gateway = await startInProcess(onSocket());
    const answer = await send(MCP, { body: initialize('2025-11-25'), socketPath });
    expect(answer.status).toBe(200);
    await answer.text();
  });

  test('on which somebody answers is left alone', async () => {
    await using _first = await startInProcess(onSocket());
    expect(await refusal(onSocket())).toContain('another program is listening there');
    const answer = await send(MCP, { body: initialize('2025-11-25'), socketPath });
    expect(answer.status).toBe(200);
    await answer.text();
  });

  test('on which nobody can be reached just now is left alone: only a refusal proves that nobody is there', async () => {
    // A socket for datagrams refuses no connection: it cannot have one.
    const script = `import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(${JSON.stringify(socketPath)}); print("up", flush=True); sys.stdin.read()`;
    await using other = Bun.spawn(['python3', '-c', script], { stdin: 'pipe', stdout: 'pipe' });
    await other.stdout.getReader().read();
    const { ino } = statSync(socketPath);
    expect(await refusal(onSocket())).toContain('another program is listening there');
    expect(statSync(socketPath).ino).toBe(ino);
  });

  test('is nobody else’s from its first moment: it gets its name when it has its mode', async () => {
    const seen: number[] = [];
    const watcher = watch(dir, (_, name) => {
      if (name === 'mcp.sock' && existsSync(socketPath)) seen.push(statSync(socketPath).mode & 0o777);
    });
    const umask = process.umask(0);
    try {
      await using _gateway = await startInProcess(onSocket());
      await until(() => seen.length > 0);
    } finally {
      process.umask(umask);
      watcher.close();
    }
    expect(new Set(seen)).toEqual(new Set([0o600]));
    expect(readdirSync(dir)).toEqual([]);
  });

  test('of one that ends while another has taken its place stays', async () => {
    const first = await startInProcess(onSocket());
    rmSync(socketPath);
    await using _second = await startInProcess(onSocket());
    await first.stop();
    const answer = await send(MCP, { body: initialize('2025-11-25'), socketPath });
    expect(answer.status).toBe(200);
    await answer.text();
  });

  test('that is no socket is never removed', async () => {
    writeFileSync(socketPath, 'precious');
    expect(await refusal(onSocket())).toContain('LISTEN_FAILED');
    expect(readFileSync(socketPath, 'utf8')).toBe('precious');
    rmSync(socketPath);
    writeFileSync(join(dir, 'file'), 'precious');
    symlinkSync(join(dir, 'file'), socketPath);
    expect(await refusal(onSocket())).toContain('LISTEN_FAILED');
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('precious');
  });

  test('carries quiet streams, with signs of life', async () => {
    const gateway = await startInProcess(onSocket({}, { keep_alive: '20ms' }));
    const hello = await send(MCP, { body: initialize('2025-11-25'), socketPath });
    await hello.text();
    const headers = {
      'mcp-session-id': String(hello.headers['mcp-session-id']),
      accept: 'text/event-stream',
    };
    const stream = await send(MCP, { method: 'GET', headers, socketPath });
    const body = {
      jsonrpc: '2.0',
      id: 'l',
      method: 'subscriptions/listen',
      params: withEnvelope({ notifications: {} }),
    };
    const listen = await send(MCP, { body, headers: modernHeaders('subscriptions/listen'), socketPath });
    await listen.message();
    for (let i = 0; i < 5; i++) await Promise.all([stream.comment(), listen.comment()]);
    const stopped = gateway.stop();
    expect(await stream.messages()).toEqual([]);
    expect(await listen.messages()).toMatchObject([{ id: 'l', result: {} }]);
    await stopped;
  });
});

describe('several listeners', () => {
  test('all serve the same endpoints', async () => {
    const listeners = [
      { http: { listen: '127.0.0.1:0' } },
      { http: { listen: '[::1]:0' } },
      { http: { listen: `unix:${socketPath}` } },
    ];
    await using gateway = await startInProcess(
      configOf(DEMO, { listeners, endpoints: { '/a': {}, '/b': {} } }),
    );
    const { listeners: open } = gateway.gateway.report();
    expect(open.map(({ urls }) => urls.length)).toEqual([2, 2, 2]);
    for (const { address, urls } of open) {
      for (const url of urls) {
        const unix = address.startsWith('unix:') ? { socketPath } : {};
        const answer = await send(url, {
          body: modern('tools/list'),
          headers: modernHeaders('tools/list'),
          ...unix,
        });
        expect([url, answer.status]).toEqual([url, 200]);
        await answer.text();
      }
    }
  });

  test('are opened all or not at all', async () => {
    await using taken = await startInProcess(configOf(DEMO));
    const port = new URL(taken.url).port;
    const listeners = [{ http: { listen: `unix:${socketPath}` } }, { http: { listen: `127.0.0.1:${port}` } }];
    const said = JSON.parse(await refusal(configOf(DEMO, { listeners })));
    expect(said).toMatchObject([{ code: 'LISTEN_FAILED', file: 'gateway.yaml' }]);
    expect(said[0].line).toBeGreaterThan(1);
    expect(existsSync(socketPath)).toBe(false);
  });
});
