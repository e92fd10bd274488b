// A database of a plugin: its owner's alone, and set aside where it is damaged. Must not know what is in it.

import { Database } from 'bun:sqlite';
import { closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

export interface SqliteFile {
  readonly path: string;
  /** Of the tables. A file of a later one is not touched. */
  readonly layout: number;
  /** SQL that makes them where they are not. */
  readonly tables: string;
  /** PRAGMA statements. */
  readonly settings: readonly string[];
  /** How long another process that writes is waited for, milliseconds. */
  readonly busy: number;
  /** Looks at all of it first. */
  readonly isChecked?: boolean;
}

class Damaged extends Error {}

/**
 * @param onDamaged is told where a damaged file was put, and why
 * @throws where there can be none, or it is of a later layout
 */
export function openSqlite(file: SqliteFile, onDamaged: (aside: string, reason: unknown) => void): Database {
  mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
  try {
    return prepared(file);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    onDamaged(setAside(file.path), error);
    return prepared(file);
  }
}

export function isDamaged(error: unknown): boolean {
  return error instanceof Damaged || /^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error));
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  const code = Object(error).code;
  return typeof code === 'string' ? code : '';
}

function prepared({ path, layout: ours, tables, settings, busy, isChecked }: SqliteFile): Database {
  // SQLite would make it readable to others; what lies beside it takes the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    db.run(`PRAGMA busy_timeout = ${busy}`);
    for (const setting of settings) db.run(`PRAGMA ${setting}`);
    if (isChecked) check(db);
    const [{ user_version: layout }] = db.query('PRAGMA user_version').all() as [{ user_version: number }];
    if (layout > ours) throw new Error(`it has layout ${layout}, and this version knows ${ours}`);
    if (layout < ours) db.transaction(() => db.run(`${tables}PRAGMA user_version = ${ours};`)).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function check(db: Database): void {
  const [{ quick_check: found }] = db.query('PRAGMA quick_check(1)').all() as [{ quick_check: string }];
  if (found !== 'ok') throw new Damaged(found);
}

function setAside(path: string): string {
  const aside = `${path}.damaged`;
  renameSync(path, aside);
  // They belong to the damaged file, and must not be played into the next.
  for (const beside of ['-journal', '-wal', '-shm']) rmSync(`${path}${beside}`, { force: true });
  return aside;
}
