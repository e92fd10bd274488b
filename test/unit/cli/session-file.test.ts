// What is known of sessions on disk: there after a restart, shared by several gateways, set aside when damaged.
import { Database } from 'bun:sqlite';
import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSessionFile, SESSION_FILE } from '../../../src/cli/session-file.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { type SessionStore, UNREAD } from '../../../src/core/session-store.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import type { Line } from '../../fixtures/in-process.ts';

const dirs: string[] = [];
const stores: SessionStore[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function place() {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-sessions-'));
  dirs.push(dir);
  const lines: Line[] = [];
  const metrics = createMetrics();
  const open = (size = 1 << 20, busy = 5_000) => {
    const store = openSessionFile({
      dir,
      size,
      busy,
      host: { log: recordingLog(lines), metrics, now: Date.now },
    });
    stores.push(store);
    return legible(store);
  };
  const logged = (level: string) =>
    lines.filter((line) => line.level === level).map(({ message }) => message);
  return { dir, file: join(dir, SESSION_FILE), open, logged, metrics };
}

/** Whose file can always be read; `any` finds where it cannot. */
const legible = (store: SessionStore) => ({
  find(key: string) {
    const known = store.find(key);
    if (known === UNREAD) throw new Error(known);
    return known;
  },
  any: (key: string) => store.find(key),
  save: store.save.bind(store),
  expire: store.expire.bind(store),
  close: store.close.bind(store),
});

const watch = (uri: string, on = true) => ({ seen: 1, watch: { uri, on } });

describe('what was saved', () => {
  test('is there for the next, even when the first is not closed', async () => {
    const { open } = place();
    const first = open();
    await Promise.all([
      first.save('a', { seen: 5, level: 'info' }),
      first.save('a', watch('x')),
      first.save('a', watch('y')),
      first.save('a', watch('x', false)),
      first.save('b', { seen: 6, ended: true }),
    ]);
    const second = open();
    expect(second.find('a')).toEqual({ ended: false, seen: 5, level: 'info', uris: ['y'] });
    expect(second.find('b')).toMatchObject({ ended: true, seen: 6 });
    expect(second.find('c')).toBeUndefined();
  });

  test('is found before it is written', () => {
    const { open } = place();
    const store = open();
    void store.save('a', { seen: 5, level: 'info' });
    expect(store.find('a')?.level).toBe('info');
  });

  test('is written at the end', () => {
    const { open } = place();
    const store = open();
    void store.save('a', { seen: 5, level: 'info' });
    stores.pop();
    store.close();
    expect(open().find('a')?.level).toBe('info');
  });

  test('keeps an end, whoever writes after it', async () => {
    const { open } = place();
    const [first, second] = [open(), open()];
    await first.save('a', watch('x'));
    await first.save('a', { seen: 2, ended: true });
    await second.save('a', { seen: 9, level: 'debug' });
    expect(first.find('a')).toMatchObject({ ended: true, seen: 9, uris: [] });
  });

  test('goes when it is too old', async () => {
    const { open } = place();
    const store = open();
    await Promise.all([store.save('a', watch('x')), store.save('b', { seen: 2 })]);
    store.expire(2);
    await store.save('a', { seen: 3 });
    expect([store.find('a')?.uris, store.find('b')?.seen]).toEqual([[], 2]);
  });
});

test('what another keeps it from writing is written when that one is done; given up beyond state.busy, and counted', async () => {
  const { open, file, metrics, logged } = place();
  const store = open();
  const hasty = open(1 << 20, 1);
  const other = new Database(file);
  other.run('BEGIN IMMEDIATE');
  await hasty.save('lost', { seen: 5, level: 'info' });
  expect((await metrics.timeouts.get()).values).toMatchObject([{ value: 1, labels: { kind: 'state' } }]);
  expect(logged('warn')).toEqual(['what became of sessions could not be read or written']);
  const saved = store.save('kept', { seen: 5, level: 'info' });
  other.run('COMMIT');
  other.close();
  await saved;
  expect([store.find('kept')?.level, store.find('lost')]).toEqual(['info', undefined]);
});

test('only its owner can read it', () => {
  const { open, file } = place();
  open();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('several that write at once lose nothing', async () => {
  const { open } = place();
  const all = [open(), open(), open()];
  await Promise.all(
    [...Array(60).keys()].map((i) => all[i % 3]?.save(`${i % 20}`, { ...watch(`${i}`), level: 'info' })),
  );
  const uris = [...Array(20).keys()].flatMap((key) => all[0]?.find(`${key}`)?.uris ?? []);
  expect(uris.map(Number).toSorted((a, b) => a - b)).toEqual([...Array(60).keys()]);
});

test('processes that write at once lose nothing', async () => {
  const { dir, open } = place();
  const code = `
    import { openSessionFile } from ${JSON.stringify(join(import.meta.dir, '../../../src/cli/session-file.ts'))};
    import { createMetrics } from ${JSON.stringify(join(import.meta.dir, '../../../src/core/metrics.ts'))};
    import { SILENT } from ${JSON.stringify(join(import.meta.dir, '../../../src/core/log.ts'))};
    const host = { log: SILENT, metrics: createMetrics(), now: Date.now };
    const store = openSessionFile({ dir: process.argv[1], size: 1 << 20, busy: 5000, host });
    for (let i = 0; i < 20; i++) await store.save('s', { seen: i, watch: { uri: process.argv[2] + i, on: true } });
    store.close();`;
  const children = ['a', 'b', 'c'].map((name) => Bun.spawn([process.execPath, '-e', code, dir, name]));
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0]);
  expect(open().find('s')?.uris.length).toBe(60);
});

describe('a file that is none', () => {
  const texts = { 'other text': 'x'.repeat(9_000), 'a page of noise': '\u0000\u0007'.repeat(4_096) };
  for (const [what, text] of Object.entries(texts))
    test(`such as ${what} is set aside, and said`, async () => {
      const { open, file, logged } = place();
      writeFileSync(file, text);
      const store = open();
      await store.save('a', { seen: 1, level: 'info' });
      expect(store.find('a')?.level).toBe('info');
      expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
      expect(logged('error')).toEqual([
        'the file of sessions is damaged: log levels and subscriptions are lost',
      ]);
    });

  test('such as one that was damaged while it is used', async () => {
    const { open, file, logged } = place();
    const store = open();
    for (let i = 0; i < 200; i++) void store.save(`key ${i}`, { ...watch('u'.repeat(300)), level: 'info' });
    await store.save('a', { seen: 1, level: 'info' });
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 24));
    await store.save('b', { seen: 1, level: 'debug' });
    store.find('a');
    await store.save('c', { seen: 1, level: 'debug' });
    expect(store.find('c')?.level).toBe('debug');
    expect([existsSync(`${file}.damaged`), logged('error').length]).toEqual([true, 1]);
  });

  test('such as one of a later version', () => {
    const { open, file, logged } = place();
    open().close();
    stores.pop();
    const bytes = readFileSync(file);
    bytes.writeUInt32BE(99, 60);
    writeFileSync(file, bytes);
    expect(open().find('a')).toBeUndefined();
    expect(logged('error').length).toBe(1);
  });
});

