// An audit log and the process that writes it: what a start finds, what a look at it finds while it runs, and how the
// process ends.
import { afterAll, expect, test } from 'bun:test';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../fixtures/audit/entries.ts';
import { wholeLog } from '../fixtures/audit/whole.ts';
import { call } from '../fixtures/clients.ts';
import { until } from '../fixtures/until.ts';
import { type Child, demoConfig, Home, urlOf } from '../unit/cli/child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

/** A gateway with an audit log in a folder of this name. */
function gatewayWith(name: string, options: object = {}) {
  const directory = home.path(name);
  const configure = (more: object = {}) => {
    const audit = JSON.stringify({ to: directory, ...options, ...more });
    const text = demoConfig(`pipeline:\n  - audit: ${audit}\n`).replace('./admin.sock', `./${name}.sock`);
    return home.write(`${name}.yaml`, text);
  };
  const file = configure();
  return {
    directory,
    configure,
    start: () => home.start(['run', '-c', file]),
    run: () => home.run(['run', '-c', file]),
  };
}
const stopped = (child: Child): Promise<number> => {
  child.signal('SIGTERM');
  return child.exited;
};
const echo = async (child: Child) => (await call(await urlOf(child), 'echo', { text: 'x' })).status;
/** In its place: what is changed is the same file. */
const tamper = (directory: string) => {
  const name =
    readdirSync(directory)
      .filter((each) => each.startsWith('segment-'))
      .sort()
      .at(-1) ?? '';
  const file = join(directory, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"method":"tools/call"', '"method":"tools/cull"'));
};

test('a clean stop leaves a checkpoint behind everything, and the next start goes on', async () => {
  const it = gatewayWith('clean', { level: 2 });
  for (let life = 1; life <= 2; life++) {
    const gateway = it.start();
    expect(await echo(gateway)).toBe(200);
    expect(await stopped(gateway)).toBe(0);
    const last = entriesOf(it.directory).at(-1);
    expect(last).toMatchObject({ type: 'checkpoint', size: wholeLog(it.directory) - 1 });
  }
  expect(new Set(entriesOf(it.directory, 'outcome').map(({ boot }) => boot)).size).toBe(2);
});

test('a log that was changed between two runs: exit code 10, and what to do', async () => {
  const it = gatewayWith('changed');
  const gateway = it.start();
  await echo(gateway);
  await stopped(gateway);
  tamper(it.directory);
  const { code, err } = await it.run();
  expect(code).toBe(10);
  expect(err).toContain('is not what was written: the entry is not the one that was written (hash, entry ');
  expect(err).toContain(`sluice audit verify ${it.directory}`);
});

test('a second gateway on the same log is refused, and the first one goes on', async () => {
  const it = gatewayWith('twice');
  const gateway = it.start();
  await urlOf(gateway);
  const { code, err } = await home.run([
    'run',
    '-c',
    home.write('other.yaml', readFileSync(it.configure(), 'utf8').replace('./twice.sock', './other.sock')),
  ]);
  expect(code).toBe(78);
  expect(err).toContain(`another process writes the log in ${it.directory}`);
  expect(await echo(gateway)).toBe(200);
  expect(await stopped(gateway)).toBe(0);
});

test('a look at the log while it runs that finds it changed: the gateway stops with 10', async () => {
  const it = gatewayWith('watched', { health: { every: '100ms' } });
  const gateway = it.start();
  await echo(gateway);
  tamper(it.directory);
  expect(await gateway.exited).toBe(10);
  expect(gateway.err).toContain('the entry is not the one that was written');
  expect(gateway.err).toContain('"why":"integrity"');
});

test('a file that is replaced while it runs, where a break is only logged: calls go on, and nothing is lost', async () => {
  const it = gatewayWith('replaced', { health: { every: '30s', on_break: 'log' } });
  const gateway = it.start();
  await echo(gateway);
  const [name = ''] = readdirSync(it.directory).filter((each) => each.startsWith('segment-'));
  const file = join(it.directory, name);
  copyFileSync(file, `${file}.copy`);
  renameSync(`${file}.copy`, file);
  expect(await echo(gateway)).toBe(200);
  await gateway.until(/was replaced by another file; what was written was put back/);
  expect(await stopped(gateway)).toBe(0);
  expect(entriesOf(it.directory, 'incident')).toHaveLength(1);
  expect(entriesOf(it.directory, 'outcome').filter(({ method }) => method === 'tools/call')).toHaveLength(2);
  expect(wholeLog(it.directory)).toBeGreaterThan(6);
  const again = it.start();
  expect(await echo(again)).toBe(200);
  expect(await stopped(again)).toBe(0);
});

test('a reload keeps the log open and takes over its options; another place is another log', async () => {
  const it = gatewayWith('reloaded');
  const gateway = it.start();
  await echo(gateway);
  it.configure({ durability: 'best_effort', checkpoint: { entries: 1 } });
  gateway.signal('SIGHUP');
  await gateway.until(/"generation":2,.*"msg":"reloaded"/);
  await echo(gateway);
  await until(() => entriesOf(it.directory, 'checkpoint').length > 1);
  expect(entriesOf(it.directory, 'segment')).toHaveLength(1);
  const other = home.path('moved');
  it.configure({ to: other });
  gateway.signal('SIGHUP');
  await gateway.until(/"generation":3,.*"msg":"reloaded"/);
  await echo(gateway);
  expect(entriesOf(other, 'outcome').filter(({ method }) => method === 'tools/call')).toHaveLength(1);
  it.configure({ to: other, origin: 'another' });
  gateway.signal('SIGHUP');
  await gateway.until(/another origin needs another directory/);
  expect(await stopped(gateway)).toBe(0);
  expect([wholeLog(it.directory), wholeLog(other)].every((entries) => entries > 3)).toBe(true);
});

test('whoever only looks at the configuration leaves nothing behind', async () => {
  const it = gatewayWith('looked');
  expect((await home.run(['check', '-c', it.configure()])).code).toBe(0);
  expect((await home.run(['explain', 'tools/call', 'echo', '-c', it.configure()])).code).toBe(0);
  expect(existsSync(it.directory)).toBe(false);
});
