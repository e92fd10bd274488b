// The admin server as its operator sees it: what answers where, what is refused, and what it does with the system.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminFault } from '../../../src/admin/fault.ts';
import { type Admin, type AdminOptions, startAdmin } from '../../../src/admin/server.ts';
import { SILENT } from '../../../src/core/log.ts';
import { fakeSource } from './fake.ts';

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function dir(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
  ends.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const anyPort = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

async function start(options: Partial<AdminOptions> = {}): Promise<Admin> {
  const admin = await startAdmin({
    listen: 'off',
    socket: 'off',
    source: fakeSource(),
    log: SILENT,
    ...options,
  });
  ends.push(() => admin.stop());
  return admin;
}

const overSocket = (unix: string, path: string, init: RequestInit = {}) =>
  fetch(`http://localhost${path}`, { ...init, unix } as RequestInit);

async function said(response: Response) {
  return { status: response.status, body: await response.json() };
}

describe('over TCP', () => {
  test('health, readiness, figures and status', async () => {
    const source = fakeSource();
    const { url } = await start({ listen: anyPort, source });
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toBe(source.metrics.contentType);
    expect(await metrics.text()).toBe('sluice_up 1\n');
    expect(await said(await fetch(`${url}/status`))).toEqual({
      status: 200,
      body: { version: 1, generation: 7 },
    });
    source.gone = ['search'];
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([200, 'ready\nnot called for now: search\n']);
    source.isReady = false;
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('nothing is cached, and nothing is guessed', async () => {
    const { url } = await start({ listen: anyPort });
    const { headers } = await fetch(`${url}/status`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('what changes or tells more is on the socket only', async () => {
    const source = fakeSource();
    const { url } = await start({ listen: anyPort, source });
    expect(await said(await fetch(`${url}/reload`, { method: 'POST' }))).toMatchObject({
      status: 403,
      body: { error: { code: 'SOCKET_ONLY' } },
    });
    expect((await fetch(`${url}/explain?method=tools/list`)).status).toBe(403);
    expect((await fetch(`${url}/calls`)).status).toBe(403);
    expect(source.asked).toEqual([]);
  });

  test.each([
    ['POST', '/healthz', 405],
    ['DELETE', '/metrics', 405],
    ['PUT', '/status', 405],
    ['GET', '/nothing', 404],
    ['GET', '/', 404],
    ['GET', '/constructor', 404],
    ['GET', '/healthz/', 404],
    ['HEAD', '/healthz', 200],
    ['GET', '/healthz?verbose', 200],
  ])('%s %s: %d', async (method, path, status) => {
    const { url } = await start({ listen: anyPort });
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(status);
    if (status === 405) expect(response.headers.get('allow')).toBe('GET, HEAD');
    if (status > 400) expect(await response.json()).toMatchObject({ error: { code: expect.any(String) } });
  });

  test.each([
    ['Host: evil.example', 403],
    ['Host: 127.0.0.1.evil.example', 403],
    ['Host: localhost:1', 403],
    ['Host: PORT', 403],
    ['Host: a, b', 403],
    ['Host: localhost:PORT\r\nOrigin: https://evil.example', 403],
    ['Host: localhost:PORT\r\nSec-Fetch-Site: cross-site', 403],
    ['Host: localhost:PORT', 200],
    ['Host: LOCALHOST', 200],
    ['Host: 127.0.0.1:PORT', 200],
    ['Host: [::1]:PORT', 200],
    ['Host: localhost:PORT\r\nOrigin: http://localhost:PORT', 200],
  ])('%j: %d', async (headers, status) => {
    const { url } = await start({ listen: anyPort });
    const port = new URL(url ?? '').port;
    const head = headers.replaceAll('PORT', port);
    expect(await raw(Number(port), `GET /healthz HTTP/1.1\r\n${head}\r\nConnection: close\r\n\r\n`)).toBe(
      status,
    );
  });

  test('a request without a Host is refused, whatever its version', async () => {
    const { url } = await start({ listen: anyPort });
    expect(await raw(Number(new URL(url ?? '').port), 'GET /healthz HTTP/1.0\r\n\r\n')).toBe(403);
  });

  test('what goes wrong inside is a JSON error without a stack', async () => {
    const source = fakeSource();
    source.status = () => {
      throw new Error('secret detail');
    };
    const { url } = await start({ listen: anyPort, source });
    const response = await fetch(`${url}/status`);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe(
      '{"error":{"code":"INTERNAL","message":"the admin server failed; the log says more"}}\n',
    );
  });

  test('a port that is taken: which one, and what to do', async () => {
    const first = await start({ listen: anyPort });
    const port = Number(new URL(first.url ?? '').port);
    const second = start({ listen: { ...anyPort, port } });
    await expect(second).rejects.toThrow(
      `cannot open the admin listener on 127.0.0.1:${port}: port ${port} is in use`,
    );
    await second.catch((error: AdminFault) => {
      expect(error).toBeInstanceOf(AdminFault);
      expect(error.hint).toContain('admin: { listen: 127.0.0.1:PORT }');
    });
  });
});

describe('over the socket', () => {
  test('reload: done, dry, refused', async () => {
    const source = fakeSource();
    const socket = join(dir(), 's.sock');
    await start({ socket, source });
    const reload = (body?: string) =>
      overSocket(socket, '/reload', { method: 'POST', ...(body && { body }) });
    expect(await said(await reload())).toEqual({ status: 200, body: { version: 1, ok: true } });
    expect((await reload('{"dryRun":true}')).status).toBe(200);
    source.isSound = false;
    expect((await reload('{}')).status).toBe(422);
    expect(source.asked).toEqual([{ dryRun: false }, { dryRun: true }, { dryRun: false }]);
  });

  test.each(['{', '[]', '1', '{"dryRun":"yes"}', '{"dryrun":true}', 'null'])(
    'a reload of %s: 400',
    async (body) => {
      const source = fakeSource();
      const socket = join(dir(), 's.sock');
      await start({ socket, source });
      const response = await overSocket(socket, '/reload', { method: 'POST', body });
      expect(await said(response)).toMatchObject({ status: 400, body: { error: { code: 'BODY_INVALID' } } });
      expect(source.asked).toEqual([]);
    },
  );

  test('a reload is not made by looking', async () => {
    const source = fakeSource();
    const socket = join(dir(), 's.sock');
    await start({ socket, source });
    expect((await overSocket(socket, '/reload')).status).toBe(405);
    expect(source.asked).toEqual([]);
  });

  test('health answers while a reload takes its time', async () => {
    const source = fakeSource();
    const gate = Promise.withResolvers<void>();
    source.wait = gate.promise;
    const socket = join(dir(), 's.sock');
    await start({ socket, source });
    const reload = overSocket(socket, '/reload', { method: 'POST' });
    expect((await overSocket(socket, '/healthz')).status).toBe(200);
    gate.resolve();
    expect((await reload).status).toBe(200);
  });

  test('explain takes method, name and endpoint', async () => {
    const source = fakeSource();
    const socket = join(dir(), 's.sock');
    await start({ socket, source });
    const found = await overSocket(socket, '/explain?method=tools%2Fcall&name=a%20b&endpoint=%2Fmcp');
    expect(await said(found)).toEqual({ status: 200, body: { version: 1, route: 'somewhere' } });
    expect(source.asked).toEqual([{ method: 'tools/call', name: 'a b', endpoint: '/mcp' }]);
    expect((await overSocket(socket, '/explain')).status).toBe(400);
    expect((await overSocket(socket, '/explain?method=x&endpoint=%2Fnone')).status).toBe(404);
  });

  test('only its owner can open it, and it is gone at the end', async () => {
    const at = dir();
    const admin = await start({ socket: join(at, 'deep', 's.sock') });
    expect(statSync(join(at, 'deep', 's.sock')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(at, 'deep'))).toEqual(['s.sock']);
    await admin.stop();
    expect(readdirSync(join(at, 'deep'))).toEqual([]);
  });

  test('a file that a dead process left makes way, a living one does not', async () => {
    const socket = join(dir(), 's.sock');
    await leaveSocket(socket);
    const admin = await start({ socket });
    expect((await overSocket(socket, '/healthz')).status).toBe(200);
    await expect(start({ socket })).rejects.toThrow(`already running: a gateway answers on ${socket}`);
    expect((await overSocket(socket, '/healthz')).status).toBe(200);
    await admin.stop();
  });

  test('what is no socket is left alone', async () => {
    const at = dir();
    writeFileSync(join(at, 'file'), 'precious');
    symlinkSync('file', join(at, 'link'));
    for (const name of ['file', 'link'])
      await expect(start({ socket: join(at, name) })).rejects.toThrow('exists and is not a socket');
    expect(await Bun.file(join(at, 'file')).text()).toBe('precious');
  });

  test('a path the system cannot take is told, and nothing stays behind', async () => {
    const at = dir();
    const long = start({ socket: join(at, 'x'.repeat(120)) });
    await expect(long).rejects.toMatchObject({ kind: 'unusable' });
    expect(readdirSync(at)).toEqual([]);
  });

  test('when the port is taken, the socket is given back', async () => {
    const first = await start({ listen: anyPort });
    const port = Number(new URL(first.url ?? '').port);
    const socket = join(dir(), 's.sock');
    await expect(start({ socket, listen: { ...anyPort, port } })).rejects.toThrow('in use');
    await start({ socket });
  });

  test('a successor that took the name keeps it', async () => {
    const at = dir();
    const socket = join(at, 's.sock');
    const first = await start({ socket });
    rmSync(socket);
    await start({ socket });
    await first.stop();
    expect((await overSocket(socket, '/healthz')).status).toBe(200);
  });
});

test('off is off', async () => {
  expect(await start()).toMatchObject({ url: undefined, socket: undefined });
});

test('listening on a path gives the routes of TCP', async () => {
  const path = join(dir(), 'metrics.sock');
  const { url } = await start({ listen: { kind: 'unix', path } });
  expect(url).toBe(`unix:${path}`);
  expect((await overSocket(path, '/metrics')).status).toBe(200);
  expect((await overSocket(path, '/reload', { method: 'POST' })).status).toBe(403);
});

/** The status of the answer to bytes as they stand. */
function raw(port: number, bytes: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
  let text = '';
  socket.on('data', (data) => {
    text += String(data);
  });
  socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])));
  socket.on('error', reject);
  return promise;
}

/** A socket file whose process was killed. */
async function leaveSocket(path: string): Promise<void> {
  const code = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); console.log('up');`;
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' });
  await child.stdout.getReader().read();
  child.kill('SIGKILL');
  await child.exited;
}
