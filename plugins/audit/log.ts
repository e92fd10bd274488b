// The log while it is written: one entry after the other, many in one write. Whoever appends is told when the entry is
// on disk. What a failed write had to say stays, in order, and is written when the disk takes it again.

import type { FileHandle } from 'node:fs/promises';
import type { Flat } from './canonical.ts';
import { checkpointText } from './checkpoint.ts';
import { type Entry, makeEntry } from './entry.ts';
import {
  type Identity,
  identityAt,
  openFile,
  openNew,
  seal,
  setAside,
  syncDirectory,
  writeDown,
} from './files.ts';
import { fromHex, type Hash, hex } from './hash.ts';
import { keepCheckpoint } from './keeping.ts';
import type { Signer } from './note.ts';
import { segmentName } from './segments.ts';
import { writeState } from './state.ts';
import type { Tiles } from './tiles.ts';
import { type Frontier, leafOf } from './tree.ts';

export interface LogOptions {
  readonly directory: string;
  readonly origin: string;
  /** Bytes from which on the next entry begins a new file. */
  readonly segmentSize: number;
  /** Entries after which there is a checkpoint, and milliseconds. */
  readonly checkpointEntries: number;
  readonly checkpointEvery: number;
  /** Entries of one write at most. */
  readonly batch: number;
  /** Entries that may wait; beyond, the log takes no more. */
  readonly queue: number;
  /** Between two attempts at a disk that failed, milliseconds. */
  readonly retry: number;
  /** Signs checkpoints; without one there are none, and no tree. */
  readonly signer?: Signer | undefined;
  /** Members of every entry that tell when and in which process: `ts`, `mono_us`, `boot`. */
  stamp(): Flat;
  now(): number;
  /** The disk took nothing; or takes it again. */
  onFault(error: unknown): void;
  onRecovered(): void;
}

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

interface Waiting {
  readonly fields: Flat;
  readonly done: PromiseWithResolvers<number>;
}

/** The log cannot be written now, or has no room for another entry that waits. */
export class LogUnavailable extends Error {}

