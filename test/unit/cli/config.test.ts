// Which configuration counts, and what is said when it cannot be read.
import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plugins } from '../../../plugins/index.ts';
import { createReader } from '../../../src/cli/config.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { type FakeShell, fakeShell } from '../../fixtures/shell.ts';

const made: FakeShell[] = [];
afterEach(() => {
  for (const shell of made.splice(0)) shell[Symbol.dispose]();
});

function place(env: Record<string, string> = {}) {
  const own = fakeShell();
  made.push(own);
  const shell = { ...own, env };
  const write = (name: string, upstream: string): string => {
    const file = join(own.dir, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `upstreams: { ${upstream}: { builtin: demo } }\n`);
    return file;
  };
  return { shell, write };
}

/** Name of the only upstream of what counts, which tells the files apart. */
async function counts(shell: Shell, named?: string): Promise<string> {
  const reading = await createReader(shell, named).read();
  return reading.ok ? reading.config.upstreams.map(({ name }) => name).join() : 'refused';
}

test('named before variable before working directory before home', async () => {
  const { shell, write } = place();
  write('home/.config/sluice/gateway.yaml', 'home');
  expect(await counts(shell)).toBe('home');
  write('cwd/gateway.yaml', 'cwd');
  expect(await counts(shell)).toBe('cwd');
  const variable = { ...shell, env: { SLUICE_CONFIG: write('variable.yaml', 'variable') } };
  expect(await counts(variable)).toBe('variable');
  expect(await counts(variable, write('named.yaml', 'named'))).toBe('named');
  expect(createReader(shell, undefined).name()).toBe('gateway.yaml');
});

test('a named file that is not there is an error, never a search', async () => {
  const { shell, write } = place();
  write('cwd/gateway.yaml', 'cwd');
  const reading = await createReader(shell, 'nowhere.yaml').read();
  expect(reading).toMatchObject({
    ok: false,
    diagnostics: [{ code: 'FILE_UNREADABLE', message: expect.stringContaining('no such file') }],
  });
  expect(await counts(shell, '.')).toBe('refused');
});

test('without a file the environment counts, else the demo, and it says which', async () => {
  const { shell } = place();
  const reader = createReader(shell, undefined);
  expect([reader.file(), reader.name(), await counts({ ...shell, plugins })]).toEqual([
    undefined,
    'built-in demo',
    'demo',
  ]);
  const env = { MCP_UPSTREAM_URL: 'https://mcp.example.com/mcp' };
  expect(createReader({ ...shell, env }, undefined).name()).toBe('built-in configuration');
});

test('a file written later counts at the next reading', async () => {
  const { shell, write } = place();
  const reader = createReader(shell, undefined);
  expect(reader.file()).toBeUndefined();
  write('cwd/gateway.yaml', 'later');
  expect(reader.name()).toBe('gateway.yaml');
  const reading = await reader.read();
  expect(reading.ok && reading.config.upstreams[0]?.name).toBe('later');
});

test('a file that was found and is gone, or empty, is refused; nothing takes its place', async () => {
  const { shell, write } = place();
  const reader = createReader({ ...shell, plugins }, undefined);
  const refusal = async (): Promise<string | undefined> => {
    const reading = await reader.read();
    return reading.ok ? undefined : reading.diagnostics[0]?.message;
  };
  expect([await refusal(), reader.name()]).toEqual([undefined, 'built-in demo']);
  const file = write('cwd/gateway.yaml', 'mine');
  write('home/.config/sluice/gateway.yaml', 'home');
  expect([await refusal(), reader.name()]).toEqual([undefined, 'gateway.yaml']);
  for (const text of ['', ' \n# later\n']) {
    writeFileSync(file, text);
    expect(await refusal()).toBe('the configuration cannot be read: it is empty');
  }
  rmSync(file);
  expect(await refusal()).toBe('the configuration cannot be read: no such file');
  expect(reader.name()).toBe('gateway.yaml');
});
