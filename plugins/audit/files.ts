// What the log does to its files, and when they are on disk.

import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { chmod, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What was cut off a file, and where it is kept. */
export interface Torn {
  readonly name: string;
  readonly bytes: number;
  readonly digest: string;
}

/** Appends alone: what is there cannot be written over. */
export function openFile(directory: string, name: string): Promise<FileHandle> {
  return open(join(directory, name), 'a+', 0o600);
}

/**
 * One that nothing is written in. What an attempt before left there, which nobody was told is on disk, is set aside.
 * @returns that, too
 */
export async function openNew(
  directory: string,
  name: string,
): Promise<{ readonly file: FileHandle; readonly torn: Torn | undefined }> {
  const file = await openFile(directory, name);
  try {
    const { size } = await file.stat();
    return { file, torn: size === 0 ? undefined : await setAside(directory, name, 0) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** All of it, on disk. @throws what the file system says; how much was written is unknown then */
export async function writeDown(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    if (bytesWritten === 0) throw new Error('the disk takes nothing');
    at += bytesWritten;
  }
  await file.datasync();
}

export interface Identity {
  readonly inode: string;
  readonly device: string;
}

export async function identityOf(file: FileHandle): Promise<Identity> {
  const { ino, dev } = await file.stat({ bigint: true });
  return { inode: String(ino), device: String(dev) };
}

/** What the name stands for now; undefined where nothing has it. At once: it is asked for with every write. */
export function identityAt(directory: string, name: string): Identity | undefined {
  try {
    const { ino, dev } = statSync(join(directory, name), { bigint: true });
    return { inode: String(ino), device: String(dev) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file that is new, renamed or gone is so for good. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Nobody appends to it any more. */
export function seal(directory: string, name: string): Promise<void> {
  return chmod(join(directory, name), 0o440);
}

/**
 * Cuts off what follows `offset`, and keeps it in a file of its own.
 * @returns that file's name, its bytes, and their digest; undefined where nothing follows
 */
export async function setAside(directory: string, name: string, offset: number): Promise<Torn | undefined> {
  // One that was closed is written to once more.
  await chmod(join(directory, name), 0o600);
  const file = await open(join(directory, name), 'r+');
  try {
    const { size } = await file.stat();
    if (size <= offset) return undefined;
    const bytes = Buffer.alloc(size - offset);
    await file.read(bytes, 0, bytes.length, offset);
    const digest = Bun.CryptoHasher.hash('sha256', bytes, 'hex');
    const aside = `${name}.${offset}-${digest.slice(0, 16)}.torn`;
    const kept = await open(join(directory, aside), 'w', 0o600);
    try {
      await writeDown(kept, bytes);
    } finally {
      await kept.close();
    }
    await file.truncate(offset);
    await file.datasync();
    syncDirectory(directory);
    return { name: aside, bytes: bytes.length, digest };
  } finally {
    await file.close();
  }
}

/** Most that is read and written at once. */
const PIECE = 1_048_576;

/**
 * Gives the bytes of an open file its name again, which was removed or is another file's by now. That one is kept beside
 * it.
 * @returns undefined where the bytes are not those of `digest`: somebody changed them, and nothing was done
 */
export async function putBack(
  directory: string,
  name: string,
  file: FileHandle,
  size: number,
  digest: string,
): Promise<{ readonly foreign: string | undefined } | undefined> {
  const path = join(directory, name);
  const copy = await open(`${path}.new`, 'w', 0o600);
  const hasher = new Bun.CryptoHasher('sha256');
  try {
    for (let at = 0; at < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(PIECE, size - at));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) break;
      const piece = bytes.subarray(0, bytesRead);
      hasher.update(piece);
      await copy.write(piece, 0, piece.length, at);
      at += bytesRead;
    }
    await copy.datasync();
  } finally {
    await copy.close();
  }
  if (hasher.digest('hex') !== digest) {
    await rm(`${path}.new`);
    return undefined;
  }
  const foreign = identityAt(directory, name) && `${name}.${digest.slice(0, 16)}.foreign`;
  if (foreign) await rename(path, join(directory, foreign));
  await rename(`${path}.new`, path);
  await seal(directory, name);
  syncDirectory(directory);
  return { foreign };
}
