// Reads a whole log and says whether it is what was written, as far as that can be known from what is at hand.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Chain, type Finding, type Kind } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';
import { genesis } from './entry.ts';
import { fromHex, type Hash, hex, isSame } from './hash.ts';
import { checkpointsOf, type Kept } from './keeping.ts';
import { isSignedBy, type Verifier, verifierOf } from './note.ts';
import { linesOf, type Segment, segmentsOf } from './segments.ts';
import { readState, type State } from './state.ts';
import { TileReader } from './tiles.ts';
import { Frontier, leafOf } from './tree.ts';

export interface Trust {
  /** The key the log's checkpoints are signed with; undefined: they are taken as they are. */
  readonly key?: Verifier | undefined;
  /** Checkpoints that were kept elsewhere, their signatures checked. */
  readonly anchors?: readonly Checkpoint[];
}

export interface Report {
  /** `unable`: there is nothing to judge, or it cannot be read. */
  readonly verdict: 'passed' | 'tampered' | 'unable';
  /** The first that is wrong first. */
  readonly findings: readonly Finding[];
  readonly origin: string | undefined;
  readonly entries: number;
  readonly segments: number;
  readonly checkpoints: number;
  /** Up to this entry, signed checkpoints vouch for the log. */
  readonly signed: number;
  /** Up to this entry, something outside of the log's directory does. Beyond it, cutting it off would not show. */
  readonly anchored: number;
  readonly notes: readonly string[];
}

interface Fault {
  readonly kind: Kind;
  readonly detail: string;
}

class Verification {
  readonly findings: Finding[] = [];
  readonly notes: string[] = [];
  readonly tree = new Frontier();
  origin: string | undefined;
  key: Verifier | undefined;
  /** By size. What vouches for the log at that size: its own checkpoints, and those kept elsewhere. */
  readonly #roots = new Map<number, { root: Hash; from: 'checkpoint' | 'anchor' }[]>();
  readonly #sizes: number[] = [];
  readonly #hashes = new Map<number, string>();
  #chain: Chain | undefined;
  signed = 0;
  anchored = 0;
  #good = 0;

  constructor(
    readonly directory: string,
    readonly trust: Trust,
    readonly kept: readonly (Kept | string)[],
    readonly state: State | 'damaged' | undefined,
  ) {
    this.key = trust.key;
  }

  run(segments: readonly Segment[]): void {
    for (const anchor of this.trust.anchors ?? []) this.#expect(anchor, 'anchor');
    for (const each of this.kept) if (typeof each !== 'string') this.#expect(each.checkpoint, 'checkpoint');
    if (this.state && this.state !== 'damaged') this.#hashes.set(this.state.seq, this.state.hash);
    let digest: string | undefined;
    for (const segment of segments) {
      digest = this.#segment(segment, digest);
      if (digest === undefined) return;
    }
  }

  get entries(): number {
    return this.tree.size;
  }

