// Entries read from the files of a log, from a place on: for sinks that are behind, and after a restart.

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { LONGEST } from '../entry.ts';
import { type Segment, segmentsOf } from '../segments.ts';
import type { Cursor } from './cursor.ts';

export interface Replayed {
  readonly lines: readonly string[];
  readonly next: Cursor;
  /** Entries that the log's files do not have any more. */
  readonly missing: number;
}

/** Bytes of one look: more than the longest entry. */
const CHUNK = 4 * LONGEST;
const LF = 0x0a;

/**
 * What follows the cursor, up to entry `last`, `most` entries at the most; undefined where there is nothing.
 * @throws what the file system says
 */
export async function replay(
  directory: string,
  cursor: Cursor,
  last: number,
  most: number,
): Promise<Replayed | undefined> {
  if (cursor.seq >= last) return undefined;
  const segments = segmentsOf(directory);
  const at = segments.findLastIndex(({ first }) => first <= cursor.seq + 1);
  const here = segments[at];
  const after = segments[at + 1];
  const found = here && (await read(directory, here, cursor, Math.min(last, cursor.seq + most)));
  if (found && found.lines.length > 0) return found;
  // The file has no more: it goes on in the next one, or entries are gone for good.
  if (after === undefined) return undefined;
  const missing = after.first - (cursor.seq + 1);
  return { lines: [], next: { seq: after.first - 1, segment: after.name, offset: 0 }, missing };
}

async function read(directory: string, here: Segment, cursor: Cursor, to: number): Promise<Replayed> {
  const isKnown = cursor.segment === here.name && cursor.offset !== undefined;
  let seq = isKnown ? cursor.seq : here.first - 1;
  let offset = isKnown ? (cursor.offset ?? 0) : 0;
  const lines: string[] = [];
  const file = await open(join(directory, here.name), 'r');
  try {
    while (seq < to) {
      const bytes = await chunkOf(file, offset);
      let from = 0;
      for (let end = bytes.indexOf(LF); end >= 0 && seq < to; end = bytes.indexOf(LF, from)) {
        seq++;
        if (seq > cursor.seq) lines.push(bytes.toString('utf8', from, end));
        from = end + 1;
      }
      offset += from;
      if (from === 0 || lines.length > 0) break;
    }
  } finally {
    await file.close();
  }
  return { lines, next: { seq, segment: here.name, offset }, missing: 0 };
}

async function chunkOf(file: FileHandle, offset: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const { bytesRead } = await file.read(buffer, 0, CHUNK, offset);
  return buffer.subarray(0, bytesRead);
}
