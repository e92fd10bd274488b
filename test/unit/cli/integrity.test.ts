// A plugin that says the gateway must not go on: at the start, while it runs, and in a reload.
import { afterAll, expect, test } from 'bun:test';
import { demoConfig, Home, urlOf } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

home.write(
  'guard.ts',
  `import { definePlugin, IntegrityError, z } from 'sluice/plugin';
   const broken = () => new IntegrityError('the ledger is not what it was', 'look at it');
   export default definePlugin({
     name: 'guard', api: 1, about: 'Fails.', schema: z.strictObject({ at: z.string() }),
     setup({ at }, host) {
       if (at === 'start') throw broken();
       return { onRequest: ({ params }) => params.name === 'echo' ? host.fail(broken()) : undefined };
     },
   });`,
);
const config = (name: string, at: string) =>
  home.write(
    `${name}.yaml`,
    demoConfig(`pipeline:\n  - ./guard.ts: { at: ${at} }\n`).replace('./admin.sock', `./${name}.sock`),
  );

test('at the start: exit code 10, and what to do', async () => {
  const { code, err } = await home.run(['run', '-c', config('start', 'start')]);
  expect(code).toBe(10);
  expect(err).toContain('PLUGIN_INTEGRITY');
  expect(err).toContain('the ledger is not what it was');
  expect(err).toContain('look at it');
  expect((await home.run(['stdio', '-c', config('pipe', 'start')])).code).toBe(10);
});

test('a reload is refused, and what ran goes on', async () => {
  const gateway = home.start(['run', '-c', config('reload', 'never')]);
  const url = await urlOf(gateway);
  config('reload', 'start');
  gateway.signal('SIGHUP');
  await gateway.until(/reload refused, nothing changed/);
  expect((await home.run(['tools', 'list', '--url', url])).code).toBe(0);
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('while it runs: calls at work end, then exit code 10', async () => {
  const gateway = home.start(['run', '-c', config('run', 'never')]);
  const url = await urlOf(gateway);
  const slow = home.start(['call', 'slow_count', 'to=5', 'every_ms=100', '--url', url], { terminal: true });
  await slow.until(/1 of 5/);
  await home.run(['call', 'echo', 'text=x', '--url', url]);
  expect(await gateway.exited).toBe(10);
  expect(await slow.exited).toBe(0);
  expect(slow.out).toContain('Counted to 5.');
  expect(gateway.err).toContain('"msg":"the ledger is not what it was"');
  expect(gateway.err).toContain('"hint":"look at it"');
  expect(gateway.err).toContain('"why":"integrity"');
});
