// Reads a whole log and says whether it is what was written, as far as that can be known from what is at hand. What is
// held does not grow with the log. A log that is being written is judged as it was when the look began.

import { join } from 'node:path';
import { checkBeside, isStateSigned } from './beside.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { genesis, type Read } from './entry.ts';
import type { Finding, Repair, Report } from './finding.ts';
import { type Fault, Follower } from './follow.ts';
import { firstOther, frontierOf } from './grown.ts';
import { fromHex, type Hash, hex, isSame } from './hash.ts';
import { type Note, readNote, type Verifier } from './note.ts';
import { hashIn, membersOf, typeOf } from './said.ts';
import { type Line, linesOf, type Segment, segmentsOf } from './segments.ts';
import { readState, type State } from './state.ts';
import { TileCheck } from './tile-check.ts';
import { TileReader } from './tiles.ts';
import { Frontier, leafOf } from './tree.ts';
import { Keys } from './trust.ts';
import { Vouchers } from './vouchers.ts';

/** A checkpoint that was kept elsewhere. */
export interface Anchor {
  readonly checkpoint: Checkpoint;
  /** Its signatures, to be judged; undefined where they were. */
  readonly note?: Note | undefined;
  /** Who kept it. */
  readonly from: string;
}

export interface Trust {
  /** The key the log's checkpoints are signed with; undefined: the log's own word for it. */
  readonly key?: Verifier | undefined;
  readonly anchors?: readonly Anchor[];
  /** Where to begin: with the file that has this entry. */
  readonly from?: number;
}

type Where = Pick<Finding, 'file' | 'offset'>;
const MOST_REPAIRS = 1_000;
const MOST_INCIDENTS = 100;

export class Verification {
  readonly findings: Finding[] = [];
  readonly notes: string[] = [];
  readonly repairs: Repair[] = [];
  readonly keys: Keys;
  readonly vouchers: Vouchers;
  readonly tiles: TileCheck;
  readonly first: number;
  tree = new Frontier();
  origin: string | undefined;
  signed = 0;
  anchored = { upTo: 0, by: undefined as string | undefined };
  unanchored = 0;
  /** Checkpoints that entries tell of and nobody has any more: the first and the last. */
  missing: { first: number; last: number; root: string } | undefined;
  /** Entries that were not written, as the log says. */
  lost = 0;
  incidents = 0;
  /** Where the state of the log is kept, if not beside it. */
  stateStore: string | undefined;
  /** The first checkpoint that only a key of the log's own word has signed, though another one is given. */
  unvouched: number | undefined;
  /** The last checkpoint that was there. */
  last: Checkpoint | undefined;
  #chain: Follower;
  /** The last entry that is known to be right, whoever made the hashes anew. */
  #good = 0;
  readonly #anchors: Map<number, Anchor[]>;

  constructor(
    readonly directory: string,
    trust: Trust,
    readonly segments: readonly Segment[],
    readonly state: State | 'damaged' | undefined,
  ) {
    this.keys = new Keys(trust.key);
    this.vouchers = new Vouchers(directory);
    this.first = segments[0]?.first ?? 1;
    if ((trust.from ?? 1) === 1) this.first = 1;
    this.tiles = new TileCheck(directory, this.first - 1);
    this.#chain = new Follower(this.first, undefined);
    this.#anchors = Map.groupBy(trust.anchors ?? [], ({ checkpoint }) => checkpoint.size);
    if (this.first > 1) this.#beginAt(this.first);
  }

  /** The last entry that was read. */
  get entries(): number {
    return this.#chain.seq - 1;
  }

  run(): void {
    let digest: string | undefined;
    for (const segment of this.segments) {
      digest = this.#segment(segment, digest);
      if (digest === undefined) return;
    }
  }

  found(fault: Fault & { readonly upTo?: number }, where: Where = {}): void {
    this.findings.push({ ...fault, ...where });
  }

