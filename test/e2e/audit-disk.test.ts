// A disk that is full under a whole gateway: what each mode does to calls, and that the gateway gets over it by itself.
// The disk is a small one of its own, in a mount namespace, where the system lets anybody make one.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../fixtures/audit/entries.ts';
import { wholeLog } from '../fixtures/audit/whole.ts';
import { call } from '../fixtures/clients.ts';
import { plainConfig } from '../fixtures/gateway.ts';
import { Home } from '../unit/cli/child.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');
const ALONE = ['unshare', '--map-root-user', '--mount'];
const canMount =
  Bun.which('unshare') !== null &&
  Bun.spawnSync([...ALONE, 'sh', '-c', 'mount -t tmpfs -o size=1m none /mnt']).success;

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

/** A gateway whose log lies on a disk of 1 MiB. */
async function onSmallDisk(name: string, options: object) {
  const disk = home.path(name);
  mkdirSync(disk);
  const audit = { to: join(disk, 'log'), retry: '20ms', wait: '200ms', ...options };
  const config = { ...plainConfig({ demo: { builtin: 'demo' } }), pipeline: [{ audit }] };
  const file = home.write(`${name}.yaml`, JSON.stringify(config));
  const run = `mount -t tmpfs -o size=1m none "${disk}" && exec "${process.execPath}" "${MAIN}" run -c "${file}"`;
  const child = Bun.spawn([...ALONE, 'sh', '-c', run], {
    cwd: home.dir,
    env: home.env(),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  let said = '';
  const waiting: [RegExp, (found: string) => void][] = [];
  const reading = (async () => {
    for await (const bytes of child.stderr) {
      said += new TextDecoder().decode(bytes);
      for (const [pattern, found] of waiting) if (pattern.test(said)) found(pattern.exec(said)?.[0] ?? '');
    }
  })();
  const until = (pattern: RegExp): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    waiting.push([pattern, resolve]);
    if (pattern.test(said)) resolve(pattern.exec(said)?.[0] ?? '');
    return promise;
  };
  // As that process sees its files.
  const seen = join('/proc', String(child.pid), 'root', disk);
  const url = await until(/http:\/\/127\.0\.0\.1:\d+\/mcp\b/);
  return {
    directory: join(seen, 'log'),
    until,
    echo: async () => (await call(url, 'echo', { text: 'x'.repeat(100) })).status,
    fill() {
      try {
        for (;;) writeFileSync(join(seen, 'filler'), Buffer.alloc(4_096), { flag: 'a' });
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ENOSPC');
      }
    },
    empty: () => rmSync(join(seen, 'filler')),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child.exited;
      await reading;
    },
  };
}

describe.skipIf(!canMount)('a disk that is full', () => {
  test('strict: calls are refused before anything is sent, until there is room again', async () => {
    await using it = await onSmallDisk('strict', {});
    expect(await it.echo()).toBe(200);
    it.fill();
    const refused: number[] = [];
    // What is left of the last block may hold a few.
    while (refused.length < 5) {
      const status = await it.echo();
      if (status !== 200) refused.push(status);
    }
    expect(refused).toEqual([503, 503, 503, 503, 503]);
    await it.until(/the audit log cannot be written/);
    it.empty();
    await it.until(/the audit log is written again/);
    expect(await it.echo()).toBe(200);
    expect(wholeLog(it.directory)).toBeGreaterThan(5);
    expect(entriesOf(it.directory, 'recovery').length).toBeGreaterThan(0);
    // Each of them is told: as refused, or as one whose result was not handed out.
    const denied = entriesOf(it.directory).filter(({ code }) => code === 'AUDIT_UNAVAILABLE');
    expect(denied.length).toBe(5);
  });

  test('best effort: calls go on, and the log says how much is missing', async () => {
    await using it = await onSmallDisk('effort', { durability: 'best_effort', queue: 10 });
    it.fill();
    for (let n = 0; n < 40; n++) expect(await it.echo()).toBe(200);
    await it.until(/the audit log cannot be written/);
    it.empty();
    await it.until(/the audit log is written again/);
    expect(await it.echo()).toBe(200);
    const lost = entriesOf(it.directory, 'gap').reduce((sum, gap) => sum + Number(gap.lost), 0);
    expect(lost).toBeGreaterThan(20);
    expect(wholeLog(it.directory)).toBeGreaterThan(5);
  });

  test('bounded: calls go on until as many entries wait as may', async () => {
    await using it = await onSmallDisk('bounded', { durability: 'bounded', queue: 10 });
    it.fill();
    const statuses: number[] = [];
    while (statuses.filter((status) => status === 503).length < 2) statuses.push(await it.echo());
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    it.empty();
    await it.until(/the audit log is written again/);
    expect(await it.echo()).toBe(200);
    expect(wholeLog(it.directory)).toBeGreaterThan(5);
  });
});
