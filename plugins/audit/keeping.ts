// Checkpoints beside the log, one after the other: each a line with a signed note. And the last one alone, for those
// who follow the log from outside.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { type FileHandle, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { openFile, setAside, writeDown } from './files.ts';
import { type Note, readNote } from './note.ts';

export const CHECKPOINTS = 'checkpoints.jsonl';
export const LATEST = 'checkpoint';

export interface Kept {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
}

/** Where checkpoints are put while the log is written. */
export class Checkpoints {
  #file: FileHandle | undefined;
  /** The last one that is on disk. */
  #kept = '';
  /** From here on the file has what a write left that failed. */
  #doubtful = Number.POSITIVE_INFINITY;

  constructor(readonly directory: string) {}

  /** One that was kept, but not as the last one alone, is not kept twice. @throws what the file system says */
  async keep(note: string): Promise<void> {
    if (note !== this.#kept) await this.#add(note);
    this.#kept = note;
    await writeFile(join(this.directory, `${LATEST}.new`), note, { mode: 0o600 });
    await rename(join(this.directory, `${LATEST}.new`), join(this.directory, LATEST));
  }

  async #add(note: string): Promise<void> {
    this.#file ??= await this.#open();
    const { size } = await this.#file.stat();
    try {
      await writeDown(this.#file, Buffer.from(`${JSON.stringify({ note })}\n`));
    } catch (error) {
      // What it took of the line is cut off the next time. It may be all of it, and still not be on disk.
      this.#doubtful = size;
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  /** Behind the last line that is whole: the end of a process may have torn one. */
  async #open(): Promise<FileHandle> {
    const { size, bytes } = endOf(this.directory);
    const whole = Math.min(this.#doubtful, size - (bytes.length - 1 - bytes.lastIndexOf(LF)));
    if (whole < size) await setAside(this.directory, CHECKPOINTS, whole);
    this.#doubtful = Number.POSITIVE_INFINITY;
    return openFile(this.directory, CHECKPOINTS);
  }
}

/** How many entries the last checkpoint vouches for, by its own word; only the end of the file is read. */
export function lastVouched(directory: string): number {
  const last = endOf(directory).bytes.toString('utf8').split('\n').at(-2);
  try {
    return keptOf(last ?? '').checkpoint.size;
  } catch {
    return 0;
  }
}

/**
 * In the order of the file; of those that are none, why. The last line may be torn by the end of a process.
 * @throws what the file system says
 */
export function checkpointsOf(directory: string): (Kept | string)[] {
  const lines = ifThere(() => readFileSync(join(directory, CHECKPOINTS), 'utf8'), '').split('\n');
  lines.pop();
  return lines.map((line) => {
    try {
      return keptOf(line);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
}

/** @throws Error of a line that holds no checkpoint */
function keptOf(line: string): Kept {
  const note = readNote(String((JSON.parse(line) as { note: unknown }).note));
  return { note, checkpoint: readCheckpoint(note.text) };
}

const LF = 0x0a;
/** Longer than any line. */
const END = 16_384;

function endOf(directory: string): { readonly size: number; readonly bytes: Buffer } {
  const descriptor = ifThere(() => openSync(join(directory, CHECKPOINTS), 'r'), undefined);
  if (descriptor === undefined) return { size: 0, bytes: Buffer.alloc(0) };
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, END));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return { size, bytes };
  } finally {
    closeSync(descriptor);
  }
}

function ifThere<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
