// The end of a log: entries that go on disk, the next file, checkpoints, the state beside the log, and what is done when
// the disk took only a part. One thing at a time: the caller sees to that.

import type { FileHandle } from 'node:fs/promises';
import type { Flat } from './canonical.ts';
import { checkpointText } from './checkpoint.ts';
import { type Entry, makeEntry } from './entry.ts';
import {
  type Identity,
  identityAt,
  identityOf,
  openFile,
  openNew,
  putBack,
  seal,
  setAside,
  syncDirectory,
  type Torn,
  writeDown,
} from './files.ts';
import { type Hash, hex } from './hash.ts';
import { Checkpoints } from './keeping.ts';
import type { LogOptions } from './log.ts';
import type { Signer } from './note.ts';
import { segmentName } from './segments.ts';
import { stateText } from './state.ts';
import type { Tiles } from './tiles.ts';
import { type Frontier, leafOf } from './tree.ts';

/** Where a log ends. */
export interface End {
  readonly file: FileHandle;
  readonly identity: Identity;
  /** The file that is written to. */
  readonly segment: string;
  readonly offset: number;
  /** Of the bytes of that file. */
  readonly digest: Bun.CryptoHasher;
  readonly seq: number;
  readonly hash: Hash;
  readonly tree: Frontier;
  readonly tiles: Tiles | undefined;
  /** Entries that the last checkpoint vouches for. */
  readonly vouched: number;
}

/** What stands beside the entries could not be written; they are. */
export class BesideUnwritten extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

export class Tail {
  #file: FileHandle;
  #identity: Identity;
  #segment: string;
  #offset: number;
  #digest: Bun.CryptoHasher;
  #seq: number;
  #hash: Hash;
  readonly #tree: Frontier;
  readonly #tiles: Tiles | undefined;
  readonly #checkpoints: Checkpoints;
  #vouched: number;
  #vouchedAt: number;
  #savedAt: number;
  /** Whether there are entries since the last checkpoint that are more than checkpoints themselves. */
  #hasNews: boolean;
  #isSaved = true;
  /** Whether it goes on to another file at the moment. */
  isMoving = false;
  /** What is to be told of a write that failed, until it is. */
  #recovery: Flat | undefined;

  constructor(
    public options: LogOptions,
    end: End,
  ) {
    this.#file = end.file;
    this.#identity = end.identity;
    this.#segment = end.segment;
    this.#offset = end.offset;
    this.#digest = end.digest;
    this.#seq = end.seq;
    this.#hash = end.hash;
    this.#tree = end.tree;
    this.#tiles = end.tiles;
    this.#checkpoints = new Checkpoints(options.directory);
    this.#vouched = end.vouched;
    // The end of a process came before the checkpoint of its last entries. One is that of the checkpoint itself.
    this.#hasNews = end.seq > end.vouched + 1;
    this.#vouchedAt = options.now();
    this.#savedAt = options.now();
  }

  /** The last entry that is on disk. */
  get seq(): number {
    return this.#seq;
  }

