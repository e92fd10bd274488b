// Up to where a place has the log: one small file for each, beside the log, so that a restart goes on there.

import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Cursor {
  /** The last entry, or the size of the last checkpoint, that arrived. */
  readonly seq: number;
  /** Where the next entry begins, as far as that is known. */
  readonly segment?: string | undefined;
  readonly offset?: number | undefined;
}

export interface CursorFile {
  /** Undefined where there is none, or none that can be read: what it says is no secret and can be said again. */
  read(): Cursor | undefined;
  /** @throws what the file system says */
  write(cursor: Cursor): Promise<void>;
}

export function cursorFile(file: string): CursorFile {
  return {
    read() {
      try {
        return cursorOf(JSON.parse(readFileSync(file, 'utf8')));
      } catch {
        return undefined;
      }
    },
    async write(cursor) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, `${JSON.stringify(cursor)}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
  };
}

function cursorOf(value: unknown): Cursor | undefined {
  const { seq, segment, offset } = Object(value) as Record<string, unknown>;
  if (!isCount(seq)) return undefined;
  const hasPlace = typeof segment === 'string' && isCount(offset);
  return hasPlace ? { seq, segment, offset } : { seq };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