  #beginAt(seq: number): void {
    this.#good = seq - 1;
    try {
      this.tree = frontierOf(seq - 1, new TileReader(this.directory).node);
    } catch {
      this.notes.push('there is no tree on disk of the entries before, so no checkpoint could be compared');
      this.tree = new Frontier(Number.NaN);
    }
    while ((this.vouchers.peek()?.checkpoint.size ?? seq) < seq) this.vouchers.take();
  }

  /** @returns the digest of its bytes; undefined where it is not worth going on */
  #segment({ first, name }: Segment, before: string | undefined): string | undefined {
    const { seq } = this.#chain;
    const kind = first > seq ? 'segment_missing' : 'segment_order';
    const detail =
      first > seq ? `the file with entry ${seq} is not there` : `entry ${first} stands in two files`;
    if (first !== seq) {
      this.found({ seq: Math.min(seq, first), kind, detail }, { file: name });
      return undefined;
    }
    const lines = linesOf(join(this.directory, name));
    try {
      return this.#lines(lines, name, before);
    } finally {
      lines.return(undefined);
    }
  }

  #lines(lines: Generator<Line>, file: string, before: string | undefined): string | undefined {
    const hasher = new Bun.CryptoHasher('sha256');
    for (let { value: line } = lines.next(); line; { value: line } = lines.next()) {
      if (this.#isTornEnd(line, file)) break;
      const fault = this.#line(line, before);
      if (fault) {
        const { offset } = line;
        // A line is good until the next one is asked for.
        const hash = hashIn(line.bytes);
        const next = fault.kind === 'chain' ? lines.next().value : undefined;
        this.#stop(this.#first(fault, hash, next), { file, offset });
        return undefined;
      }
      hasher.update(line.bytes).update('\n');
    }
    return hasher.digest('hex');
  }

  /** The end of a log that is being written, or was when its process ended. */
  #isTornEnd({ isWhole, bytes, offset }: Line, name: string): boolean {
    if (isWhole || bytes.length >= 65_536 || name !== this.segments.at(-1)?.name) return false;
    this.notes.push(`${name}: the last line, at ${offset}, is not whole: it is being written, or was`);
    return true;
  }

  #line(line: Line, before: string | undefined): Fault | undefined {
    const { seq } = this.#chain;
    const entry = this.#chain.read(line);
    if ('kind' in entry) return entry;
    const type = typeOf(line.bytes);
    const opening = line.offset === 0 ? membersOf(line.bytes) : undefined;
    const foreign = opening && this.#opens(opening, seq);
    if (foreign) return foreign;
    if (!this.#chain.follows(entry))
      return { seq, kind: 'chain', detail: 'the entry does not follow the one before it' };
    const file = opening?.previous_file;
    if (opening && before !== undefined && file !== '' && file !== before)
      return { seq, kind: 'segment_digest', detail: 'the file before it is not the one that was closed' };
    const special = type === undefined ? undefined : this.#special(type, line, seq);
    if (special) return special;
    this.#take(entry, type === 'checkpoint');
    return this.#vouched(entry);
  }

  #take(entry: Read, isCheckpoint: boolean): void {
    this.#chain.take(entry);
    const leaf = leafOf(fromHex(entry.hash) as Hash);
    this.tree.append(leaf);
    this.tiles.append(leaf);
    if (!isCheckpoint) this.unanchored++;
  }

  /** The first entry of a file says of which log it is. */
  #opens({ type, origin, key, state }: Record<string, unknown>, seq: number): Fault | undefined {
    if (type !== 'segment' || typeof origin !== 'string')
      return { seq, kind: 'syntax', detail: 'the file does not begin with an entry that opens it' };
    if (this.origin === undefined) {
      this.origin = origin;
      if (seq === 1) this.#chain.previous = hex(genesis(origin));
    }
    if (typeof key === 'string') this.keys.names(key, seq);
    this.stateStore = typeof state === 'string' ? state : undefined;
    if (origin !== this.origin) return { seq, kind: 'origin', detail: `it is of another log, ${origin}` };
    return undefined;
  }

  #special(type: string, line: Line, seq: number): Fault | undefined {
    const fields = membersOf(line.bytes);
    if (type === 'checkpoint') return this.#told(fields, seq);
    if (type === 'key' && typeof fields.key === 'string') this.keys.names(fields.key, seq);
    if (type === 'repair') this.#repaired(fields, seq);
    if (type === 'gap' || type === 'incident') this.#confessed(fields, seq);
    return undefined;
  }

  /** An entry tells of a checkpoint, so that taking checkpoints away shows. */
  #told({ size, root }: Record<string, unknown>, seq: number): Fault | undefined {
    if (typeof size !== 'number' || typeof root !== 'string' || size >= seq)
      return { seq, kind: 'syntax', detail: 'an entry of a checkpoint that says nothing of it' };
    if (size === seq - 1 && this.tree.size === size && hex(this.tree.root()) !== root)
      return this.#forged(
        size,
        'checkpoint_root',
        `the entries up to ${size} are not those of the checkpoint`,
      );
    if (this.last?.size === size && hex(this.last.root) === root) return undefined;
    if (size < this.first) return undefined;
    const late = this.vouchers.peek();
    if (late?.checkpoint.size === size && size === this.tree.size) {
      const fault = this.#voucher();
      if (fault) return fault;
      if (this.last?.size === size) return undefined;
    }
    this.missing = { first: this.missing?.first ?? size, last: size, root: this.missing?.root ?? root };
    return undefined;
  }

  /** What the log says itself of what is missing, or was done to it. */
  #confessed({ type, lost, detail }: Record<string, unknown>, seq: number): void {
    if (type === 'gap' && typeof lost === 'number') this.lost += lost;
    if (type === 'incident' && this.incidents++ < MOST_INCIDENTS)
      this.notes.push(`INCIDENT at entry ${seq}: ${String(detail)}`);
  }

  #repaired(fields: Record<string, unknown>, seq: number): void {
    const number = (name: string) => (typeof fields[name] === 'number' ? fields[name] : undefined);
    const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : undefined);
    if (this.repairs.length < MOST_REPAIRS)
      this.repairs.push({
        seq,
        at: text('ts'),
        kind: text('kind') ?? 'unknown',
        lostFrom: number('lost_from'),
        lostTo: number('lost_to'),
        aside: text('aside'),
        detail: text('detail') ?? '',
      });
    const lost = number('checkpoints_lost_to');
    if (this.missing && lost !== undefined && lost >= this.missing.last) this.missing = undefined;
  }

  /** What is known of the log at the size it has now. */
  #vouched({ seq, hash }: Read): Fault | undefined {
    const { state } = this;
    const isOther = typeof state === 'object' && state.seq === seq && state.hash !== hash;
    if (isOther && isStateSigned(this))
      return this.#forged(seq, 'state', `entry ${seq} is not the one that integrity.json knows`);
    if (this.vouchers.next?.checkpoint.size === seq) {
      const fault = this.#voucher();
      if (fault) return fault;
    }
    for (const anchor of this.#anchors.get(seq) ?? []) {
      const fault = this.#anchor(anchor, seq);
      if (fault) return fault;
    }
    return undefined;
  }

  #voucher(): Fault | undefined {
    const { note, checkpoint } = this.vouchers.next as { note: Note; checkpoint: Checkpoint };
    const { size } = checkpoint;
    const judgement = this.keys.judge(note);
    if (checkpoint.origin !== this.origin) this.vouchers.refuse('it is of another log');
    else if (judgement === 'foreign') this.vouchers.refuse('it is not signed by the key');
    else if (!isSame(this.tree.root(), checkpoint.root))
      return this.#forged(
        size,
        'checkpoint_root',
        `the entries up to ${size} are not those of the checkpoint`,
      );
    else {
      this.vouchers.take();
      this.last = checkpoint;
      this.#good = size;
      if (judgement === 'known') this.unvouched ??= size;
      else {
        this.signed = size;
        this.keys.signedAt(size);
      }
    }
    // What is behind it in the file and ahead of it in the log is out of its place.
    while (this.vouchers.peek() && (this.vouchers.next?.checkpoint.size ?? 0) < size)
      this.vouchers.refuse('it stands behind a later one');
    return undefined;
  }

  #anchor({ checkpoint, note, from }: Anchor, seq: number): Fault | undefined {
    if (checkpoint.origin !== this.origin) return undefined;
    if (note && !this.keys.isEmpty && this.keys.judge(note) === 'foreign')
      return { seq, kind: 'anchor', detail: `the checkpoint in ${from} is not signed by the key` };
    if (!isSame(this.tree.root(), checkpoint.root))
      // Whoever has the key makes checkpoints that agree.
      return this.#forged(
        seq,
        'anchor',
        `the entries up to ${seq} are not those of ${from}`,
        this.anchored.upTo,
      );
    this.#good = seq;
    this.anchored = { upTo: seq, by: from };
    this.unanchored = 0;
    return undefined;
  }

  /** Of a log whose hashes were made again, the first entry that differs: as far as the tree on disk still tells. */
  #forged(
    upTo: number,
    kind: Fault['kind'],
    detail: string,
    good = this.#good,
  ): Fault & { readonly upTo?: number } {
    const seq = good + 1;
    const other = firstOther(this.directory, seq, upTo);
    if (other !== undefined) return { seq: other, kind, detail };
    return seq === upTo ? { seq, kind, detail } : { seq, kind, detail, upTo };
  }

  /** Where entries do not follow each other, which of them it is: the one before may be the forged one. */
  #first(fault: Fault, hash: string, next: Line | undefined): Fault & { upTo?: number } {
    const { seq, kind } = fault;
    if (kind !== 'chain' && kind !== 'sequence') return fault;
    const other = firstOther(this.directory, this.#good + 1, seq - 1);
    if (other !== undefined) return { ...fault, seq: other };
    if (kind !== 'chain' || seq === 1 || !next) return fault;
    return Follower.names(next, hash) ? { ...fault, seq: seq - 1, upTo: seq } : fault;
  }

  #stop(fault: Fault & { upTo?: number }, where: Where): void {
    this.found(fault, fault.seq === this.#chain.seq ? where : { file: where.file });
  }
}

