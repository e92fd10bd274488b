// Which configuration counts, and what is said when it cannot be read.
import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { plugins } from '../../../plugins/index.ts';
import { createReader } from '../../../src/cli/config.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { createRedactor } from '../../../src/lib/redact.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function place(env: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  made.push(dir);
  const output = { isTty: false, columns: 80, write() {} };
  const shell: Shell = {
    env,
    cwd: join(dir, 'cwd'),
    home: join(dir, 'home'),
    platform: 'linux',
    stdin: { isTty: false, stream: () => new ReadableStream() },
    out: output,
    err: { ...output, unblock() {}, flush: async () => {} },
    redact: createRedactor(),
    plugins: {},
  };
  const write = (name: string, upstream: string): string => {
    const file = join(dir, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `upstreams: { ${upstream}: { builtin: demo } }\n`);
    return file;
  };
  mkdirSync(shell.cwd, { recursive: true });
  return { shell, write };
}

/** Name of the only upstream of what counts, which tells the files apart. */
function counts(shell: Shell, named?: string): string {
  const reading = createReader(shell, named).read();
  return reading.ok ? reading.config.upstreams.map(({ name }) => name).join() : 'refused';
}

test('named before variable before working directory before home', () => {
  const { shell, write } = place();
  write('home/.config/sluice/gateway.yaml', 'home');
  expect(counts(shell)).toBe('home');
  write('cwd/gateway.yaml', 'cwd');
  expect(counts(shell)).toBe('cwd');
  const variable = { ...shell, env: { SLUICE_CONFIG: write('variable.yaml', 'variable') } };
  expect(counts(variable)).toBe('variable');
  expect(counts(variable, write('named.yaml', 'named'))).toBe('named');
  expect(createReader(shell, undefined).name()).toBe('gateway.yaml');
});

test('a named file that is not there is an error, never a search', () => {
  const { shell, write } = place();
  write('cwd/gateway.yaml', 'cwd');
  const reading = createReader(shell, 'nowhere.yaml').read();
  expect(reading).toMatchObject({
    ok: false,
    diagnostics: [{ code: 'FILE_UNREADABLE', message: expect.stringContaining('no such file') }],
  });
  expect(counts(shell, '.')).toBe('refused');
});

test('without a file the environment counts, else the demo, and it says which', () => {
  const { shell } = place();
  const reader = createReader(shell, undefined);
  expect([reader.file(), reader.name(), counts({ ...shell, plugins })]).toEqual([
    undefined,
    'built-in demo',
    'demo',
  ]);
  const env = { MCP_UPSTREAM_URL: 'https://mcp.example.com/mcp' };
  expect(createReader({ ...shell, env }, undefined).name()).toBe('built-in configuration');
});

test('a file written later counts at the next reading', () => {
  const { shell, write } = place();
  const reader = createReader(shell, undefined);
  expect(reader.file()).toBeUndefined();
  write('cwd/gateway.yaml', 'later');
  expect(reader.name()).toBe('gateway.yaml');
  const reading = reader.read();
  expect(reading.ok && reading.config.upstreams[0]?.name).toBe('later');
});

test('a file that was found and is gone, or empty, is refused; nothing takes its place', () => {
  const { shell, write } = place();
  const reader = createReader({ ...shell, plugins }, undefined);
  const refusal = (): string | undefined => {
    const reading = reader.read();
    return reading.ok ? undefined : reading.diagnostics[0]?.message;
  };
  expect([refusal(), reader.name()]).toEqual([undefined, 'built-in demo']);
  const file = write('cwd/gateway.yaml', 'mine');
  write('home/.config/sluice/gateway.yaml', 'home');
  expect([refusal(), reader.name()]).toEqual([undefined, 'gateway.yaml']);
  for (const text of ['', ' \n# later\n']) {
    writeFileSync(file, text);
    expect(refusal()).toBe('the configuration cannot be read: it is empty');
  }
  rmSync(file);
  expect(refusal()).toBe('the configuration cannot be read: no such file');
  expect(reader.name()).toBe('gateway.yaml');
});
