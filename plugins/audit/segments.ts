// The files of a log: `segment-SEQ.jsonl`, named for their first entry.

import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

export interface Segment {
  /** The number of its first entry, as its name says. */
  readonly first: number;
  readonly name: string;
}

const NAME = /^segment-(\d{16})\.jsonl$/;

export function segmentName(first: number): string {
  return `segment-${String(first).padStart(16, '0')}.jsonl`;
}

/** In order. @throws what the file system says */
export function segmentsOf(directory: string): Segment[] {
  return readdirSync(directory)
    .flatMap((name) => {
      const first = Number(NAME.exec(name)?.[1] ?? 0);
      return first > 0 ? [{ first, name }] : [];
    })
    .sort((a, b) => a.first - b.first);
}

export interface Line {
  /** Without its line break; good until the next one is asked for. */
  readonly bytes: Buffer;
  /** Where it begins in the file. */
  readonly offset: number;
  /** False of the last one where the file does not end in a line break. */
  readonly isWhole: boolean;
}

const CHUNK = 1_048_576;
const LF = 0x0a;

/** The lines of a file from `start` on. One without an end is given in pieces of at most `longest` bytes. */
export function* linesOf(file: string, start = 0, longest = CHUNK): Generator<Line> {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    let buffer = Buffer.allocUnsafe(Math.max(CHUNK, longest) + CHUNK);
    let held = 0;
    let offset = start;
    for (let at = start; ; ) {
      const read = at < size ? readSync(descriptor, buffer, held, CHUNK, at) : 0;
      at += read;
      const end = held + read;
      let from = 0;
      for (let to = buffer.indexOf(LF, held); to >= 0 && to < end; to = buffer.indexOf(LF, from)) {
        yield { bytes: buffer.subarray(from, to), offset, isWhole: true };
        offset += to + 1 - from;
        from = to + 1;
      }
      held = end - from;
      if (read === 0 || held > longest) {
        if (held > 0) yield { bytes: buffer.subarray(from, end), offset, isWhole: false };
        if (read === 0) return;
        offset += held;
        held = 0;
      } else if (from > 0) {
        const next = Buffer.allocUnsafe(buffer.length);
        buffer.copy(next, 0, from, end);
        buffer = next;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The bytes of a file as a digest, for the next segment's first entry. */
export function fileDigest(directory: string, name: string): string {
  const hasher = new Bun.CryptoHasher('sha256');
  const descriptor = openSync(join(directory, name), 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let read = 1; read > 0; ) {
      read = readSync(descriptor, buffer, 0, CHUNK, null);
      hasher.update(buffer.subarray(0, read));
    }
    return hasher.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}
