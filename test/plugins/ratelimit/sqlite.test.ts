// Limits in a file: the same as in memory, over restarts, and what counts while the file cannot be used.
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type SqliteOptions, SqliteStore } from '../../../plugins/ratelimit/sqlite.ts';
import type { Ask, Limit, Quota, Rate } from '../../../plugins/ratelimit/store.ts';
import { counting, hostOf } from './counting.ts';

const RATE: Rate = { kind: 'rate', units: 10, window: 1_000, burst: 10 };
const QUOTA: Quota = { kind: 'quota', units: 12, window: 86_400_000 };
const LOST = 'the file of limits cannot be used';
const BACK = 'limits are counted in their file again';

let dir: string;
const opened: SqliteStore[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
});
afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  rmSync(dir, { recursive: true, force: true });
});

function inFile(options: Partial<SqliteOptions> = {}, host = hostOf()) {
  const path = join(dir, 'ratelimit.db');
  const store = new SqliteStore(host, {
    path,
    deadline: 50,
    fail: 'local',
    replicas: 1,
    keys: 1_000,
    ...options,
  });
  opened.push(store);
  return { store, host, path };
}

function ask(limit: Limit, cost = 1, key = 'k'): Ask {
  return { key, limit, cost };
}

test('side by side with memory', () => {
  const step = fc.record({
    pause: fc.oneof(fc.nat(5_000), fc.nat(90_000_000)),
    asks: fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.boolean(), fc.nat(8)), {
      minLength: 1,
      maxLength: 4,
    }),
    settle: fc.option(fc.tuple(fc.boolean(), fc.nat(8), fc.nat(20), fc.nat(2_000))),
  });
  const { store, host } = inFile();
  let round = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const memory = counting();
      round += 1;
      for (const { pause, asks, settle } of steps) {
        memory.clock.now += pause;
        host.clock.now = memory.clock.now;
        const wanted = asks.map(([key, isRate, cost]) => ask(isRate ? RATE : QUOTA, cost, `${key} ${round}`));
        expect(store.take(wanted)).toEqual(memory.store.take(wanted));
        if (!settle) continue;
        const [isRate, taken, cost, afterMs] = settle;
        const all = [{ key: `a ${round}`, limit: isRate ? RATE : QUOTA, taken, cost, afterMs }];
        store.adjust(all);
        memory.store.adjust(all);
        expect(store.peek(all)).toEqual(memory.store.peek(all));
      }
    }),
  );
  expect(host.counts).toEqual([]);
});

