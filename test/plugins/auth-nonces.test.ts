// Nonces: how many are remembered and for how long, in memory and in a file that gateways share.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NONCE_FILE, openNonces } from '../../plugins/signatures/nonce-file.ts';
import { NonceMemory, type NonceStore } from '../../plugins/signatures/nonces.ts';
import type { LogLine } from '../../src/testing/call.ts';
import { recordingLog } from '../../src/testing/host.ts';
import { NOW } from '../fixtures/signing/mutations.ts';

const ROOM = { each: 3, all: 5 };
let dir: string;
let lines: LogLine[];
const opened: NonceStore[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-nonces-'));
  lines = [];
});
afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  rmSync(dir, { recursive: true, force: true });
});

function shared(at = dir): NonceStore {
  const store = openNonces(at, recordingLog(lines));
  store.room = ROOM;
  opened.push(store);
  return store;
}

for (const [what, make] of [
  ['in memory', () => new NonceMemory(ROOM)],
  ['in a file', () => shared()],
] as const) {
  describe(what, () => {
    test('one is new once, for its time, in its space', () => {
      const store = make();
      const take = (space: string, nonce: string, now: number) => store.take(space, nonce, 1_000, now);
      expect(take('a', 'x', NOW)).toBe('new');
      expect(take('a', 'x', NOW)).toBe('seen');
      expect(take('b', 'x', NOW)).toBe('new');
      expect(take('a', 'x', NOW + 1_000)).toBe('seen');
      expect(take('a', 'x', NOW + 1_001)).toBe('new');
      expect(take('a', 'x', NOW + 1_002)).toBe('seen');
    });
    test('a space that is full fills no other, and all of them are bounded', () => {
      const store = make();
      const take = (space: string, nonce: string, now = NOW) => store.take(space, nonce, 1_000, now);
      expect(['1', '2', '3', '4'].map((nonce) => take('a', nonce))).toEqual(['new', 'new', 'new', 'full']);
      expect(take('a', '1')).toBe('seen');
      expect(['1', '2', '3'].map((nonce) => take('b', nonce))).toEqual(['new', 'new', 'full']);
      // What is over makes place, there and in all.
      expect(take('b', '3', NOW + 1_001)).toBe('new');
      expect(take('c', '1', NOW + 1_001)).toBe('new');
    });
    test('a clock that is put back forgets nothing', () => {
      const store = make();
      expect(store.take('a', 'x', 1_000, NOW)).toBe('new');
      expect(store.take('a', 'x', 1_000, NOW - 3_600_000)).toBe('seen');
    });
  });
}

describe('a file', () => {
  test('is known to gateways beside each other, and after a restart', () => {
    const [one, two] = [shared(), shared()];
    expect(one.take('a', 'x', 1_000, NOW)).toBe('new');
    expect(two.take('a', 'x', 1_000, NOW)).toBe('seen');
    one.close();
    two.close();
    expect(shared().take('a', 'x', 1_000, NOW + 1_000)).toBe('seen');
    expect(shared().take('a', 'x', 1_000, NOW + 1_001)).toBe('new');
  });
  test('is its owner\u2019s alone, is not made before it is needed, and has no nonce in it', async () => {
    const store = shared();
    expect(readdirSync(dir)).toEqual([]);
    store.take('a', 'a-nonce-to-look-for', 1_000, NOW);
    const path = join(dir, NONCE_FILE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await Bun.file(path).text()).not.toContain('a-nonce-to-look-for');
  });
  test('that is damaged is set aside', () => {
    writeFileSync(
      join(dir, NONCE_FILE),
      'no database, but long enough to be taken for the head of one'.repeat(40),
    );
    expect(shared().take('a', 'x', 1_000, NOW)).toBe('new');
    expect(readdirSync(dir)).toEqual(expect.arrayContaining([NONCE_FILE, `${NONCE_FILE}.damaged`]));
  });
  test('that is damaged while it is used lets nobody in unseen, and is replaced', () => {
    const store = shared();
    expect(store.take('a', 'x', 1_000, NOW)).toBe('new');
    writeFileSync(join(dir, NONCE_FILE), 'x'.repeat(20_000));
    expect(store.take('a', 'y', 1_000, NOW)).toBe('full');
    expect(store.take('a', 'z', 1_000, NOW)).toBe('new');
    expect(lines.map(({ message }) => message)).toEqual(['nonces could not be read or written']);
  });
  test('that cannot be leaves memory, and the log says so', () => {
    writeFileSync(join(dir, 'file'), '');
    const store = shared(join(dir, 'file'));
    expect(store.take('a', 'x', 1_000, NOW)).toBe('new');
    expect(store.take('a', 'x', 1_000, NOW)).toBe('seen');
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'nonces will not outlive this process'],
    ]);
  });
  test('does not grow beyond what is good', async () => {
    const store = shared();
    store.room = { each: 100_000, all: 100_000 };
    for (let at = 0; at < 2_000; at++) store.take('a', String(at), 100, NOW + at);
    const { Database } = await import('bun:sqlite');
    const db = new Database(join(dir, NONCE_FILE), { readonly: true });
    const [{ n }] = db.query('SELECT count(*) AS n FROM seen').all() as [{ n: number }];
    db.close();
    expect(n).toBeLessThan(100 + 2 * 32);
  });
});
