// Opens a log to go on with it: what it was when it was last written is compared with what is there. Entries that were
// written after that are checked one by one; a last line that is not whole is set aside.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Chain, type Kind } from './chain.ts';
import { genesis } from './entry.ts';
import { identityOf, openFile, openNew, setAside, syncDirectory } from './files.ts';
import { fromHex, type Hash } from './hash.ts';
import { checkpointsOf } from './keeping.ts';
import { AuditLog, type End, hashOf, type LogOptions, openingOf, recoveryOf } from './log.ts';
import { linesOf, type Segment, segmentName, segmentsOf } from './segments.ts';
import { readState, type State } from './state.ts';
import { TileReader, Tiles } from './tiles.ts';
import { Frontier, leafOf } from './tree.ts';

/** The log is not what was written. */
export class IntegrityFault extends Error {
  constructor(
    readonly kind: Kind,
    detail: string,
    readonly seq?: number,
  ) {
    super(detail);
  }
}

/**
 * The lock is the caller's affair.
 * @throws IntegrityFault when the log is not what was written; else what the file system says
 */
export async function openLog(options: LogOptions): Promise<AuditLog> {
  const { directory, signer } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const segments = segmentsOf(directory);
  const state = readState(directory);
  if (state === 'damaged') throw new IntegrityFault('state', 'integrity.json is damaged');
  if (segments.length === 0 && state === undefined) return begin(options);
  if (state === undefined) throw new IntegrityFault('state', 'integrity.json is not there, and the log is');
  if (state.origin !== options.origin)
    throw new IntegrityFault('origin', `the log is that of ${state.origin}, not of ${options.origin}`);
  const scanned = await scan(directory, segments, state);
  const { segment, offset, digest, seq, hash } = scanned;
  const file = await openFile(directory, segment);
  const { tree, tiles } = signer
    ? growth(directory, segments, seq)
    : { tree: new Frontier(), tiles: undefined };
  const vouched = checkpointsOf(directory).reduce(
    (most, each) => (typeof each === 'string' ? most : Math.max(most, each.checkpoint.size)),
    0,
  );
  const end: End = {
    file,
    identity: await identityOf(file),
    segment,
    offset,
    digest,
    seq,
    hash,
    tree,
    tiles,
    vouched,
  };
  const log = new AuditLog(options, end);
  if (scanned.torn) await log.append(recoveryOf(scanned.torn));
  return log;
}

async function begin(options: LogOptions): Promise<AuditLog> {
  const { directory, origin, signer } = options;
  const segment = segmentName(1);
  const file = await openNew(directory, segment);
  syncDirectory(directory);
  const log = new AuditLog(options, {
    file,
    identity: await identityOf(file),
    segment,
    offset: 0,
    digest: new Bun.CryptoHasher('sha256'),
    seq: 0,
    hash: genesis(origin),
    tree: new Frontier(),
    tiles: signer && new Tiles(directory),
    vouched: 0,
  });
  await log.append(openingOf(origin, signer));
  return log;
}

interface Scanned {
  readonly segment: string;
  readonly offset: number;
  readonly digest: Bun.CryptoHasher;
  readonly seq: number;
  readonly hash: Hash;
  readonly torn: Awaited<ReturnType<typeof setAside>>;
}

/** From the file that was last written to, to the end. */
async function scan(directory: string, segments: readonly Segment[], state: State): Promise<Scanned> {
  const at = segments.findIndex(({ name }) => name === state.segment);
  if (at < 0) throw new IntegrityFault('segment_missing', `${state.segment} is not there`, state.seq);
  const first = segments[at] as Segment;
  const opened = await openFile(directory, first.name);
  const identity = await identityOf(opened);
  await opened.close();
  if (identity.inode !== state.inode || identity.device !== state.device)
    throw new IntegrityFault(
      'state',
      `${first.name} is another file than was written: copied, or replaced`,
      first.first,
    );
  const chain = new Chain(first.first, previousOf(directory, first));
  let segment = first;
  let offset = 0;
  let digest = new Bun.CryptoHasher('sha256');
  let isKnown = false;
  for (segment of segments.slice(at)) {
    offset = 0;
    digest = new Bun.CryptoHasher('sha256');
    if (segment.first !== chain.seq)
      throw new IntegrityFault('segment_missing', `the file with entry ${chain.seq} is not there`, chain.seq);
    for (const line of linesOf(join(directory, segment.name))) {
      const entry = chain.take(line);
      if ('kind' in entry) {
        const isLast = segment === segments.at(-1) && isKnown && !line.isWhole;
        if (!isLast) throw new IntegrityFault(entry.kind, entry.detail, chain.seq);
        break;
      }
      if (entry.seq === state.seq) {
        if (entry.hash !== state.hash)
          throw new IntegrityFault('state', `entry ${entry.seq} is not what was written last`, entry.seq);
        isKnown = true;
      }
      digest.update(line.bytes).update('\n');
      offset = line.offset + line.bytes.length + 1;
    }
  }
  if (!isKnown)
    throw new IntegrityFault(
      'truncated',
      `the log ends before entry ${state.seq}, which was written`,
      chain.seq,
    );
  const torn = await setAside(directory, segment.name, offset);
  return { segment: segment.name, offset, digest, seq: chain.seq - 1, hash: hashOf(chain.previous), torn };
}

/** What the first entry of a file says of the one before it; the file before it is not read. */
function previousOf(directory: string, { name }: Segment): string {
  for (const { bytes } of linesOf(join(directory, name))) {
    const at = bytes.indexOf('"prev_hash":"');
    return bytes.toString('latin1', at + 13, at + 77);
  }
  return '';
}

/** The tree of all entries: complete tiles are on disk, the leaves behind them are read from the log. */
function growth(
  directory: string,
  segments: readonly Segment[],
  size: number,
): { tree: Frontier; tiles: Tiles } {
  const WIDTH = 256;
  const onDisk = new TileReader(directory);
  const from = Math.floor(size / WIDTH) * WIDTH;
  const rest = leavesFrom(directory, segments, from + 1, size);
  const node = (level: number, index: number): Hash =>
    level === 0 ? (rest[index - from] as Hash) : onDisk.node(level * 8, index);
  const tiles = new Tiles(directory, size, node);
  return { tree: frontierOf(size, from, rest, onDisk), tiles };
}

/** The roots of the complete subtrees of the first `from` leaves, then the rest one by one. */
function frontierOf(size: number, from: number, rest: readonly Hash[], onDisk: TileReader): Frontier {
  const parts: Hash[] = [];
  for (let done = 0; done < from; ) {
    let level = Math.floor(Math.log2(from - done));
    while (2 ** level > from - done) level--;
    parts.push(onDisk.node(level, done / 2 ** level));
    done += 2 ** level;
  }
  const tree = new Frontier(from, parts);
  for (const leaf of rest.slice(0, size - from)) tree.append(leaf);
  return tree;
}

function leavesFrom(directory: string, segments: readonly Segment[], from: number, to: number): Hash[] {
  const leaves: Hash[] = [];
  const start = segments.findLastIndex(({ first }) => first <= from);
  for (const { first, name } of segments.slice(Math.max(0, start))) {
    let seq = first;
    for (const { bytes } of linesOf(join(directory, name))) {
      if (seq > to) return leaves;
      const at = bytes.indexOf('"entry_hash":"');
      const hash = fromHex(bytes.toString('latin1', at + 14, at + 78));
      if (seq++ >= from && hash) leaves.push(leafOf(hash));
    }
  }
  return leaves;
}
