// What upstreams listed, on disk: there after a restart, bounded, set aside when damaged, and never in the way.
import { Database } from 'bun:sqlite';
import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShelfFile, SHELF_FILE } from '../../../src/cli/shelf-file.ts';
import type { Shelf } from '../../../src/core/shelf.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const dirs: string[] = [];
const shelves: Shelf[] = [];
afterEach(() => {
  for (const shelf of shelves.splice(0)) shelf.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function place(size = 1 << 20) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-lists-'));
  dirs.push(dir);
  const host = testHost();
  const open = () => {
    const shelf = openShelfFile({ dir, size, busy: 5_000, host });
    shelves.push(shelf);
    return shelf;
  };
  const logged = (level: string) =>
    host.lines.filter((line) => line.level === level).map(({ message }) => message);
  return { dir, file: join(dir, SHELF_FILE), open, host, logged };
}

describe('what is kept', () => {
  test('is there at once, and for the next; the last one counts', () => {
    const { open, file } = place();
    const first = open();
    first.keep('a', 'one', 1);
    first.keep('a', 'two', 2);
    expect(first.find('a')).toEqual({ text: 'two', at: 2 });
    first.close();
    const second = open();
    expect(second.find('a')).toEqual({ text: 'two', at: 2 });
    expect(second.find('b')).toBeUndefined();
    second.drop('a');
    expect(second.find('a')).toBeUndefined();
    second.close();
    expect(open().find('a')).toBeUndefined();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('takes no more than its share: what was longest unused goes, and what would take too much is not kept', async () => {
    const { open, file, host } = place(256 * 1_024);
    const text = 'x'.repeat(10_000);
    for (let i = 0; i < 60; i++) {
      const shelf = open();
      host.turn(1_000);
      shelf.find('k0');
      shelf.keep(`k${i}`, text, i);
      shelf.close();
    }
    const last = open();
    last.keep('huge', 'x'.repeat(100_000), 1);
    expect(['k0', 'k1', 'k59', 'huge'].map((key) => last.find(key) !== undefined)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(statSync(file).size).toBeLessThanOrEqual(256 * 1_024);
    expect(await host.figure('limitHits', { limit: 'state_lists' })).toBeGreaterThan(0);
  });

  test('is shared by gateways on one directory', () => {
    const { open } = place();
    const [one, other] = [open(), open()];
    one.keep('a', 'text', 1);
    one.close();
    expect(other.find('a')?.text).toBe('text');
  });
});

describe('a file', () => {
  test('that is none is set aside, with a word in the log', () => {
    const { open, file, logged } = place();
    writeFileSync(file, 'not a database at all, whatever it is: '.repeat(40));
    const shelf = open();
    shelf.keep('a', 'text', 1);
    shelf.close();
    expect(open().find('a')?.text).toBe('text');
    expect(existsSync(`${file}.damaged`)).toBe(true);
    expect(logged('error')).toEqual(['the file of what upstreams list is damaged: it is asked for again']);
  });

  test('of a later version is left for that', () => {
    const { open, file } = place();
    open().close();
    const later = new Database(file);
    later.run('PRAGMA user_version = 99');
    later.close();
    expect(open().find('a')).toBeUndefined();
    expect(existsSync(`${file}.damaged`)).toBe(true);
  });

  test('that cannot be made is done without, and the log says so', () => {
    const { dir, host, logged } = place();
    writeFileSync(join(dir, 'file'), '');
    const shelf = openShelfFile({ dir: join(dir, 'file'), size: 1 << 20, busy: 5_000, host });
    shelf.keep('a', 'text', 1);
    expect(shelf.find('a')).toBeUndefined();
    expect(logged('warn')).toEqual(['what upstreams list will not be known after a restart']);
  });

  test('that another gateway writes to is not waited for', () => {
    const { open, file } = place();
    const shelf = open();
    const other = new Database(file);
    other.run('BEGIN EXCLUSIVE');
    expect(shelf.find('a')).toBeUndefined();
    other.run('ROLLBACK');
    other.close();
  });
});
