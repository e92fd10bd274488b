// How a gateway ends: asked to, by force, and when its terminal goes away.

import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { connectPeer, textOf } from '../fixtures/peers.ts';
import { eventually } from './eventually.ts';
import { configOf, everything, Sandbox } from './sandbox.ts';

const DEMO = configOf('upstreams: { demo: { builtin: demo } }\npipeline: [{ progress: {} }]\n');

/** A child that starts the fixture itself instead of becoming it, and tells the ids of both. */
const WRAPPED = `exec 3<&0
"$@" <&3 &
echo $$ $! > pids
wait`;

/** What is dead but not yet collected by its new parent counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}

test('SIGTERM: no new call, the one at work finishes, exit 0', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const gateway = sandbox.start(['run']);
  const url = await gateway.url();
  const peer = await connectPeer('modern', { url });
  const begun = Promise.withResolvers<void>();
  const seen: number[] = [];
  const onProgress = ({ progress }: { progress: number }) => {
    seen.push(progress);
    begun.resolve();
  };
  const running = peer.call('slow_count', { to: 8, every_ms: 100 }, { onProgress });
  await begun.promise;
  gateway.signal('SIGTERM');
  // The same Ctrl-C may reach it twice.
  gateway.signal('SIGTERM');
  await gateway.until(/"msg":"stopping"/);
  await expect(connectPeer('modern', { url })).rejects.toThrow();
  expect(textOf(await running)).toBe('Counted to 8.');
  expect(seen.at(-1)).toBe(8);
  expect(await gateway.exited).toBe(0);
  expect(gateway.err).toContain('"msg":"stopped"');
  expect(sandbox.has('sluice.sock')).toBe(false);
});

for (const [signal, code] of [
  ['SIGTERM', 0],
  ['SIGKILL', 137],
] as const) {
  test(`${signal}: no child is left behind, nor what it started`, async () => {
    const wrapped = everything('/bin/sh', '-c', WRAPPED, 'sh');
    await using sandbox = await Sandbox.open();
    const here = JSON.stringify({ ...JSON.parse(wrapped), cwd: sandbox.dir });
    const plain = everything('/bin/sh', '-c', 'echo $$ > pid; exec "$@"', 'sh');
    const there = JSON.stringify({ ...JSON.parse(plain), cwd: sandbox.dir });
    await sandbox.write({ 'gateway.yaml': configOf(`upstreams:\n  wrapped: ${here}\n  plain: ${there}\n`) });
    const gateway = sandbox.start(['run']);
    const peer = await connectPeer('modern', { url: await gateway.url() });
    for (const name of ['wrapped', 'plain'])
      expect(textOf(await peer.call(`${name}__test_simple_text`, {}))).toContain('simple text response');
    const pids = `${await sandbox.read('pids')} ${await sandbox.read('pid')}`.trim().split(/\s+/).map(Number);
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    gateway.signal(signal);
    expect(await gateway.exited).toBe(code);
    await eventually(
      () => !pids.some(isAlive),
      () => `the end of ${pids.filter(isAlive)} (of ${pids})`,
    );
    await peer.close().catch(() => {});
  });
}

test('after SIGKILL the next start finds its socket free and its sessions known', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const before = sandbox.start(['run']);
  await before.url();
  before.signal('SIGKILL');
  await before.exited;
  const key = await sandbox.read('state/sluice/seal.key');
  const after = sandbox.start(['run']);
  await after.url();
  expect((await sandbox.run(['status'])).code).toBe(0);
  expect(await sandbox.read('state/sluice/seal.key')).toBe(key);
});

test('a second gateway on the same socket is refused, and the first goes on', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const first = sandbox.start(['run']);
  await first.url();
  const second = await sandbox.run(['run']);
  expect({ code: second.code, out: second.out }).toEqual({ code: 1, out: '' });
  expect((await sandbox.run(['status'])).code).toBe(0);
});

test('HUP reloads where there never was a terminal', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const gateway = sandbox.start(['run'], { terminal: 'none' });
  await gateway.url();
  gateway.signal('SIGHUP');
  await gateway.until(/"msg":"reloaded"/);
  expect((await sandbox.run(['status'])).code).toBe(0);
});

test('HUP reloads while the terminal is there, and stops when it has gone', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const gateway = sandbox.start(['run'], { terminal: 'own', env: { TERM: 'xterm' } });
  await gateway.url();
  gateway.signal('SIGHUP');
  await gateway.until(/generation 1 → 2/);
  expect(gateway.isRunning).toBe(true);
  // The system sends HUP by itself now.
  gateway.hangUp();
  expect(await gateway.exited).toBe(0);
});

test('HUP reloads after the terminal has gone when nohup said it would', async () => {
  await using sandbox = await Sandbox.open({ 'gateway.yaml': DEMO });
  const command = 'trap "" HUP; exec "$0" run 2> log';
  const gateway = sandbox.startProgram(['/bin/sh', '-c', command, sandbox.binary], { terminal: 'own' });
  const logged = (what: string, count = 1) =>
    eventually(
      async () => sandbox.has('log') && (await sandbox.read('log')).split(what).length > count,
      () => what,
    );
  await logged('"listening"');
  gateway.hangUp();
  gateway.signal('SIGHUP');
  await logged('"reloaded"');
  expect((await sandbox.run(['status'])).code).toBe(0);
});