  #expect({ size, root }: Checkpoint, from: 'checkpoint' | 'anchor'): void {
    const all = this.#roots.get(size) ?? [];
    all.push({ root, from });
    this.#roots.set(size, all);
    this.#sizes.push(size);
  }

  found(seq: number, fault: Fault, where: { file?: string; offset?: number } = {}, isExact = true): void {
    this.findings.push({ seq, ...fault, ...where, isExact });
  }

  /** @returns the digest of its bytes; undefined where it is not worth going on */
  #segment({ first, name }: Segment, before: string | undefined): string | undefined {
    const file = name;
    const expected = this.#chain?.seq ?? 1;
    if (first > expected) {
      const kind = 'segment_missing';
      this.found(expected, { kind, detail: `the file with entry ${expected} is not there` }, { file });
      return undefined;
    }
    if (first < expected) {
      this.found(first, { kind: 'segment_order', detail: `entry ${first} stands in two files` }, { file });
      return undefined;
    }
    const hasher = new Bun.CryptoHasher('sha256');
    for (const line of linesOf(join(this.directory, name))) {
      if (line.bytes.length > 0 || line.isWhole) hasher.update(line.bytes);
      if (line.isWhole) hasher.update('\n');
      const where = { file, offset: line.offset };
      if (line.offset === 0) {
        const fault = this.#begin(line.bytes, before);
        if (fault) return this.#stop(expected, fault, where);
      }
      const chain = this.#chain as Chain;
      const at = chain.seq;
      const entry = chain.take(line);
      if ('kind' in entry) return this.#stop(at, entry, where);
      const fault = this.#seen(at, entry.hash, line.bytes);
      if (fault) return this.#stop(fault.seq, fault, where, fault.isExact);
    }
    return hasher.digest('hex');
  }

  #stop(
    seq: number,
    { kind, detail }: Fault,
    where: { file: string; offset: number },
    isExact = true,
  ): undefined {
    // An entry put in with all its hashes right is found by the one behind it.
    const earlier = this.#firstForged(seq - 1);
    if (earlier.isExact) this.found(earlier.seq, { kind, detail });
    else this.found(seq, { kind, detail }, where, isExact);
    return undefined;
  }

  /** The first entry of a file says of which log it is, and what the file before it was. */
  #begin(line: Buffer, before: string | undefined): Fault | undefined {
    const fields = membersOf(line);
    const origin = fields?.origin;
    if (fields?.type !== 'segment' || typeof origin !== 'string')
      return { kind: 'syntax', detail: 'the file does not begin with an entry that opens it' };
    if (this.origin === undefined) {
      this.origin = origin;
      this.#chain = new Chain(1, hex(genesis(origin)));
      if (this.key === undefined && typeof fields.key === 'string') this.notes.push(`key ${fields.key}`);
    }
    if (origin !== this.origin) return { kind: 'origin', detail: `it is of another log, ${origin}` };
    if (before !== undefined && fields.previous_file !== before)
      return { kind: 'segment_digest', detail: 'the file before it is not the one that was closed' };
    return undefined;
  }

  #seen(seq: number, hash: string, line: Buffer): (Fault & { seq: number; isExact: boolean }) | undefined {
    this.tree.append(leafOf(fromHex(hash) as Hash));
    const known = this.#hashes.get(seq);
    if (known !== undefined && known !== hash)
      return {
        seq: this.#good + 1,
        isExact: false,
        kind: 'state',
        detail: `entry ${seq} is not what ${'integrity.json'} knows`,
      };
    const roots = this.#roots.get(seq);
    if (roots) {
      const root = this.tree.root();
      for (const each of roots) {
        if (isSame(each.root, root)) continue;
        const { seq: from, isExact } = this.#firstForged(seq);
        const kind = each.from === 'anchor' ? 'anchor' : 'checkpoint_root';
        return {
          seq: from,
          isExact,
          kind,
          detail: `the entries up to ${seq} are not those of the ${each.from}`,
        };
      }
      this.#good = seq;
      for (const { from } of roots)
        if (from === 'anchor') this.anchored = seq;
        else this.signed = seq;
    }
    if (line.includes(CONTROL)) return this.#control(line);
    return undefined;
  }

  /** Of a log whose hashes were made again, the first entry that differs: as far as the tree on disk still tells. */
  #firstForged(size: number): { seq: number; isExact: boolean } {
    const tiles = new TileReader(this.directory);
    const from = this.#good;
    const hashes = entryHashes(this.directory, from + 1, size);
    let seq = from + 1;
    try {
      for (const hash of hashes) {
        if (!isSame(tiles.node(0, seq - 1), leafOf(hash))) return { seq, isExact: true };
        seq++;
      }
    } catch {
      // The tree on disk went as well.
    }
    return { seq: from + 1, isExact: false };
  }

  #control(line: Buffer): (Fault & { seq: number; isExact: boolean }) | undefined {
    const fields = membersOf(line);
    if (fields?.type !== 'checkpoint' || typeof fields.size !== 'number') return undefined;
    const { size } = fields;
    const isThere = this.kept.some((each) => typeof each !== 'string' && each.checkpoint.size === size);
    if (isThere) return undefined;
    const detail = `the checkpoint of ${size} entries is not there any more`;
    return { seq: size, isExact: true, kind: 'checkpoint_missing', detail };
  }
}

