// The key that session ids and request states are sealed with: a file of 32 bytes that only its owner can read.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SEAL_KEY_BYTES } from '../lib/seal.ts';
import { CliError, EXIT, systemCode } from './exit.ts';

export const SEAL_KEY_FILE = 'seal.key';

/**
 * Reads the key of a state directory, or makes both. Two processes that start at once get the same key.
 * @throws CliError when the file is not one to trust, or cannot be read or made
 */
export function readSealKey(dir: string): Uint8Array {
  const file = join(dir, SEAL_KEY_FILE);
  try {
    return read(file) ?? create(dir, file);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = systemCode(error) ?? 'unknown error';
    throw new SealKeyUnwritable(`cannot keep a key in ${dir}: ${code}`);
  }
}

/** The directory cannot hold a key; a gateway that nobody gave a directory goes on with a key of its own. */
export class SealKeyUnwritable extends CliError {
  constructor(message: string) {
    super(EXIT.failed, message, 'make the directory writable, or set state.dir in gateway.yaml');
  }
}

function read(file: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw new CliError(
      EXIT.failed,
      `cannot read ${file}: ${systemCode(error)}`,
      `it must belong to this user`,
    );
  }
  try {
    refuseShared(file, fd);
    const key = readFileSync(fd);
    if (key.length === SEAL_KEY_BYTES) return new Uint8Array(key);
    const found = `${file} has ${key.length} bytes, and a key has ${SEAL_KEY_BYTES}`;
    throw new CliError(EXIT.failed, found, 'move it away for a new one; open sessions then start anew');
  } finally {
    closeSync(fd);
  }
}

function refuseShared(file: string, fd: number): void {
  if (process.platform === 'win32') return;
  const { mode, uid } = fstatSync(fd);
  const bits = (mode & 0o777).toString(8).padStart(4, '0');
  if ((mode & 0o077) !== 0)
    throw new CliError(EXIT.failed, `${file} is open to others (mode ${bits})`, `chmod 600 ${file}`);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own && uid !== 0)
    throw new CliError(EXIT.failed, `${file} belongs to another user`, `chown it, or set state.dir`);
}

/** The file appears whole or not at all: written aside, then linked to its name, which an existing one keeps. */
function create(dir: string, file: string): Uint8Array {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const key = randomBytes(SEAL_KEY_BYTES);
  const fd = openSync(aside, 'wx', 0o600);
  try {
    writeSync(fd, key);
    fsyncSync(fd);
    linkSync(aside, file);
    return new Uint8Array(key);
  } catch (error) {
    const theirs = systemCode(error) === 'EEXIST' ? read(file) : undefined;
    if (theirs !== undefined) return theirs;
    throw error;
  } finally {
    closeSync(fd);
    rmSync(aside, { force: true });
  }
}
