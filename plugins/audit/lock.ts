// One process writes a log. The lock is the operating system's, on a file beside it, and gone with its process however
// that ends. SQLite knows how to take such a lock everywhere.

import { Database } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @returns what gives it back
 * @throws Error when another process has it, or this one has it already
 */
export function lockLog(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = new Database(join(directory, 'lock'), { create: true, readwrite: true });
  try {
    db.run('PRAGMA busy_timeout = 0');
    db.run('PRAGMA journal_mode = MEMORY');
    db.run('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!/SQLITE_BUSY/.test((error as { code?: string }).code ?? '')) throw error;
    throw new Error(`another process writes the log in ${directory}`);
  }
  return () => db.close();
}
