// Whether the end of a log is still what was written: read again from the disk while the gateway runs.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Chain } from './chain.ts';
import type { AuditLog } from './log.ts';
import { linesOf, segmentsOf } from './segments.ts';

/**
 * The last entries, as far as they stand in the file that is written to.
 * @returns what is wrong; undefined where all is well
 */
export function brokenEnd(log: AuditLog, directory: string, entries: number): string | undefined {
  const { segment, seq, hash, offset } = log;
  const at = segmentsOf(directory).find(({ name }) => name === segment);
  if (!at) return `${segment} is not there any more`;
  const file = join(directory, segment);
  const { size } = statSync(file);
  if (size < offset) return `${segment} is shorter than what was written`;
  const from = startOfLast(file, offset, entries);
  let chain: Chain | undefined;
  for (const line of linesOf(file, from)) {
    if (line.offset >= offset) break;
    chain ??= chainAt(line.bytes);
    if (!chain) return `${segment} has a line that is no entry`;
    const place = chain.seq;
    const entry = chain.take(line);
    if ('kind' in entry) return `entry ${place}: ${entry.detail}`;
    if (entry.seq === seq && entry.hash !== hash) return `entry ${seq} is not what was written last`;
  }
  return chain === undefined || chain.seq !== seq + 1
    ? `${segment} does not end with entry ${seq}`
    : undefined;
}

/** Where the last so many lines before `end` begin. */
function startOfLast(file: string, end: number, lines: number): number {
  const bytes = readFileSync(file).subarray(0, end);
  let at = end - 1;
  for (let seen = 0; seen < lines && at > 0; seen++) at = bytes.lastIndexOf(0x0a, at - 1);
  return at < 0 ? 0 : at === 0 ? 0 : at + 1;
}

function chainAt(line: Buffer): Chain | undefined {
  const text = line.toString('utf8');
  const [, previous] = /"prev_hash":"([0-9a-f]{64})"/.exec(text) ?? [];
  const [, seq] = /"seq":(\d+)/.exec(text) ?? [];
  return previous === undefined || seq === undefined ? undefined : new Chain(Number(seq), previous);
}
