// The entries of a log as sinks get them: the newest from memory, older ones from its files.

import type { Cursor } from './cursor.ts';
import type { Batch, Source } from './delivery.ts';
import type { Recent } from './recent.ts';
import { replay } from './replay.ts';

export interface EntriesOptions {
  /** Most entries of a batch. */
  readonly batch: number;
  /** Most that a sink may be behind. */
  readonly behind: number;
  /** Where one begins that is new. */
  readonly from: 'now' | 'beginning';
}

export function entriesOf(
  directory: string,
  recent: Recent,
  { batch, behind, from }: EntriesOptions,
): Source<string> {
  const held = (cursor: Cursor): Batch<string> | undefined => {
    const lines = recent.after(cursor.seq, batch);
    return lines && { items: lines, next: { seq: cursor.seq + lines.length } };
  };
  return {
    // A log with one entry has the one that opens it.
    start: () => ({ seq: from === 'beginning' || recent.last <= 1 ? 0 : recent.last }),
    behind: ({ seq }) => Math.max(0, recent.last - seq),
    async after(cursor) {
      const over = recent.last - cursor.seq - behind;
      if (over > 0)
        return {
          items: [],
          next: { seq: cursor.seq + over },
          skipped: { entries: over, reason: 'behind' },
        };
      const found = held(cursor);
      if (found) return found;
      const read = await replay(directory, cursor, recent.last, batch);
      if (!read) return undefined;
      const { lines, next, missing } = read;
      return { items: lines, next, ...(missing > 0 && { skipped: { entries: missing, reason: 'missing' } }) };
    },
  };
}
