// A file with a key that only its owner can read: made once, whole or not at all. Knows nothing of what the key opens.

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
import { dirname } from 'node:path';
import { CliError, EXIT, systemCode } from './exit.ts';

/** The bytes of a file; undefined where there is none. @throws CliError where it is not one to trust */
export function readKeyFile(file: string): Uint8Array | undefined {
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
    return new Uint8Array(readFileSync(fd));
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

/**
 * The file appears whole or not at all: written aside, then linked to its name, which an existing one keeps.
 * @returns what the file holds now: of two who make it at once, the first one's
 */
export function makeKeyFile(file: string, content: Uint8Array): Uint8Array {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const fd = openSync(aside, 'wx', 0o600);
  try {
    writeSync(fd, content);
    fsyncSync(fd);
    linkSync(aside, file);
    return content;
  } catch (error) {
    const theirs = systemCode(error) === 'EEXIST' ? readKeyFile(file) : undefined;
    if (theirs !== undefined) return theirs;
    throw error;
  } finally {
    closeSync(fd);
    rmSync(aside, { force: true });
  }
}
