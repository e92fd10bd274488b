// Whether entries follow each other: nothing changed, left out, put in or moved.

import { EntryReader, LONGEST, type Read } from './entry.ts';
import type { Line } from './segments.ts';

/** What can be wrong with a log. Names for ever: docs/audit-format.md. */
export type Kind =
  | 'syntax'
  | 'hash'
  | 'sequence'
  | 'chain'
  | 'torn'
  | 'origin'
  | 'segment_missing'
  | 'segment_order'
  | 'segment_digest'
  | 'checkpoint_signature'
  | 'checkpoint_root'
  | 'checkpoint_missing'
  | 'truncated'
  | 'tree'
  | 'state'
  | 'anchor';

export class Chain {
  readonly #reader = new EntryReader();

  constructor(
    /** The number the next entry must have. */
    public seq: number,
    /** The hash the next entry must name, hexadecimal. */
    public previous: string,
  ) {}

  /** Takes the next entry. */
  take(line: Line): Read | { readonly kind: Kind; readonly detail: string } {
    if (!line.isWhole)
      return line.bytes.length >= LONGEST
        ? { kind: 'syntax', detail: 'a line that is longer than any entry' }
        : { kind: 'torn', detail: 'the last line is not whole' };
    const entry = this.#reader.read(line.bytes);
    if (entry === 'syntax') return { kind: 'syntax', detail: 'a line that is no entry' };
    if (entry === 'hash') return { kind: 'hash', detail: 'the entry is not the one that was written' };
    if (entry.seq !== this.seq)
      return { kind: 'sequence', detail: `entry ${entry.seq} stands where ${this.seq} belongs` };
    if (entry.previous !== this.previous)
      return { kind: 'chain', detail: 'the entry does not follow the one before it' };
    this.seq = entry.seq + 1;
    this.previous = entry.hash;
    return entry;
  }
}
