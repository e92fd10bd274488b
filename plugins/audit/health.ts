// Whether the end of a log is still what was written: read again from the disk while the gateway runs.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { Chain } from './chain.ts';
import { identityAt } from './files.ts';
import type { AuditLog } from './log.ts';
import { linesOf } from './segments.ts';

/**
 * The last entries, as far as they stand in the file that is written to; no more of it is read.
 * @returns what is wrong; undefined where all is well
 */
export function brokenEnd(log: AuditLog, directory: string, entries: number): string | undefined {
  const { segment, seq, hash, offset, identity } = log;
  // Between two files there is no end to look at.
  if (log.isMoving) return undefined;
  const now = identityAt(directory, segment);
  if (!now) return `${segment} is not there any more`;
  if (now.inode !== identity.inode || now.device !== identity.device)
    return `${segment} is another file than is written to`;
  const file = join(directory, segment);
  const from = startOfLast(file, offset, entries);
  if (from === undefined) return `${segment} is shorter than what was written`;
  let chain: Chain | undefined;
  for (const line of linesOf(file, from)) {
    if (line.offset >= offset) break;
    chain ??= chainAt(line.bytes);
    if (!chain) return `${segment} has a line that is no entry`;
    const place = chain.seq;
    const entry = chain.take(line);
    if ('kind' in entry) return `entry ${place}: ${entry.detail}`;
  }
  if (chain?.seq !== seq + 1) return `${segment} does not end with entry ${seq}`;
  return chain.previous === hash ? undefined : `entry ${seq} is not what was written last`;
}

/** Read backwards, this much at a time. */
const PIECE = 65_536;
const LF = 0x0a;

/** Where the last so many lines before `end` begin; undefined where the file does not reach so far. */
function startOfLast(file: string, end: number, lines: number): number | undefined {
  const descriptor = openSync(file, 'r');
  try {
    if (fstatSync(descriptor).size < end) return undefined;
    const piece = Buffer.allocUnsafe(PIECE);
    let seen = 0;
    // The break before `end` ends the last line.
    for (let to = end - 1; to > 0; ) {
      const from = Math.max(0, to - PIECE);
      readSync(descriptor, piece, 0, to - from, from);
      for (let at = to - from - 1; at >= 0; at--)
        if (piece[at] === LF && ++seen === lines) return from + at + 1;
      to = from;
    }
    return 0;
  } finally {
    closeSync(descriptor);
  }
}

function chainAt(line: Buffer): Chain | undefined {
  const text = line.toString('utf8');
  const [, previous] = /"prev_hash":"([0-9a-f]{64})"/.exec(text) ?? [];
  const [, seq] = /"seq":(\d+)/.exec(text) ?? [];
  return previous === undefined || seq === undefined ? undefined : new Chain(Number(seq), previous);
}
