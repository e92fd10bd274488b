// Opens a log to go on with it: what it was when it was last written is compared with what is there.

import { mkdirSync, rmSync, statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { genesis } from './entry.ts';
import { identityAt, identityOf, openFile, syncDirectory } from './files.ts';
import { hex } from './hash.ts';
import { IntegrityFault } from './integrity.ts';
import { lastVouched } from './keeping.ts';
import { AuditLog, type LogOptions } from './log.ts';
import { grow, wholeTiles } from './regrow.ts';
import { type Scanned, scan } from './scan.ts';
import { fileDigest, linesOf, type Segment, segmentName, segmentsOf } from './segments.ts';
import { fileState, readStateText, type State, type StateStore, stateText } from './state.ts';
import { openingOf, recoveryOf } from './tail.ts';
import { Tiles } from './tiles.ts';
import { Frontier } from './tree.ts';

/** Unless it is said otherwise, the state lies beside the log, and the signer of checkpoints signs it. */
export interface OpenOptions extends Omit<LogOptions, 'store'> {
  readonly store?: StateStore;
}

/**
 * The lock is the caller's affair.
 * @throws IntegrityFault when the log is not what was written; else what the file system says
 */
export async function openLog(given: OpenOptions): Promise<AuditLog> {
  const { directory, store = fileState(directory), key = given.signer } = given;
  const options: LogOptions = { ...given, store, key };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const segments = segmentsOf(directory);
  const text = await store.read();
  const isNew = segments.every(({ name }) => statSync(join(directory, name)).size === 0);
  if (text === undefined && isNew) return begin(options);
  const state = text === undefined ? unknownState(options, segments) : knownState(text, options);
  checkOrigin(state.origin, options);
  return goOn(options, segments, state);
}

function checkOrigin(known: string, { directory, origin }: LogOptions): void {
  if (known === origin) return;
  throw new Error(
    `the log in ${directory} is that of ${known}, not of ${origin}: another origin needs another directory`,
  );
}

function knownState(text: string, options: LogOptions): State {
  const { key, formerKey } = options;
  // Keys have the name of the log: what another one has signed would be told as forged.
  const claimed = readStateText(text);
  if (typeof claimed === 'object') checkOrigin(claimed.origin, options);
  const own = readStateText(text, key?.verifier);
  const state = own === 'unsigned' && formerKey ? readStateText(text, formerKey) : own;
  if (state === 'damaged') throw new IntegrityFault('state', 'the state kept of the log is damaged');
  if (state === 'unsigned')
    throw new IntegrityFault('state', 'the state kept of the log is not signed with the key of this log');
  return state;
}

/** Of a log whose state is kept by the process alone, the last file is all that is looked at. */
function unknownState({ store, directory }: LogOptions, segments: readonly Segment[]): State {
  const last = segments.at(-1);
  // Of any other place, a log without its state is not what was written.
  if (store.place !== 'memory' || !last)
    throw new IntegrityFault('state', 'the state kept of the log is not there, and the log is');
  const identity = identityAt(directory, last.name);
  for (const { bytes } of linesOf(join(directory, last.name))) {
    const { origin, prev_hash: hash } = JSON.parse(bytes.toString('utf8')) as Record<string, string>;
    if (identity && origin && hash)
      return { origin, segment: last.name, ...identity, offset: 0, seq: last.first - 1, hash };
    break;
  }
  throw new IntegrityFault('syntax', `${last.name} does not begin with an entry that opens it`, last.first);
}

/** The state first: a log of which there is a line has one. */
async function begin(options: LogOptions): Promise<AuditLog> {
  const { directory, origin, signer, store, key, tiles = true } = options;
  const segment = segmentName(1);
  const file = await openFile(directory, segment);
  syncDirectory(directory);
  const identity = await identityOf(file);
  const start = { segment, ...identity, offset: 0, seq: 0 };
  await store.write(stateText({ ...start, origin, hash: hex(genesis(origin)), tree: '' }, key));
  syncDirectory(directory);
  const log = new AuditLog(options, {
    ...start,
    file,
    identity,
    digest: new Bun.CryptoHasher('sha256'),
    hash: genesis(origin),
    tree: new Frontier(),
    tiles: signer && tiles ? new Tiles(directory) : undefined,
    vouched: 0,
  });
  await log.append(openingOf(options));
  return log;
}

async function goOn(options: LogOptions, segments: readonly Segment[], state: State): Promise<AuditLog> {
  const { directory, signer, tiles: hasTiles = true } = options;
  const vouched = lastVouched(directory);
  const hasTree = signer !== undefined && hasTiles;
  const behind = hasTree ? Math.min(state.seq, wholeTiles(vouched)) : state.seq;
  const scanned = await scan(directory, segments, state, behind);
  const { segment, offset, digest, seq, hash, leaves, torn } = scanned;
  // One that was closed just before the end of the process is written to after all.
  await chmod(join(directory, segment.name), 0o600);
  const file = await openFile(directory, segment.name);
  const onDisk = hasTree ? Math.min(vouched, seq) : undefined;
  // What nobody keeps up to date any more says nothing.
  if (!hasTree) rmSync(join(directory, 'tile'), { recursive: true, force: true });
  const { tree, tiles } = grow({ directory, state, leaves, size: seq, onDisk });
  const identity = await identityOf(file);
  const end = {
    file,
    identity,
    segment: segment.name,
    offset,
    digest,
    seq,
    hash,
    tree,
    tiles,
    vouched: Math.min(vouched, seq),
  };
  const log = new AuditLog(options, end);
  if (offset === 0) await log.append(reopening(options, segments, scanned));
  if (torn) await log.append(recoveryOf(torn));
  return log;
}

/** The first entry of a file whose first one never came onto the disk. */
function reopening(options: LogOptions, segments: readonly Segment[], at: Scanned) {
  const before = segments[segments.indexOf(at.segment) - 1];
  const opening = openingOf(options);
  return before ? { ...opening, previous_file: fileDigest(options.directory, before.name) } : opening;
}
