// The end of a log that is opened, entry by entry: from the file that was written to last, as the state knows it.

import { join } from 'node:path';
import { Chain } from './chain.ts';
import { identityAt, setAside, type Torn } from './files.ts';
import { fromHex, type Hash } from './hash.ts';
import { IntegrityFault } from './integrity.ts';
import { linesOf, type Segment } from './segments.ts';
import type { State } from './state.ts';
import { leafOf } from './tree.ts';

/** Where the log ends. */
export interface Scanned {
  readonly segment: Segment;
  readonly offset: number;
  readonly digest: Bun.CryptoHasher;
  readonly seq: number;
  readonly hash: Hash;
  /** Leaves of its last entries: of as many as were asked for, as far as they were read. */
  readonly leaves: readonly Hash[];
  /** What came after the last whole entry. */
  readonly torn: Torn | undefined;
}

/**
 * @param behind leaves of the entries behind this one are wanted
 * @throws IntegrityFault when it is not what was written
 */
export async function scan(
  directory: string,
  segments: readonly Segment[],
  state: State,
  behind: number,
): Promise<Scanned> {
  const at = segments.findIndex(({ name }) => name === state.segment);
  const from = segments[at];
  if (!from) throw new IntegrityFault('segment_missing', `${state.segment} is not there`, state.seq);
  checkIdentity(directory, from, state);
  const chain = new Chain(from.first, beforeFirst(directory, from, state));
  const reading = new Reading(directory, state, chain, behind);
  for (const segment of segments.slice(at)) reading.read(segment, segment === segments.at(-1));
  if (!reading.isKnown) {
    const detail = `the log ends before entry ${state.seq}, which was written`;
    throw new IntegrityFault('truncated', detail, chain.seq);
  }
  const { segment, offset, digest, leaves } = reading;
  const torn = await setAside(directory, segment.name, offset);
  return { segment, offset, digest, leaves, torn, seq: chain.seq - 1, hash: hashOf(chain.previous) };
}

function checkIdentity(directory: string, { name, first }: Segment, { inode, device }: State): void {
  const now = identityAt(directory, name);
  if (now?.inode === inode && now.device === device) return;
  throw new IntegrityFault('state', `${name} is another file than was written: copied, or replaced`, first);
}

/** What the first entry of a file says of the one before it; the file before it is not read. */
function beforeFirst(directory: string, { name, first }: Segment, state: State): string {
  // Nothing is in the file that the state knows.
  if (state.seq === first - 1) return state.hash;
  const MEMBER = '"prev_hash":"';
  for (const { bytes } of linesOf(join(directory, name))) {
    const at = bytes.indexOf(MEMBER) + MEMBER.length;
    return bytes.toString('latin1', at, at + 64);
  }
  return '';
}

class Reading {
  readonly leaves: Hash[] = [];
  segment: Segment = { first: 0, name: '' };
  offset = 0;
  digest = new Bun.CryptoHasher('sha256');
  /** Whether the entry that the state knows has come. */
  isKnown: boolean;

  constructor(
    readonly directory: string,
    readonly state: State,
    readonly chain: Chain,
    readonly behind: number,
  ) {
    this.isKnown = state.seq === chain.seq - 1;
  }

  read(segment: Segment, isLast: boolean): void {
    const { chain } = this;
    if (segment.first !== chain.seq) {
      const detail = `the file with entry ${chain.seq} is not there`;
      throw new IntegrityFault('segment_missing', detail, chain.seq);
    }
    this.segment = segment;
    this.offset = 0;
    this.digest = new Bun.CryptoHasher('sha256');
    for (const line of linesOf(join(this.directory, segment.name))) {
      const entry = chain.take(line);
      if ('kind' in entry) {
        // What the end of a process tore was never said to be on disk.
        if (isLast && this.isKnown && !line.isWhole) return;
        throw new IntegrityFault(entry.kind, entry.detail, chain.seq);
      }
      this.#take(entry.seq, entry.hash);
      this.digest.update(line.bytes).update('\n');
      this.offset = line.offset + line.bytes.length + 1;
    }
  }

  #take(seq: number, hash: string): void {
    const { state } = this;
    if (seq > this.behind) this.leaves.push(leafOf(hashOf(hash)));
    if (seq !== state.seq) return;
    if (hash !== state.hash)
      throw new IntegrityFault('state', `entry ${seq} is not what was written last`, seq);
    this.isKnown = true;
  }
}

function hashOf(text: string): Hash {
  const hash = fromHex(text);
  if (!hash) throw new IntegrityFault('syntax', 'an entry names a hash that is none');
  return hash;
}
