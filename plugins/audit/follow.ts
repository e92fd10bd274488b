// Whether an entry follows the one before it: nothing changed, left out, put in or moved. Judges by the lines alone.

import type { Kind } from './chain.ts';
import { EntryReader, LONGEST, type Read } from './entry.ts';
import type { Line } from './segments.ts';
import { isCanonical } from './strict.ts';

export interface Fault {
  readonly seq: number;
  readonly kind: Kind;
  readonly detail: string;
}

export class Follower {
  readonly #reader = new EntryReader();
  /** The hash of the entry before the last one. */
  #before = '';

  constructor(
    /** The number the next entry must have. */
    public seq: number,
    /** The hash the next entry must name; undefined where the log is not read from its beginning. */
    public previous: string | undefined,
  ) {}

  /** The entry in a line, if it is one and is the next. It counts once it is `taken`. */
  read(line: Line): Read | Fault {
    const { seq } = this;
    if (!line.isWhole)
      return line.bytes.length >= LONGEST
        ? { seq, kind: 'syntax', detail: 'a line that is longer than any entry' }
        : { seq, kind: 'torn', detail: 'the last line is not whole' };
    const entry = this.#reader.read(line.bytes);
    if (entry === 'hash') return { seq, kind: 'hash', detail: 'the entry is not the one that was written' };
    if (entry === 'syntax' || !isCanonical(line.bytes))
      return { seq, kind: 'syntax', detail: 'a line that is no entry' };
    if (entry.seq === seq) return entry;
    if (entry.seq === seq - 1 && entry.previous === this.#before && entry.hash !== this.previous)
      return { seq: entry.seq, kind: 'sequence', detail: 'another entry was put in the place of this one' };
    return { seq, kind: 'sequence', detail: `entry ${entry.seq} stands where ${seq} belongs` };
  }

  follows(entry: Read): boolean {
    return this.previous === undefined || entry.previous === this.previous;
  }

  take(entry: Read): void {
    this.#before = entry.previous;
    this.previous = entry.hash;
    this.seq = entry.seq + 1;
  }

  /** Whether a line names this hash for the one before it: what tells a lone forged entry from those around it. */
  static names(line: Line, hash: string): boolean {
    return line.bytes.includes(`"prev_hash":"${hash}"`);
  }
}
