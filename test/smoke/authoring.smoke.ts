// Writing a plugin with nothing but the binary: begun, typed, tested, run.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { configOf, Sandbox } from './sandbox.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  const lines =
    'upstreams: { demo: { builtin: demo } }\npipeline: [{ ./plugins/guard.ts: { tools: [fail] } }]\n';
  sandbox = await Sandbox.open({ 'gateway.yaml': configOf(lines) });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

test('plugin new writes a plugin and its test, and never over others', async () => {
  expect((await sandbox.run(['plugin', 'new', 'guard'])).code).toBe(0);
  expect([sandbox.has('plugins/guard.ts'), sandbox.has('plugins/guard.test.ts')]).toEqual([true, true]);
  expect((await sandbox.run(['plugin', 'new', 'guard'])).code).toBe(1);
});

test('plugin types writes what the test needs, and the binary runs it', async () => {
  expect((await sandbox.run(['plugin', 'types'])).code).toBe(0);
  for (const name of ['plugin', 'testing'])
    expect(sandbox.has(`node_modules/sluice/${name}.d.ts`)).toBe(true);
  const { code, err } = await sandbox.run(['test'], { env: { BUN_BE_BUN: '1' } });
  expect({ code, none: / 0 fail/.test(err), some: / [1-9]\d* pass/.test(err) }).toEqual({
    code: 0,
    none: true,
    some: true,
  });
});

test('in the gateway the plugin has the gateway’s own package, not the written one', async () => {
  await sandbox.write({ 'node_modules/sluice/plugin.js': 'throw new Error("the written one");\n' });
  expect((await sandbox.run(['check'])).code).toBe(0);
  const url = await sandbox.start(['run']).url();
  const call = (tool: string) => sandbox.run(['call', tool, '--json-args', '{"text":"hi"}', '--url', url]);
  expect(await call('echo')).toMatchObject({ code: 0, out: 'hi\n' });
  expect(await call('fail')).toMatchObject({ code: 77, out: '' });
});
