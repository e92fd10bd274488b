// A database in the state directory: readable to its owner alone, whole after any end of a process, and set aside
// where it is damaged. Several gateways may share it, also over a network, so it has a rollback journal.

import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { systemCode } from './exit.ts';

const PAGE = 4_096;
/** How long a look waits for another gateway that writes, milliseconds: everything else waits as long, so nothing to be set. */
const READ_PATIENCE = 100;

export interface StateFile {
  readonly path: string;
  /** Bytes it may have. */
  readonly size: number;
  /** How long another gateway that writes is waited for, milliseconds. */
  readonly busy: number;
  /** Of the tables; a file of a later layout counts as damaged. */
  readonly layout: number;
  /** SQL that makes them where they are not, but for the layout. */
  readonly tables: string;
}

/**
 * A damaged file is set aside, for its operator to look at.
 * @param lost what it means that it is
 * @throws when there can be none at all
 */
export function openStateFile(file: StateFile, log: Log, lost: string): Database {
  try {
    return openDatabase(file);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const aside = `${file.path}.damaged`;
    renameSync(file.path, aside);
    // It belongs to the damaged file, and must not be played into the next.
    rmSync(`${file.path}-journal`, { force: true });
    log.error(lost, { file: file.path, aside, reason: messageOf(error) });
    return openDatabase(file);
  }
}

function openDatabase(file: StateFile): Database {
  // SQLite would make it readable to others; its journal takes the mode of the file.
  closeSync(openSync(file.path, 'a', 0o600));
  return prepared(new Database(file.path, { readwrite: true, create: false, strict: true }), file);
}

/** Where not even another file can be had, memory serves until the next start. */
export function inMemory(file: StateFile): Database {
  return prepared(new Database(':memory:', { strict: true }), file);
}

function prepared(db: Database, { size, busy, layout: ours, tables }: StateFile): Database {
  try {
    db.run(`PRAGMA busy_timeout = ${busy}`);
    db.run('PRAGMA foreign_keys = ON');
    const [{ quick_check: check }] = db.query('PRAGMA quick_check(1)').all() as [{ quick_check: string }];
    if (check !== 'ok') throw new Damaged(check);
    const [{ user_version: layout }] = db.query('PRAGMA user_version').all() as [{ user_version: number }];
    if (layout > ours) throw new Damaged(`it has layout ${layout}, and this version knows ${ours}`);
    if (layout < ours) db.transaction(() => db.run(`${tables}PRAGMA user_version = ${ours};`)).immediate();
    db.run('PRAGMA journal_mode = TRUNCATE');
    db.run('PRAGMA synchronous = NORMAL');
    db.run(`PRAGMA max_page_count = ${Math.max(16, Math.floor(size / PAGE))}`);
    db.run(`PRAGMA busy_timeout = ${READ_PATIENCE}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

class Damaged extends Error {}

export function isDamaged(error: unknown): boolean {
  return error instanceof Damaged || /^(SQLITE_CORRUPT|SQLITE_NOTADB|EACCES)/.test(codeOf(error));
}

export const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));

export const isFull = (error: unknown): boolean => codeOf(error) === 'SQLITE_FULL';

function codeOf(error: unknown): string {
  return error instanceof SQLiteError ? (error.code ?? '') : (systemCode(error) ?? '');
}