/** @throws what the file system says of files that are there */
export function verifyLog(directory: string, trust: Trust = {}): Report {
  // In this order: what speaks of entries is read before them, so that one that is written meanwhile is not missed.
  const state = readState(directory);
  const all = segmentsOf(directory);
  const start = all.findLastIndex(({ first }) => first <= (trust.from ?? 1));
  const segments = all.slice(Math.max(0, start));
  const run = new Verification(directory, trust, segments, state);
  try {
    run.vouchers.peek();
    run.run();
    const isEmpty = segments.length === 0 && state === undefined && run.vouchers.count === 0;
    // Where no entry is left to say of which log it was, what lies beside them does.
    run.origin ??= typeof state === 'object' ? state.origin : trust.key?.name;
    if (run.findings.length === 0 && !isEmpty) checkBeside(run, trust);
  } finally {
    run.vouchers.close();
  }
  const findings = run.findings.toSorted((a, b) => a.seq - b.seq);
  const reason = findings.length > 0 ? undefined : unableBy(run);
  return {
    directory,
    verdict: findings.length > 0 ? 'tampered' : reason === undefined ? 'passed' : 'unable',
    reason,
    findings,
    origin: run.origin,
    first: run.first,
    last: run.entries,
    segments: segments.length,
    checkpoints: run.vouchers.count,
    signed: { upTo: run.signed, by: run.keys.name },
    isOwnKey: run.keys.isOwn,
    anchored: run.anchored,
    unanchored: run.unanchored,
    repairs: run.repairs,
    lost: run.lost,
    incidents: run.incidents,
    notes: run.notes,
  };
}

/** Why there is too little to judge by. */
function unableBy({ entries, keys }: Verification): string | undefined {
  if (entries === 0) return 'there are no entries';
  if (keys.isOwn || keys.hasSigned) return undefined;
  return 'nothing in this log is signed by the key';
}

/** A note, as an anchor. @throws Error when the text is none */
export function anchorOf(text: string, from: string): Anchor {
  const note = readNote(text);
  return { note, checkpoint: readCheckpoint(note.text), from };
}
