// Checkpoints as they stand beside the log, one after the other while the log is read: never more than one is held.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { CHECKPOINTS } from './keeping.ts';
import { type Note, readNote } from './note.ts';
import { linesOf } from './segments.ts';

export interface Voucher {
  /** The signed note, as it stands there. */
  readonly text: string;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  /** Where its line begins. */
  readonly offset: number;
}

export interface BadLine {
  readonly offset: number;
  readonly why: string;
  /** As it claims. */
  readonly size?: number | undefined;
}

export class Vouchers {
  readonly #file: string;
  #offset = 0;
  #lines: ReturnType<typeof linesOf> | undefined;
  /** The one that was seen and not taken. */
  next: Voucher | undefined;
  /** The first line that is no checkpoint, or not one of this log. */
  bad: BadLine | undefined;
  /** Lines read. */
  count = 0;

  /** Bytes of the file when the look began: what is behind them was written since, and speaks of later entries. */
  readonly initial: number;

  constructor(directory: string) {
    this.#file = join(directory, CHECKPOINTS);
    this.initial = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The next one, which stays the next. A log that is being written may have another one later. */
  peek(): Voucher | undefined {
    while (this.next === undefined) {
      const line = this.#line();
      if (line === undefined) return undefined;
      this.next = this.#read(line.bytes, line.offset);
    }
    return this.next;
  }

  take(): void {
    this.next = undefined;
  }

  /** Lets go of the file. */
  close(): void {
    this.#lines?.return(undefined);
    this.#lines = undefined;
  }

  /** It is not what it says, and the next one counts. */
  refuse(why: string): void {
    const { offset, checkpoint } = this.next as Voucher;
    this.bad ??= { offset, why, size: checkpoint.size };
    this.next = undefined;
  }

  #line(): { bytes: Buffer; offset: number } | undefined {
    if (this.#lines === undefined && !existsSync(this.#file)) return undefined;
    this.#lines ??= linesOf(this.#file, this.#offset);
    const { value } = this.#lines.next();
    // A last line that is not whole is one that is being written, or was when a process ended.
    if (!value?.isWhole) {
      this.close();
      return undefined;
    }
    this.#offset = value.offset + value.bytes.length + 1;
    this.count++;
    return value;
  }

  #read(bytes: Buffer, offset: number): Voucher | undefined {
    try {
      const text = noteOf(bytes.toString('utf8'));
      const note = readNote(text);
      return { text, note, checkpoint: readCheckpoint(note.text), offset };
    } catch (error) {
      this.bad ??= { offset, why: error instanceof Error ? error.message : String(error) };
      return undefined;
    }
  }
}

/** The note in a line. @throws Error where there is none */
export function noteOf(line: string): string {
  const { note } = JSON.parse(line) as { note?: unknown };
  if (typeof note !== 'string') throw new Error('not a checkpoint');
  return note;
}