test('where there can be no file there is memory, and the log says so', async () => {
  const { open, file, logged } = place();
  mkdirSync(file);
  const store = open();
  await store.save('a', { seen: 1, level: 'info' });
  expect(store.find('a')?.level).toBe('info');
  expect(logged('warn')).toEqual(['log levels and subscriptions of sessions will not outlive this process']);
});

describe('a file that cannot be read', () => {
  test('does not say that a session goes on', async () => {
    const { open, file, logged } = place();
    const store = open();
    await store.save('a', { seen: 1, ended: true });
    const other = new Database(file, { readwrite: true });
    other.run('BEGIN EXCLUSIVE');
    expect(store.any('a')).toBe(UNREAD);
    expect(logged('warn')).toEqual(['what became of sessions could not be read or written']);
    other.run('ROLLBACK');
    other.close();
    expect(store.find('a')?.ended).toBe(true);
  });

  test('nor does one that cannot be written, of a session that has just ended', async () => {
    const { open, file } = place();
    const store = open();
    await store.save('a', { seen: 1, level: 'info' });
    const other = new Database(file, { readwrite: true });
    other.run('BEGIN IMMEDIATE');
    const written = store.save('a', { seen: 2, ended: true });
    expect(store.find('a')).toMatchObject({ ended: true, seen: 2 });
    other.run('ROLLBACK');
    other.close();
    await written;
    expect(store.find('a')?.ended).toBe(true);
  });
});

test('a full file forgets ends last: a session without one would come back', async () => {
  const { open } = place();
  const store = open(256 * 1_024);
  await store.save('gone', { seen: 0, ended: true });
  for (let i = 1; i < 400; i++) {
    void store.save(`s${i}`, { seen: i, watch: { uri: 'u'.repeat(2_000), on: true } });
    // The file is written.
    if (i % 20 === 0) store.find(`s${i}`);
  }
  expect(store.find('s1')).toBeUndefined();
  expect(store.find('gone')?.ended).toBe(true);
});

test('a full file forgets those unused for longest, and counts', async () => {
  const { open, file, metrics } = place();
  const store = open(256 * 1_024);
  for (let i = 0; i < 400; i++) {
    void store.save(`s${i}`, { seen: i, watch: { uri: 'u'.repeat(2_000), on: true } });
    // The file is written.
    if (i % 20 === 0) store.find(`s${i}`);
  }
  expect(store.find('s399')?.uris.length).toBe(1);
  expect(store.find('s0')).toBeUndefined();
  expect(statSync(file).size).toBeLessThanOrEqual(256 * 1_024);
  const { values } = await metrics.limitHits.get();
  expect(values.find(({ labels }) => labels.limit === 'state')?.value).toBeGreaterThan(0);
});
