// Reads a file that somebody else named, whole, and no more of it than such a file can have. Knows nothing of what is
// in it.

import { closeSync, openSync, readSync } from 'node:fs';
import { systemCode } from './exit.ts';

/** Of a configuration, or of a file that it refers to, bytes. Fixed: the configuration cannot say how long it may be. */
const LONGEST_FILE = 4 * 1024 * 1024;

/** How `LONGEST_FILE` is written for people. */
export const LONGEST_TEXT = '4MiB';

export const STDIN = 0;

const CHUNK = 64 * 1024;
/** How long a pipe that is empty for now is left alone, milliseconds. */
const EMPTY_MS = 5;

/**
 * @param from a path, or a descriptor, which is left open
 * @returns its text; a device or a pipe is read to its end
 * @throws the system's errors; with the code `EFBIG` beyond `LONGEST_FILE`
 */
export function readBounded(from: string | typeof STDIN): string {
  const fd = typeof from === 'string' ? openSync(from, 'r') : from;
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for (let part = next(fd); part.length > 0; part = next(fd)) {
      size += part.length;
      if (size > LONGEST_FILE)
        throw Object.assign(new Error(`longer than ${LONGEST_TEXT}`), { code: 'EFBIG' });
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } finally {
    if (typeof from === 'string') closeSync(fd);
  }
}

/** Nothing at the end. */
function next(fd: number): Buffer {
  const part = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    try {
      return part.subarray(0, readSync(fd, part, 0, CHUNK, null));
    } catch (error) {
      const code = systemCode(error);
      // As the end of a pipe is told on Windows.
      if (code === 'EOF') return part.subarray(0, 0);
      if (code !== 'EAGAIN') throw error;
      // A configuration is read synchronously, so no event of the pipe could come; without a rest this would spin.
      Bun.sleepSync(EMPTY_MS);
    }
  }
}
