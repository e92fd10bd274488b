// The binary wherever it lies and however it is called: it carries all it needs, plugins' packages included.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { copyFile, link, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { binary, root, Sandbox } from './sandbox.ts';

const PLUGIN = `import { definePlugin, z } from 'sluice/plugin';
import { testPlugin } from 'sluice/testing';
import * as zod from 'zod';

if (zod.z !== z || typeof testPlugin !== 'function') throw new Error('these are not the gateway’s own');
export default definePlugin({ name: 'a', api: 1, about: 'A.', schema: z.strictObject({}), setup: () => ({}) });
`;

let sandbox: Sandbox;
let calls: Record<string, { command: string[]; cwd?: string; env?: Record<string, string> }>;

beforeAll(async () => {
  sandbox = await Sandbox.open({
    'gateway.yaml': 'upstreams: { demo: { builtin: demo } }\npipeline: [{ ./a plugin.ts: {} }]\n',
    'a plugin.ts': PLUGIN,
  });
  const home = sandbox.path('Program Files (ü)');
  await mkdir(home);
  const copy = `${home}/sluice`;
  await link(binary, copy).catch(() => copyFile(binary, copy));
  await symlink('Program Files (ü)/sluice', sandbox.path('a link'));
  calls = {
    'by its path': { command: [copy] },
    'by a relative path': { command: ['./sluice'], cwd: home },
    'through a symlink': { command: [sandbox.path('a link')] },
    'through PATH': { command: ['/bin/sh', '-c', 'exec sluice "$@"', 'sh'], env: { PATH: home } },
    'under another name': { command: ['/bin/sh', '-c', 'exec "./a link" "$@"', 'bun'] },
    'from the root folder': { command: [copy], cwd: '/' },
  };
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const names = [
  'by its path',
  'by a relative path',
  'through a symlink',
  'through PATH',
  'under another name',
  'from the root folder',
];
for (const name of names) {
  test(name, async () => {
    const { command = [], ...options } = calls[name] ?? {};
    const version = await sandbox.runProgram([...command, 'version', '--json'], options);
    expect(version).toEqual(await sandbox.run(['version', '--json']));
    const config = ['--config', sandbox.path('gateway.yaml')];
    const check = await sandbox.runProgram([...command, 'check', ...config], options);
    expect({ code: check.code, err: check.err }).toEqual({ code: 0, err: '' });
  });
}

test('arguments that mean something to Bun are arguments of the gateway', async () => {
  for (const args of [['--eval', '1'], ['--preload', './x.ts'], ['test'], ['install'], ['a plugin.ts']]) {
    const { code, out } = await sandbox.run(args);
    expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
  }
});

test('it does not say where it was built', async () => {
  expect((await readFile(binary)).includes(join(root, 'node_modules'))).toBe(false);
});
