// Changing the key file: one at a time, and whole.

import { Database } from 'bun:sqlite';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';

/** How long another change is waited for, milliseconds: it takes a moment, or has been stopped in the middle. */
const PATIENCE = 5_000;

export class KeyFileError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** A lock of the system's, by way of a database nobody writes to: it is given back when its holder dies. */
export function alone<T>(file: string, act: () => T): T {
  const lock = `${file}.lock`;
  let db: Database;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const fd = openSync(lock, 'a', 0o600);
    giveTo(fd, dirname(file));
    closeSync(fd);
    db = new Database(lock);
  } catch (error) {
    throw new KeyFileError(`cannot write beside ${file}: ${codeOf(error)}`);
  }
  try {
    db.run(`PRAGMA busy_timeout = ${PATIENCE}`);
    try {
      db.run('BEGIN EXCLUSIVE');
    } catch {
      throw new KeyFileError(`${file} is being changed by somebody else`, 'try again');
    }
    return act();
  } finally {
    db.close();
  }
}

/** The file is the old one or the new one, whenever the machine stops. */
export function replace(file: string, text: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const fd = openSync(aside, 'wx', 0o600);
    try {
      const before = statSync(file, { throwIfNoEntry: false });
      giveTo(fd, before ? file : dirname(file));
      if (before) fchmodSync(fd, before.mode & 0o777);
      for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(aside, file);
    flush(dirname(file));
  } catch (error) {
    rmSync(aside, { force: true });
    throw new KeyFileError(`cannot write ${file}: ${codeOf(error)}`);
  }
}

/** What an administrator makes belongs to whose gateway it is for: else that could not read it. */
function giveTo(fd: number, like: string): void {
  const { uid, gid } = statSync(like);
  if (userInfo().uid === 0 && fstatSync(fd).uid !== uid) fchownSync(fd, uid, gid);
}

function flush(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A link stays a link. */
export function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
