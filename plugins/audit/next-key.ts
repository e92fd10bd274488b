// A key that is about to take over lies beside the one before it until the log has named it. Wherever the process ends
// meanwhile, the file of the key holds one that signs: a next one that is still beside it never did.

import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './files.ts';
import { keyOf, type LogKey, newKeyText } from './key.ts';

const nextTo = (file: string): string => `${file}.next`;

/** Makes one, for its owner alone to read. @throws what the file system says */
export async function prepareKey(file: string, before: LogKey, origin: string, now: number): Promise<LogKey> {
  const text = newKeyText(now, before);
  await rm(nextTo(file), { force: true });
  const handle = await open(nextTo(file), 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return keyOf(text, origin, () => now);
}

/** It is the key from now on; what the old one was is written over. @throws what the file system says */
export async function takeOver(file: string): Promise<void> {
  const old = await open(file, 'r+');
  try {
    await rename(nextTo(file), file);
    syncDirectory(dirname(file));
    const { size } = await old.stat();
    await old.write(Buffer.alloc(size), 0, size, 0);
    await old.datasync();
  } finally {
    await old.close();
  }
}

/** Before a log is opened. @throws what the file system says */
export function forgetNext(file: string): void {
  rmSync(nextTo(file), { force: true });
}