const CONTROL = Buffer.from('"type":"checkpoint"');

function membersOf(line: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Hashes of entries as the log has them, unchecked. */
function* entryHashes(directory: string, from: number, to: number): Generator<Hash> {
  let seq = 0;
  for (const { first, name } of segmentsOf(directory)) {
    seq = first;
    for (const { bytes } of linesOf(join(directory, name))) {
      if (seq > to) return;
      const at = bytes.indexOf('"entry_hash":"');
      const hash = fromHex(bytes.toString('latin1', at + 14, at + 78));
      if (seq++ >= from && hash) yield hash;
    }
  }
}

/** @throws what the file system says of files that are there */
export function verifyLog(directory: string, trust: Trust = {}): Report {
  const segments = segmentsOf(directory);
  const kept = checkpointsOf(directory);
  const state = readState(directory);
  const run = new Verification(directory, trust, kept, state);
  run.run(segments);
  const entries = run.entries;
  if (run.findings.length === 0) checkRest(run, segments, kept, state);
  const findings = run.findings.toSorted((a, b) => a.seq - b.seq);
  const isEmpty = segments.length === 0 && state === undefined && kept.length === 0;
  return {
    verdict: findings.length > 0 ? 'tampered' : isEmpty ? 'unable' : 'passed',
    findings,
    origin: run.origin,
    entries,
    segments: segments.length,
    checkpoints: kept.length,
    signed: run.signed,
    anchored: run.anchored,
    notes: run.notes,
  };
}

/** What entries alone do not show: a log that is too short, checkpoints that nobody signed, a file that was replaced. */
function checkRest(
  run: Verification,
  segments: readonly Segment[],
  kept: readonly (Kept | string)[],
  state: State | 'damaged' | undefined,
): void {
  const { entries, key, directory } = run;
  for (const [index, each] of kept.entries()) {
    if (typeof each === 'string') {
      run.found(entries, { kind: 'checkpoint_signature', detail: `checkpoint ${index + 1}: ${each}` });
      continue;
    }
    const { checkpoint, note } = each;
    if (key && !isSignedBy(note, key))
      run.found(checkpoint.size, {
        kind: 'checkpoint_signature',
        detail: 'a checkpoint is not signed by the key',
      });
    if (run.origin !== undefined && checkpoint.origin !== run.origin)
      run.found(checkpoint.size, {
        kind: 'origin',
        detail: `a checkpoint is of another log, ${checkpoint.origin}`,
      });
    if (checkpoint.size > entries)
      run.found(entries + 1, {
        kind: 'truncated',
        detail: `a checkpoint vouches for ${checkpoint.size} entries`,
      });
  }
  for (const { size } of run.trust.anchors ?? [])
    if (size > entries)
      run.found(entries + 1, { kind: 'truncated', detail: `an anchor vouches for ${size} entries` });
  if (state === 'damaged') run.found(entries, { kind: 'state', detail: 'integrity.json is damaged' });
  else if (state === undefined) {
    if (entries > 0) run.found(entries, { kind: 'state', detail: 'integrity.json is not there' });
  } else {
    if (state.seq > entries)
      run.found(entries + 1, { kind: 'truncated', detail: `integrity.json knows ${state.seq} entries` });
    const file = segments.find(({ name }) => name === state.segment);
    if (file === undefined)
      run.found(entries + 1, {
        kind: 'truncated',
        detail: `integrity.json knows ${state.segment}, which is not there`,
      });
    else {
      const { ino, dev } = statSync(join(directory, file.name), { bigint: true });
      if (String(ino) !== state.inode || String(dev) !== state.device)
        run.notes.push(`${file.name} is another file than was written: it was copied, or replaced`);
    }
  }
}

/** @throws Error when the text is no public key */
export function trustOf(key: string | undefined, anchors: readonly Checkpoint[] = []): Trust {
  return { key: key === undefined ? undefined : verifierOf(key), anchors };
}
