// Every example works as its README says: checked, started from a copy of its folder, listed and called by a client.
import { afterEach, expect, test } from 'bun:test';
import { chmod, cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPeer, type Target, textOf } from '../fixtures/peers.ts';
import { until } from '../fixtures/until.ts';
import { startEverythingHttp } from '../fixtures/upstreams.ts';

const root = join(import.meta.dir, '../..');
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Example {
  readonly dir: string;
  readonly env: Record<string, string>;
}

/** A copy of an example in a folder of its own, with `sluice` on the PATH and nothing of this user's. */
async function copyOf(name: string, env: Record<string, string> = {}): Promise<Example> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-x-'));
  undo.push(() => rm(home, { recursive: true, force: true }));
  const dir = join(home, 'here');
  await cp(join(root, 'examples', name), dir, { recursive: true });
  const bin = join(home, 'bin');
  await Bun.write(join(bin, 'sluice'), `#!/bin/sh\nexec '${process.execPath}' '${root}/src/main.ts' "$@"\n`);
  await chmod(join(bin, 'sluice'), 0o755);
  // The filesystem server is a script for Node; Bun is one where there is none.
  if (Bun.which('node') === null) await symlink(process.execPath, join(bin, 'node'));
  const path = [bin, join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(':');
  return { dir, env: { PATH: path, HOME: home, XDG_RUNTIME_DIR: home, ...env } };
}

/** Other gateways may have the usual ports: the first listener takes a free one, the admin listener none. */
async function withFreePorts({ dir, env }: Example): Promise<Example> {
  const file = join(dir, 'gateway.yaml');
  await Bun.write(file, `${await Bun.file(file).text()}\nadmin: { listen: off }\n`);
  return { dir, env: { ...env, MCP_LISTEN_ADDR: '127.0.0.1:0' } };
}