describe('a file', () => {
  test('goes on after a restart, and is its owner’s alone', () => {
    const both = [ask(RATE, 10), ask(QUOTA, 10)];
    const { store, host, path } = inFile();
    expect(store.take(both)).toMatchObject([{ admitted: true }, { admitted: true }]);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    store.close();
    const next = inFile();
    next.host.clock.now = host.clock.now + 500;
    expect(next.store.take(both)).toMatchObject([
      { admitted: false, remaining: 5, retryMs: 500 },
      { admitted: false, remaining: 2 },
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
  test('holds what was taken by a process that was killed', async () => {
    const path = join(dir, 'ratelimit.db');
    const sqlite = { kind: 'sqlite', path, deadline: 50, fail: 'local', replicas: 1, keys: 1_000 };
    const file = join(import.meta.dir, '../../fixtures/taker.ts');
    const limit = { ...QUOTA, window: 700 * 86_400_000 };
    // It asks more often than it lives, and prints when it is through: so it is killed at work, or just after.
    const args = [JSON.stringify(sqlite), JSON.stringify(limit), '12'];
    const taker = Bun.spawn([process.execPath, file, ...args], { stdin: 'pipe', stdout: 'pipe' });
    const output = taker.stdout.getReader();
    await output.read();
    taker.stdin.end();
    await output.read();
    taker.kill('SIGKILL');
    await taker.exited;
    const { store } = inFile({}, hostOf(Date.now()));
    expect(store.peek([ask(limit, 1, 'shared')])).toMatchObject([{ remaining: 0 }]);
  });
  test('that is damaged is set aside, and its operator told', () => {
    const { store, path } = inFile();
    store.take([ask(RATE)]);
    store.close();
    for (const beside of ['-wal', '-shm']) rmSync(`${path}${beside}`, { force: true });
    writeFileSync(path, 'this is no database, and long enough to be looked at as one'.repeat(100));
    const next = inFile();
    expect(next.store.take([ask(RATE)])).toMatchObject([{ admitted: true }]);
    expect(readdirSync(dir)).toContain('ratelimit.db.damaged');
    expect(next.host.lines.map(({ level, fields }) => [level, fields?.aside])).toEqual([
      ['error', `${path}.damaged`],
    ]);
  });
  test('whose pages are damaged while it is used: counted on from where it stood', () => {
    const { store, host, path } = inFile();
    for (let at = 0; at < 200; at++) store.take([ask(QUOTA, 12, `${at}`)]);
    const other = new Database(path);
    other.run('PRAGMA wal_checkpoint(TRUNCATE)');
    other.close();
    const size = statSync(path).size;
    // All but the first page, which says that it is a database.
    writeFileSync(
      path,
      Buffer.concat([
        Buffer.from(new Uint8Array(Bun.mmap(path).slice(0, 4_096))),
        Buffer.alloc(size - 4_096, 7),
      ]),
    );
    expect(inFile({}, host).store.take([ask(QUOTA, 1, '7')])).toMatchObject([{ admitted: true }]);
    host.clock.now += 1_000;
    expect(store.take([ask(QUOTA, 1, '7')])).toMatchObject([{ admitted: false }]);
    expect(store.take([ask(QUOTA, 1, '8')])).toMatchObject([{ admitted: false }]);
    expect(readdirSync(dir)).toContain('ratelimit.db.damaged');
  });
  test('that is removed is made again, with what is known here', () => {
    const { store, host, path } = inFile();
    store.take([ask(QUOTA, 12)]);
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
    host.clock.now += 1_000;
    expect(store.take([ask(QUOTA)])).toMatchObject([{ admitted: false, remaining: 0 }]);
    store.take([ask(QUOTA, 5, 'other')]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(inFile({}, host).store.peek([ask(QUOTA, 1, 'other')])).toMatchObject([{ remaining: 7 }]);
  });
  test('that another process keeps to itself: counted here, and there again with what was counted', async () => {
    const { store, host, path } = inFile({ deadline: 1 });
    store.take([ask(QUOTA, 5)]);
    const other = new Database(path);
    other.run('BEGIN IMMEDIATE');
    const lost = host.said(LOST);
    expect(await store.take([ask(QUOTA, 5)])).toMatchObject([
      { admitted: true, remaining: 2, failing: 'local' },
    ]);
    expect((await lost).fields?.reason).toBe('busy');
    host.clock.now += 49;
    expect(store.take([ask(QUOTA, 5)])).toMatchObject([{ admitted: false, remaining: 2, failing: 'local' }]);
    other.run('COMMIT');
    // Not asked again at once.
    expect(store.take([ask(QUOTA, 0)])).toMatchObject([{ failing: 'local' }]);
    const back = host.said(BACK);
    host.clock.now += 1;
    expect(store.take([ask(QUOTA, 2)])).toEqual([
      { admitted: true, remaining: 0, resetMs: 86_400_000 - 50, retryMs: 0 },
    ]);
    await back;
    expect(inFile({}, host).store.peek([ask(QUOTA)])).toMatchObject([{ remaining: 0 }]);
    expect(host.counts).toEqual(['store_lost busy', ...Array(3).fill('store_failing local'), 'store_back']);
    other.close();
  });
  test('that others write is waited for, and nobody else in this process waits', async () => {
    const { store, host, path } = inFile({ deadline: 10_000 });
    store.take([ask(QUOTA, 5)]);
    const other = new Database(path);
    other.run('BEGIN IMMEDIATE');
    const waiting = [store.take([ask(QUOTA, 5)]), store.take([ask(QUOTA, 5, 'other')])];
    expect(waiting.map((each) => each instanceof Promise)).toEqual([true, true]);
    other.run('COMMIT');
    other.close();
    expect(await Promise.all(waiting)).toMatchObject([
      [{ admitted: true, remaining: 2 }],
      [{ admitted: true, remaining: 7 }],
    ]);
    expect(host.counts).toEqual([]);
  });
  test('is written by others while this one refuses', () => {
    const { store, host, path } = inFile({ deadline: 1 });
    const both = [ask(QUOTA, 12), ask(RATE)];
    store.take(both);
    const other = new Database(path);
    other.run('BEGIN IMMEDIATE');
    expect(store.take(both)).toMatchObject([{ admitted: false }, { admitted: true, remaining: 9 }]);
    expect(store.peek(both)).toMatchObject([{ admitted: false, remaining: 0 }, { remaining: 9 }]);
    other.run('COMMIT');
    other.close();
    expect(host.counts).toEqual([]);
    // Others may have given back what is used up here.
    const next = inFile({}, host);
    next.store.adjust([{ ...ask(QUOTA), taken: 12, cost: 0, afterMs: 0 }]);
    expect(store.take(both)).toMatchObject([{ admitted: true, remaining: 0 }, { admitted: true }]);
  });
  test('that there cannot be', () => {
    chmodSync(dir, 0o700);
    writeFileSync(join(dir, 'in the way'), '');
    const { store, host } = inFile({ path: join(dir, 'in the way', 'ratelimit.db'), fail: 'closed' });
    expect(store.take([ask(QUOTA)])).toMatchObject([{ admitted: false, failing: 'closed' }]);
    expect(host.lines.map(({ message }) => message)).toEqual([LOST]);
  });
  test('has no more rows than it may, and those in debt stay', () => {
    const { store, host, path } = inFile({ keys: 160 });
    store.take([ask(QUOTA, 12, 'used up')]);
    for (let at = 0; at < 1_000; at++) store.take([ask(QUOTA, 1, `${at}`)]);
    const rows = () =>
      new Database(path).query('SELECT count(*) AS rows FROM used').get() as { rows: number };
    expect(rows().rows).toBeWithin(100, 161);
    expect(host.hits.length).toBeGreaterThan(0);
    expect(store.take([ask(QUOTA, 1, 'used up')])).toMatchObject([{ admitted: false }]);
    host.clock.now += 86_400_000;
    for (let at = 0; at < 200; at++, host.clock.now += 100) store.take([ask(RATE, 1, 'one')]);
    expect(rows().rows).toBe(1);
  });
});