export class AuditLog {
  readonly #queue: Waiting[] = [];
  #file: FileHandle;
  #identity: Identity;
  #segment: string;
  #offset: number;
  #digest: Bun.CryptoHasher;
  #seq: number;
  #hash: Hash;
  readonly #tree: Frontier;
  readonly #tiles: Tiles | undefined;
  #vouched: number;
  #vouchedAt: number;
  /** What entries since the last checkpoint are: more than checkpoints themselves. */
  #hasNews = false;
  #isBusy = false;
  #isClosed = false;
  #fault: unknown;
  #timer: Timer | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(
    readonly options: LogOptions,
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
    this.#vouched = end.vouched;
    this.#vouchedAt = options.now();
  }

  /** The last entry that is on disk. */
  get seq(): number {
    return this.#seq;
  }

  /** The file that is written to, and how many bytes of it are on disk. */
  get segment(): string {
    return this.#segment;
  }

  get offset(): number {
    return this.#offset;
  }

  get hash(): string {
    return hex(this.#hash);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Why nothing can be written; undefined while it can. */
  get fault(): unknown {
    return this.#fault;
  }

  /**
   * @returns a promise of the entry's number, once it is on disk
   * @throws LogUnavailable when no more can wait
   */
  append(fields: Flat): Promise<number> {
    if (this.#isClosed || this.#queue.length >= this.options.queue)
      throw new LogUnavailable(this.#isClosed ? 'the log is closed' : 'too many entries wait for the disk');
    const done = Promise.withResolvers<number>();
    // Who does not wait for it is not to be told by an unhandled rejection.
    done.promise.catch(() => {});
    this.#queue.push({ fields: { ...this.options.stamp(), ...fields }, done });
    void this.#pump();
    return done.promise;
  }

  /** Resolves when all that was appended is on disk, or cannot be. */
  idle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** The last word: a checkpoint of all there is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
    clearTimeout(this.#timer);
    if (this.#fault === undefined && this.#hasNews) await this.#checkpoint().catch(() => {});
    await this.#save().catch(() => {});
    await this.#file.close();
  }

  async #pump(): Promise<void> {
    if (this.#isBusy || this.#fault !== undefined) return;
    this.#isBusy = true;
    // What comes in the same turn goes together.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0) {
        await this.#stillThere();
        if (this.#offset >= this.options.segmentSize) await this.#rotate();
        await this.#commit();
        if (this.#isDue()) await this.#checkpoint();
        if (this.#queue.length === 0) await this.#save();
      }
      this.#restForCheckpoint();
    } catch (error) {
      this.#failed(error);
    }
    this.#isBusy = false;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #commit(): Promise<void> {
    const batch = this.#queue.slice(0, this.options.batch);
    const entries = await this.#write(batch.map(({ fields }) => fields));
    this.#queue.splice(0, batch.length);
    this.#hasNews = true;
    for (const [at, { done }] of batch.entries()) done.resolve((entries[at] as Entry).seq);
  }

  /** Nothing has happened where this throws, but for bytes at the end of the file. */
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
    await writeDown(this.#file, bytes);
    this.#offset += bytes.length;
    this.#digest.update(bytes);
    this.#seq = seq;
    this.#hash = hash;
    for (const entry of entries) this.#grow(leafOf(entry.hash));
    return entries;
  }

  #grow(leaf: Hash): void {
    this.#tree.append(leaf);
    this.#tiles?.append(leaf);
  }

  /** Whoever takes the file away, or puts another in its place, must not have the log written into nowhere. */
  async #stillThere(): Promise<void> {
    const now = await identityAt(this.options.directory, this.#segment);
    if (now?.inode === this.#identity.inode && now.device === this.#identity.device) return;
    const what = now === undefined ? 'is gone' : 'was replaced by another file';
    const incident = {
      type: 'incident',
      kind: 'segment',
      file: this.#segment,
      detail: `${this.#segment} ${what}`,
    };
    await this.#next(incident, '');
  }

  async #rotate(): Promise<void> {
    if (this.#hasNews) await this.#checkpoint();
    await seal(this.options.directory, this.#segment);
    await this.#next(undefined, this.#digest.copy().digest('hex'));
  }

  /** Goes on in a new file. */
  async #next(incident: Flat | undefined, digest: string): Promise<void> {
    const { directory, origin, signer } = this.options;
    const name = segmentName(this.#seq + 1);
    const file = await openNew(directory, name);
    syncDirectory(directory);
    const { ino, dev } = await file.stat({ bigint: true });
    await this.#file.close().catch(() => {});
    this.#file = file;
    this.#identity = { inode: String(ino), device: String(dev) };
    this.#segment = name;
    this.#offset = 0;
    this.#digest = new Bun.CryptoHasher('sha256');
    const opening = { ...this.options.stamp(), ...openingOf(origin, signer), previous_file: digest };
    await this.#write([opening, ...(incident ? [{ ...this.options.stamp(), ...incident }] : [])]);
    await this.#save();
  }

  #isDue(): boolean {
    const { signer, checkpointEntries, checkpointEvery, now } = this.options;
    if (!signer || !this.#hasNews) return false;
    const isOld = now() - this.#vouchedAt >= checkpointEvery;
    return isOld || this.#seq - this.#vouched >= checkpointEntries;
  }

  /** Entries that nothing follows get their checkpoint, too. */
  #restForCheckpoint(): void {
    if (!this.options.signer || !this.#hasNews || this.#timer || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isBusy || this.#fault !== undefined || !this.#hasNews) return;
      this.#isBusy = true;
      void this.#checkpoint()
        .then(() => this.#save())
        .catch((error: unknown) => this.#failed(error))
        .finally(() => {
          this.#isBusy = false;
          this.#idle?.resolve();
          this.#idle = undefined;
          void this.#pump();
        });
    }, this.options.checkpointEvery);
  }

  async #checkpoint(): Promise<void> {
    const { signer, origin, directory } = this.options;
    if (!signer) return;
    const size = this.#seq;
    const root = this.#tree.root();
    const text = checkpointText({ origin, size, root });
    this.#tiles?.flush();
    await keepCheckpoint(directory, `${text}\n${signer.sign(text)}`);
    // So that whoever takes checkpoints away has to change the log, too.
    await this.#write([{ ...this.options.stamp(), type: 'checkpoint', size, root: hex(root) }]);
    this.#vouched = size;
    this.#vouchedAt = this.options.now();
    this.#hasNews = false;
  }

  #save(): Promise<void> {
    const { directory, origin, signer } = this.options;
    return writeState(
      directory,
      {
        origin,
        segment: this.#segment,
        ...this.#identity,
        offset: this.#offset,
        seq: this.#seq,
        hash: this.hash,
      },
      signer && ((text) => signer.sign(`${text}\n`)),
    );
  }

  #failed(error: unknown): void {
    this.#fault = error;
    for (const { done } of this.#queue) done.reject(error);
    this.options.onFault(error);
    this.#again();
  }

  #again(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.#recover().catch((error: unknown) => {
        this.#fault = error;
        this.#again();
      });
    }, this.options.retry);
  }

  /** Cuts off what nobody was told is on disk, says so, and goes on. */
  async #recover(): Promise<void> {
    const { directory } = this.options;
    const now = await identityAt(directory, this.#segment);
    const isSame = now?.inode === this.#identity.inode && now.device === this.#identity.device;
    if (isSame) {
      const torn = await setAside(directory, this.#segment, this.#offset);
      // A file whose write failed may lie about what it holds; another descriptor begins with what is on disk.
      const file = await openFile(directory, this.#segment);
      await this.#file.close().catch(() => {});
      this.#file = file;
      const detail = String(this.#fault instanceof Error ? this.#fault.message : this.#fault);
      await this.#write([
        {
          ...this.options.stamp(),
          ...recoveryOf(torn),
          detail: detail.slice(0, 200),
          waiting: this.#queue.length,
        },
      ]);
    }
    this.#fault = undefined;
    this.#timer = undefined;
    this.options.onRecovered();
    await this.#pump();
  }
}

/** The members of an entry that begins a file. */
export function openingOf(origin: string, signer: Signer | undefined): Flat {
  return { type: 'segment', origin, key: signer?.public };
}

/** The members of an entry that tells what was cut off. */
export function recoveryOf(torn: { name: string; bytes: number; digest: string } | undefined): Flat {
  return { type: 'recovery', torn_file: torn?.name, torn_bytes: torn?.bytes ?? 0, torn_sha256: torn?.digest };
}

/** @throws Error of a hash that is none */
export function hashOf(text: string): Hash {
  const hash = fromHex(text);
  if (!hash) throw new Error('not a hash');
  return hash;
}