/** Runs a command in the folder to its end. */
async function run({ dir, env }: Example, ...cmd: string[]) {
  const child = Bun.spawn({ cmd, cwd: dir, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

/** Starts what serves, and resolves with the first thing in its log that the pattern finds. */
async function start({ dir, env }: Example, cmd: string[], ready: RegExp): Promise<string> {
  const child = Bun.spawn({ cmd, cwd: dir, env, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  undo.push(async () => {
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });
  const found = Promise.withResolvers<string>();
  const read = async () => {
    let log = '';
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      log += chunk;
      const match = ready.exec(log)?.[0];
      if (match !== undefined) found.resolve(match);
    }
    found.reject(new Error(`it ended:\n${log}`));
  };
  void read();
  return found.promise;
}

const MCP = /http:\/\/127\.0\.0\.1:\d+\/mcp\b/;
const sluice = ['sluice', 'run'];

/** The tools a client finds there, and the text that one of them answers. */
async function use(target: Target, tool: string, args: Record<string, unknown> = {}) {
  const peer = await connectPeer('v1', target);
  try {
    return { tools: await peer.tools(), text: textOf(await peer.call(tool, args)) };
  } finally {
    await peer.close();
  }
}

async function remote(): Promise<string> {
  const server = await startEverythingHttp();
  undo.push(() => server.stop());
  return server.url;
}

test('every example has a README and a test', async () => {
  const names = await readdir(join(root, 'examples'));
  const tests = await Bun.file(import.meta.path).text();
  for (const name of names) {
    expect(await Bun.file(join(root, 'examples', name, 'README.md')).exists()).toBe(true);
    const own = [...new Bun.Glob('*.test.ts').scanSync({ cwd: join(root, 'examples', name) })];
    expect(own.length > 0 || tests.includes(`copyOf('${name}'`), name).toBe(true);
  }
});

test('laptop: the demo and a folder behind one address', async () => {
  const example = await withFreePorts(await copyOf('laptop'));
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  const { tools, text } = await use({ url }, 'files__read_text_file', {
    path: join(example.dir, 'files/hello.txt'),
  });
  expect(tools).toContain('demo__slow_count');
  expect(tools).toContain('files__list_allowed_directories');
  expect(text).toContain('This line was read through the gateway.');
  const call = await run(example, 'sluice', 'call', 'demo__echo', 'text=hi', '--url', url);
  expect(call).toMatchObject({ out: 'hi\n', code: 0 });
});

test('laptop: another folder by the environment', async () => {
  const example = await withFreePorts(await copyOf('laptop'));
  const other = join(example.dir, '..');
  const url = await start({ ...example, env: { ...example.env, SHARED_FOLDER: other } }, sluice, MCP);
  expect((await use({ url }, 'files__list_allowed_directories')).text).toContain(other);
});

test('two-upstreams: both at once, and each alone', async () => {
  const example = await withFreePorts(await copyOf('two-upstreams', { REMOTE_URL: await remote() }));
  expect(await run(example, 'sluice', 'check', '--connect')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  const both = await use({ url }, 'remote__test_simple_text');
  expect(both.tools).toContain('demo__echo');
  expect(both.text).toBe('This is a simple text response for testing.');
  const demo = await use({ url: `${url}/demo` }, 'echo', { text: 'hi' });
  expect(demo.tools).not.toContain('remote__test_simple_text');
  expect(demo.text).toBe('hi');
  const alone = await use({ url: `${url}/remote` }, 'remote__test_simple_text');
  expect(alone.tools.every((name) => name.startsWith('remote__'))).toBe(true);
  const { out } = await run(example, 'sluice', 'explain', 'tools/call', 'remote__echo');
  expect(out).toContain('upstream remote, as echo');
});

test('curated: two tools under names of their own, and nothing else', async () => {
  const example = await withFreePorts(await copyOf('curated'));
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  const { tools, text } = await use({ url }, 'demo__count', { every_ms: 1 });
  expect([tools.toSorted(), text]).toEqual([['demo__count', 'say'], 'Counted to 3.']);
  expect((await use({ url }, 'say', { text: 'hi' })).text).toBe('hi');
  const call = (...args: string[]) => run(example, 'sluice', 'call', ...args, '--url', url);
  expect((await call('demo__ask')).err).toContain('there is no tool demo__ask');
  expect((await call('demo__count', 'to=9')).err).toContain('unknown argument to');
  const { out } = await run(example, 'sluice', 'explain', 'tools/call', 'demo__ask');
  expect(out).toContain('upstream demo, as ask');
  expect(out).toContain('seen by groups ops');
});

test('two-places: calls go on while one is away', async () => {
  const first = await startEverythingHttp();
  const places = { FIRST_URL: first.url, SECOND_URL: await remote() };
  const example = await withFreePorts(await copyOf('two-places', places));
  const check = await run(example, 'sluice', 'check', '--connect');
  expect(check).toMatchObject({ code: 0 });
  for (const place of Object.values(places)) expect(check.out).toContain(`✓ search  ${place}`);
  const url = await start(example, sluice, MCP);
  expect((await use({ url }, 'test_simple_text')).text).toContain('This is a simple text');
  await first.stop();
  expect((await run(example, 'sluice', 'check', '--connect')).code).toBe(1);
  expect((await use({ url }, 'test_simple_text')).text).toContain('This is a simple text');
});

test('unix-socket: clients and operator over files', async () => {
  const example = await copyOf('unix-socket');
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  await start(example, sluice, /http:\/\/localhost\/mcp/);
  const unix = join(example.dir, 'mcp.sock');
  const over = (request: Request) => fetch(request, { unix });
  const { tools, text } = await use({ url: 'http://localhost/mcp', fetch: over }, 'echo', { text: 'hi' });
  expect(tools).toContain('slow_count');
  expect(text).toBe('hi');
  const call = await run(example, 'sluice', 'call', 'echo', 'text=hi', '--url', 'unix:./mcp.sock');
  expect(call).toMatchObject({ out: 'hi\n', code: 0 });
  expect((await run(example, 'sluice', 'status')).out).toContain('http://localhost/mcp');
});

test('audited: what was called is in a log that a file elsewhere vouches for', async () => {
  const anchor = join(await mkdtemp(join(tmpdir(), 'sluice-anchor-')), 'checkpoints');
  undo.push(() => rm(join(anchor, '..'), { recursive: true }));
  const example = await withFreePorts(await copyOf('audited', { ANCHOR: anchor }));
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  expect(await run(example, 'sluice', 'call', 'echo', 'text=hi', '--url', url)).toMatchObject({
    out: 'hi\n',
  });
  const verify = () => run(example, 'sluice', 'audit', 'verify', '--anchor', anchor);
  await until(async () => (await verify()).code === 0);
  expect((await verify()).out).toMatch(/anchored: up to entry [1-9]/);
  expect((await run(example, 'sluice', 'audit', 'tail')).out).toContain('tools/call echo');
}, 60_000);

test('limits-laptop: calls beyond the burst are refused in words, and sluice limits says so', async () => {
  const example = await withFreePorts(await copyOf('limits-laptop'));
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  const peer = await connectPeer('v1', { url });
  const texts: string[] = [];
  for (let i = 0; i < 25; i++) {
    const told = peer.call('echo', { text: 'hi' }).then(textOf, (error: unknown) => String(error));
    texts.push(await told);
  }
  await peer.close();
  expect(texts.slice(0, 20)).toEqual(Array(20).fill('hi'));
  expect(texts.at(-1)).toContain('Limit "pace" of 60 per minute is reached: try again in 1 s.');
  const { out } = await run(example, 'sluice', 'limits');
  expect(out).toContain('day: 2000 per day per principal');
}, 30_000);

test('limits-team: who has a key may call, and who makes keys up is stopped', async () => {
  const example = await withFreePorts(await copyOf('limits-team'));
  const minted = await run(example, 'sluice', 'token', 'mint', 'ada', '--tenant', 'north');
  expect(await run(example, 'sluice', 'check')).toMatchObject({ code: 0 });
  const url = await start(example, sluice, MCP);
  const as = (key: string) =>
    run(
      { ...example, env: { ...example.env, SLUICE_TOKEN: key } },
      'sluice',
      'call',
      'echo',
      'text=hi',
      '--url',
      url,
    );
  expect(await as(minted.out.trim())).toMatchObject({ out: 'hi\n', code: 0 });
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) {
    const headers = { authorization: `Bearer made-up-${i}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    statuses.push((await fetch(url, { method: 'POST', headers, body })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  const { out } = await run(example, 'sluice', 'limits', '--for', 'north/ada');
  expect(out).toContain('north/ada');
}, 30_000);

test('environment-only: checked without any file', async () => {
  const example = await copyOf('environment-only', { MCP_UPSTREAM_URL: await remote() });
  const { out, code } = await run(example, 'sluice', 'check');
  expect({ out, code }).toEqual({ out: 'built-in configuration: no problems\n', code: 0 });
});

test('environment-only: the script runs the gateway', async () => {
  const example = await copyOf('environment-only', {
    MCP_UPSTREAM_URL: await remote(),
    MCP_LISTEN_ADDR: '127.0.0.1:0',
  });
  // No variable moves the admin listener, and the usual port may be taken.
  await Bun.write(join(example.env.HOME ?? '', '.config/sluice/gateway.yaml'), 'admin: { listen: off }\n');
  const url = await start(example, ['./run.sh'], MCP);
  const { tools, text } = await use({ url }, 'test_simple_text');
  expect(tools).toContain('test_simple_text');
  expect(text).toBe('This is a simple text response for testing.');
});

test('stdio-bridge: the entry of the client, as it stands', async () => {
  const to = await remote();
  const example = await copyOf('stdio-bridge');
  const shown = (await Bun.file(join(example.dir, 'README.md')).text()).match(/```json\n([\s\S]*?)```/)?.[1];
  expect(JSON.parse(shown ?? '')).toEqual(await Bun.file(join(example.dir, 'client.json')).json());
  const entry = JSON.parse(shown ?? '').mcpServers.sluice;
  const file = join(example.dir, 'gateway.yaml');
  const args = entry.args.map((arg: string) => (arg.endsWith('gateway.yaml') ? file : arg));
  const env = { ...example.env, ...entry.env, BRIDGE_TO: to };
  const command = join(example.dir, '../bin', entry.command);
  const { tools, text } = await use({ command, args, env }, 'test_simple_text');
  expect(tools).toContain('test_simple_text');
  expect(text).toBe('This is a simple text response for testing.');
});
