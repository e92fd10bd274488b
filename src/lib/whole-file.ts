// Files that several processes change: one at a time, and each is the old one or the new one, whenever the machine
// stops.

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
const PATIENCE = 10_000;

/** A file that cannot be changed now. */
export class FileFault extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** What a change gives back. Without a text, the file stays as it is. */
export interface Changed<T> {
  readonly text?: string;
  readonly result: T;
}

/**
 * Reads, changes and replaces a file while nobody else does. A link stays a link.
 * @param change is given the place of the file itself, and reads it, if it is there
 * @throws FileFault where it cannot be locked or written, and what `change` throws; then nothing has changed
 */
export function changeFile<T>(file: string, change: (place: string) => Changed<T>): T {
  const place = real(file);
  return alone(place, () => {
    const { text, result } = change(place);
    if (text !== undefined) replaceFile(place, text);
    return result;
  });
}

/**
 * A lock of the system's, by way of a database nobody writes to: it is given back when its holder dies.
 * @throws FileFault where it cannot be had
 */
export function alone<T>(file: string, act: () => T): T {
  const db = lockOf(file);
  try {
    db.run(`PRAGMA busy_timeout = ${PATIENCE}`);
    try {
      db.run('BEGIN EXCLUSIVE');
    } catch {
      throw new FileFault(`${file} is being changed by somebody else`, 'try again');
    }
    return act();
  } finally {
    db.close();
  }
}

function lockOf(file: string): Database {
  const lock = `${file}.lock`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const fd = openSync(lock, 'a', 0o600);
    try {
      giveTo(fd, dirname(file));
    } finally {
      closeSync(fd);
    }
    return new Database(lock, { readwrite: true, create: false });
  } catch (error) {
    throw new FileFault(`cannot write ${file}: ${codeOf(error)}`);
  }
}

/**
 * A new file is readable to its owner alone; one that was there keeps its rights.
 * @throws FileFault
 */
export function replaceFile(file: string, text: string): void {
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
    settleDirectory(dirname(file));
  } catch (error) {
    rmSync(aside, { force: true });
    throw new FileFault(`cannot write ${file}: ${codeOf(error)}`);
  }
}

/** What an administrator makes belongs to whose gateway it is for: else that could not read it. */
function giveTo(fd: number, like: string): void {
  const { uid, gid } = statSync(like);
  if (userInfo().uid === 0 && fstatSync(fd).uid !== uid) fchownSync(fd, uid, gid);
}

/** A name that was given or taken is so for good. Some systems cannot, and need not. */
function settleDirectory(dir: string): void {
  try {
    const fd = openSync(dir, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {}
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
