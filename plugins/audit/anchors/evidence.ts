// What anchors leave, to be read by whoever verifies: lines of JSON, each with a signed note, added to and never changed.

import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../files.ts';

/** Bytes at the end of a file that hold its last line, whatever it is. */
const TAIL = 65_536;
const LF = 0x0a;

/** Adds a note, and waits until it is on disk. @throws what the file system says */
export async function keepNote(file: string, note: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const last = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    // What a process left unfinished is a line of its own, and no beginning of this one.
    const before = size > 0 && last.buffer[0] !== LF ? '\n' : '';
    await handle.appendFile(`${before}${JSON.stringify({ note })}\n`);
    await handle.datasync();
    if (size === 0) syncDirectory(dirname(file));
  } finally {
    await handle.close();
  }
}

/**
 * The last note that was added, among the newest; undefined where there is none.
 * @throws what the file system says
 */
export async function lastNote(
  file: string,
  isWanted: (note: string) => boolean = () => true,
): Promise<string | undefined> {
  const tail = await tailOf(file);
  return tail
    .split('\n')
    .map(noteOf)
    .findLast((note): note is string => note !== undefined && isWanted(note));
}

async function tailOf(file: string): Promise<string> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Of a line that is torn, or somebody else's, undefined. */
function noteOf(line: string): string | undefined {
  try {
    const { note } = Object(JSON.parse(line)) as { note?: unknown };
    return typeof note === 'string' ? note : undefined;
  } catch {
    return undefined;
  }
}