  get hash(): string {
    return hex(this.#hash);
  }

  /** The file that is written to, which it is, and how many bytes of it are on disk. */
  get segment(): string {
    return this.#segment;
  }

  get identity(): Identity {
    return this.#identity;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Entries that the last checkpoint vouches for. */
  get vouched(): number {
    return this.#vouched;
  }

  /** Whether something is to be done although no entry comes. */
  get isUnsettled(): boolean {
    return !this.#isSaved || (this.#hasNews && this.options.signer !== undefined);
  }

  /** Puts entries on disk. @throws what the file system says: nothing has happened then, but for bytes at the end */
  async append(all: readonly Flat[]): Promise<Entry[]> {
    await this.#stillThere();
    if (this.#offset >= this.options.segmentSize) await this.#rotate();
    const entries = await this.#write(all);
    this.#hasNews = true;
    return entries;
  }

  async #write(all: readonly Flat[]): Promise<Entry[]> {
    const entries: Entry[] = [];
    let seq = this.#seq;
    let hash = this.#hash;
    for (const fields of all) {
      const entry = makeEntry(fields, ++seq, hash);
      entries.push(entry);
      hash = entry.hash;
    }
    const bytes = Buffer.from(entries.map(({ line }) => `${line}\n`).join(''));
    const began = performance.now();
    await writeDown(this.#file, bytes);
    const took = performance.now() - began;
    this.#offset += bytes.length;
    this.#digest.update(bytes);
    this.#seq = seq;
    this.#hash = hash;
    this.#isSaved = false;
    for (const entry of entries) {
      const leaf = leafOf(entry.hash);
      this.#tree.append(leaf);
      this.#tiles?.append(leaf);
    }
    this.options.onCommit?.(entries, took);
    return entries;
  }

  /** Whoever takes the file away, or puts another in its place, must not have the log written into nowhere. */
  async #stillThere(): Promise<void> {
    const { directory, onBreak } = this.options;
    const now = identityAt(directory, this.#segment);
    if (now?.inode === this.#identity.inode && now.device === this.#identity.device) return;
    this.isMoving = true;
    const what = `${this.#segment} ${now === undefined ? 'was taken away' : 'was replaced by another file'}`;
    // What was written is still there as long as the file is open: unless that was changed, it gets its name again.
    const back = await putBack(directory, this.#segment, this.#file, this.#offset, digestOf(this.#digest));
    const outcome = back === undefined ? 'what was written is lost' : 'what was written was put back';
    onBreak?.(`${what}; ${outcome}`);
    const incident = { type: 'incident', kind: 'segment', file: this.#segment, detail: what };
    const restored = { ...incident, restored: back !== undefined, foreign_file: back?.foreign };
    await this.#next(restored, back ? digestOf(this.#digest) : undefined);
  }

  async #rotate(): Promise<void> {
    if (this.#hasNews) await this.checkpoint();
    await seal(this.options.directory, this.#segment);
    await this.#next(undefined, digestOf(this.#digest));
  }

  /** Goes on in a new file. @param digest of the one before; undefined where it is not there any more */
  async #next(first: Flat | undefined, digest: string | undefined): Promise<void> {
    const { directory } = this.options;
    this.isMoving = true;
    const name = segmentName(this.#seq + 1);
    const { file, torn } = await openNew(directory, name);
    syncDirectory(directory);
    const before = { file: this.#file, identity: this.#identity, segment: this.#segment };
    const state = { offset: this.#offset, digest: this.#digest };
    this.#file = file;
    this.#identity = await identityOf(file);
    this.#segment = name;
    this.#offset = 0;
    this.#digest = new Bun.CryptoHasher('sha256');
    try {
      const opening = { ...openingOf(this.options), previous_file: digest ?? '' };
      const own = [opening, ...(first ? [first] : []), ...(torn ? [recoveryOf(torn)] : [])];
      await this.#write(own.map((each) => ({ ...this.options.stamp(), ...each })));
    } catch (error) {
      await file.close().catch(() => {});
      ({ file: this.#file, identity: this.#identity, segment: this.#segment } = before);
      ({ offset: this.#offset, digest: this.#digest } = state);
      this.isMoving = false;
      throw error;
    }
    this.isMoving = false;
    if (first === this.#recovery) this.#recovery = undefined;
    await before.file.close().catch(() => {});
    await this.save();
  }

  /** Whether a checkpoint has to be written now. */
  get isDue(): boolean {
    const { signer, checkpointEntries, checkpointEvery, now } = this.options;
    if (!signer || !this.#hasNews) return false;
    const isOld = now() - this.#vouchedAt >= checkpointEvery;
    return isOld || this.#seq - this.#vouched >= checkpointEntries;
  }

  async checkpoint(): Promise<void> {
    const { signer, origin, onCheckpoint } = this.options;
    if (!signer || !this.#hasNews) return;
    const size = this.#seq;
    const root = this.#tree.root();
    const text = checkpointText({ origin, size, root });
    const note = `${text}\n${signer.sign(text)}`;
    try {
      this.#tiles?.flush();
      await this.#checkpoints.keep(note);
    } catch (error) {
      throw new BesideUnwritten('a checkpoint', error);
    }
    // So that whoever takes checkpoints away has to change the log, too.
    await this.#write([{ ...this.options.stamp(), type: 'checkpoint', size, root: hex(root) }]);
    this.#vouched = size;
    this.#vouchedAt = this.options.now();
    this.#hasNews = false;
    onCheckpoint?.(note, size);
  }

  /** Names the key that is to sign from now on, under a checkpoint of the one before it. */
  async nameKey(next: Signer): Promise<void> {
    await this.append([{ ...this.options.stamp(), type: 'key', key: next.public }]);
    await this.checkpoint();
  }

  /** Writes the state where that was long ago. */
  async saveIfDue(): Promise<void> {
    const { now, stateEvery = 1_000 } = this.options;
    if (!this.#isSaved && now() - this.#savedAt >= stateEvery) await this.save();
  }

  /** @throws BesideUnwritten */
  async save(): Promise<void> {
    const { origin, store, key, now } = this.options;
    const state = {
      origin,
      segment: this.#segment,
      ...this.#identity,
      offset: this.#offset,
      seq: this.#seq,
      hash: this.hash,
      tree: this.#tree.parts.map(hex).join(''),
    };
    try {
      await store.write(stateText(state, key));
    } catch (error) {
      throw new BesideUnwritten('the state of the log', error);
    }
    this.#savedAt = now();
    this.#isSaved = state.seq === this.#seq;
  }

  /**
   * After a write that failed: sets aside what nobody was told is on disk, and goes on in a new file. After a failed
   * fsync the system may take for written what is not, so the old one is not written to again.
   */
  async recover(why: unknown): Promise<void> {
    if (why instanceof BesideUnwritten) {
      await this.checkpoint();
      return this.save();
    }
    const now = identityAt(this.options.directory, this.#segment);
    // One that is gone is seen to with the next entry.
    if (now?.inode !== this.#identity.inode || now.device !== this.#identity.device) return;
    const torn = await setAside(this.options.directory, this.#segment, this.#offset);
    if (this.#offset === 0) return this.#reopen();
    const detail = String(why instanceof Error ? why.message : why).slice(0, 200);
    const last = { last_file: this.#segment, last_offset: this.#offset, last_seq: this.#seq };
    if (torn || !this.#recovery) this.#recovery = { ...recoveryOf(torn), detail, ...last };
    await this.#next(this.#recovery, digestOf(this.#digest));
  }

  /** A log that has no entry yet needs no other file for its first. */
  async #reopen(): Promise<void> {
    const file = await openFile(this.options.directory, this.#segment);
    await this.#file.close().catch(() => {});
    this.#file = file;
  }

  /** The last word. */
  async close(): Promise<void> {
    try {
      await this.checkpoint();
      await this.save();
    } finally {
      await this.#checkpoints.close();
      await this.#file.close();
    }
  }
}

/** The members of an entry that begins a file. */
export function openingOf({ origin, signer, store }: LogOptions): Flat {
  const state = store.place === 'file' ? undefined : store.place;
  return { type: 'segment', origin, key: signer?.public, state };
}

/** The members of an entry that tells what was cut off. */
export function recoveryOf(torn: Torn | undefined): Flat {
  return { type: 'recovery', torn_file: torn?.name, torn_bytes: torn?.bytes ?? 0, torn_sha256: torn?.digest };
}

function digestOf(hasher: Bun.CryptoHasher): string {
  return hasher.copy().digest('hex');
}
