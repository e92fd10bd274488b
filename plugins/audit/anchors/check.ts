// Checkpoints that an authority has stamped, as the anchor `timestamp` keeps them, read for whoever verifies a log: what
// the authority says is judged here, the rest where logs are read.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkStamp } from './time-stamp.ts';

/** A checkpoint that was there at a time. */
export interface StampedNote {
  /** The signed note. */
  readonly text: string;
  /** For people: where it was, and who says so. */
  readonly from: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface StampFault {
  readonly from: string;
  readonly detail: string;
}

/**
 * @param directory of files `SIZE.note` and `SIZE.tsr`
 * @param authorities who signs time stamps, or vouches for who does: PEM
 * @returns in the order of their sizes; and what does not hold
 * @throws what the file system says of the directory
 */
export function stampsIn(
  directory: string,
  authorities: string,
): { readonly stamped: StampedNote[]; readonly faults: StampFault[] } {
  const sizes = readdirSync(directory).flatMap((name) => /^(\d+)\.(?:note|tsr)$/.exec(name)?.[1] ?? []);
  const stamped: StampedNote[] = [];
  const faults: StampFault[] = [];
  for (const size of [...new Set(sizes)].sort((a, b) => Number(a) - Number(b))) {
    const from = `${basename(directory)}/${size}.tsr`;
    try {
      stamped.push(readStamp(join(directory, size), from, authorities));
    } catch (error) {
      faults.push({ from, detail: error instanceof Error ? error.message : 'it cannot be read' });
    }
  }
  return { stamped, faults };
}

function readStamp(path: string, from: string, authorities: string): StampedNote {
  const content = readOr(`${path}.note`);
  const { time, subject } = checkStamp(readOr(`${path}.tsr`), content, authorities);
  return { text: content.toString('utf8'), from: `${from}, ${subject}`, time };
}

function readOr(file: string): Buffer {
  if (!existsSync(file)) throw new Error(`${basename(file)} is not there`);
  return readFileSync(file);
}
