// What the log does to its files, and when they are on disk.

import { closeSync, fsyncSync, openSync } from 'node:fs';
import { chmod, type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Appends alone: what is there cannot be written over. */
export function openFile(directory: string, name: string): Promise<FileHandle> {
  return open(join(directory, name), 'a', 0o600);
}

/** One that nothing is written in yet. @throws when there is something */
export async function openNew(directory: string, name: string): Promise<FileHandle> {
  const file = await openFile(directory, name);
  const { size } = await file.stat();
  // Empty: the attempt before went no further.
  if (size === 0) return file;
  await file.close();
  throw new Error(`${name} is there already`);
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

/** What the name stands for now; undefined where nothing has it. */
export async function identityAt(directory: string, name: string): Promise<Identity | undefined> {
  try {
    const { ino, dev } = await stat(join(directory, name), { bigint: true });
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
export async function setAside(
  directory: string,
  name: string,
  offset: number,
): Promise<{ name: string; bytes: number; digest: string } | undefined> {
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
