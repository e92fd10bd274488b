// The log while it is written: one entry after the other, many in one write. Whoever appends is told when the entry is
// on disk. What a failed write had to say stays, in order, and is written when the disk takes it again.

import { checkFlat, type Flat } from './canonical.ts';
import type { Entry } from './entry.ts';
import type { Identity } from './files.ts';
import type { Signer, Verifier } from './note.ts';
import type { StateStore } from './state.ts';
import { type End, Tail } from './tail.ts';

/** What may be changed while the log is open. */
export interface Tunables {
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
  /** Least time between two writings of the state, milliseconds; 1 s unless given. */
  readonly stateEvery?: number;
}

export interface LogOptions extends Tunables {
  readonly directory: string;
  readonly origin: string;
  /** Signs checkpoints; without one there are none, and no tree. */
  readonly signer?: Signer | undefined;
  /** Whether the tree is on disk, too; so unless it is said not to be. */
  readonly tiles?: boolean;
  /** Signs the state: also where there are no checkpoints. */
  readonly key?: Signer | undefined;
  /** The key before it, which may have signed the state last. */
  readonly formerKey?: Verifier | undefined;
  readonly store: StateStore;
  /** Members of every entry that tell when and in which process: `ts`, `mono_us`, `boot`. */
  stamp(): Flat;
  now(): number;
  /** A write failed, and is tried once more at once. */
  onSetback?(error: unknown): void;
  /** The disk took nothing; or takes it again. */
  onFault(error: unknown): void;
  onRecovered(): void;
  /** The file that is written to was taken away or replaced. */
  onBreak?(what: string): void;
  /** These are on disk; it took so many milliseconds. */
  onCommit?(entries: readonly Entry[], ms: number): void;
  onCheckpoint?(note: string, size: number): void;
}

interface Waiting {
  readonly fields: Flat;
  readonly done: PromiseWithResolvers<number>;
}

/** The log cannot be written now, or has no room for another entry that waits. */
export class LogUnavailable extends Error {
  constructor(
    readonly reason: 'closed' | 'full' | 'fault',
    options?: ErrorOptions,
  ) {
    super(WHY[reason], options);
  }
}

const WHY = {
  closed: 'the log is closed',
  full: 'too many entries wait for the disk',
  fault: 'the log cannot be written',
};

export class AuditLog {
  readonly #queue: Waiting[] = [];
  readonly #tail: Tail;
  #options: LogOptions;
  /** Who wait for room. */
  #crowd: (() => void)[] = [];
  /** Entries that found no room and are not in the log. */
  #lost = 0;
  #isBusy = false;
  #isClosed = false;
  #fault: unknown;
  #timer: Timer | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: LogOptions, end: End) {
    this.#options = options;
    this.#tail = new Tail(options, end);
    this.#rest();
  }

  get options(): LogOptions {
    return this.#options;
  }

  /** The last entry that is on disk. */
  get seq(): number {
    return this.#tail.seq;
  }

  get hash(): string {
    return this.#tail.hash;
  }

  /** The file that is written to, which it is, and how many bytes of it are on disk. */
  get segment(): string {
    return this.#tail.segment;
  }

  get identity(): Identity {
    return this.#tail.identity;
  }

  get offset(): number {
    return this.#tail.offset;
  }

  /** Whether it goes on to another file at the moment. */
  get isMoving(): boolean {
    return this.#tail.isMoving;
  }

  /** Entries that the last checkpoint vouches for. */
  get vouched(): number {
    return this.#tail.vouched;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get isFull(): boolean {
    return this.#queue.length >= this.#options.queue;
  }

  /** Why nothing can be written; undefined while it can. */
  get fault(): unknown {
    return this.#fault;
  }

  /** From now on with these. */
  tune(tunables: Tunables): void {
    this.#options = { ...this.#options, ...tunables };
    this.#tail.options = this.#options;
    this.#relieve();
    void this.#pump();
  }

  /**
   * @returns a promise of the entry's number, once it is on disk. It rejects where that is not so for now; the entry
   *   still waits, and is written when the disk takes it again
   * @throws LogUnavailable when no more can wait, TypeError of what is no record: then it is not in the log
   */
  append(fields: Flat): Promise<number> {
    if (this.#isClosed) throw new LogUnavailable('closed');
    if (this.isFull) throw new LogUnavailable('full');
    // Found out later, it would hold up all others.
    checkFlat(fields);
    const done = Promise.withResolvers<number>();
    // Who does not wait for it is not to be told by an unhandled rejection.
    done.promise.catch(() => {});
    this.#queue.push({ fields: { ...this.#options.stamp(), ...fields }, done });
    if (this.#fault !== undefined) done.reject(new LogUnavailable('fault', { cause: this.#fault }));
    void this.#pump();
    return done.promise;
  }

  /**
   * Goes on with another key. The log names it first, and the key before it signs a checkpoint of that.
   * @param taken makes it the key of the next start; where it throws, the old key signs on
   * @throws LogUnavailable where the log takes nothing; else what `taken` throws
   */
  async changeKey(next: Signer, taken: () => Promise<void>): Promise<void> {
    while (this.#isBusy) await this.idle();
    if (this.#isClosed) throw new LogUnavailable('closed');
    if (this.#fault !== undefined) throw new LogUnavailable('fault', { cause: this.#fault });
    let failure: unknown = new LogUnavailable('fault');
    await this.#alone(async () => {
      await this.#tail.nameKey(next);
      failure = await taken().catch((error: unknown) => error ?? new Error('not taken'));
      if (failure !== undefined) return;
      this.#options = { ...this.#options, key: next, ...(this.#options.signer && { signer: next }) };
      this.#tail.options = this.#options;
      await this.#tail.save();
    });
    void this.#pump();
    if (failure !== undefined) throw failure;
  }

  /** Resolves when the queue has room, or the log is closed. */
  room(): Promise<void> {
    if (!this.isFull || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#crowd.push(resolve));
  }

  /** An entry found no room: the log will say that some are missing. */
  lose(): void {
    this.#lost++;
  }

  /** Resolves when all that was appended is on disk, or cannot be. */
  idle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /**
   * The last word: a checkpoint of all there is.
   * @returns how many entries are not in the log
   */
  async close(): Promise<number> {
    this.#isClosed = true;
    await this.idle();
    clearTimeout(this.#timer);
    // One more attempt: after this nobody makes one.
    if (this.#fault !== undefined) await this.#recover();
    await this.idle();
    this.#relieve();
    await this.#tail.close().catch((error: unknown) => this.#options.onFault(error));
    return this.#queue.length + this.#lost;
  }

  async #pump(): Promise<void> {
    if (this.#isBusy || this.#fault !== undefined) return;
    await this.#alone(async () => {
      // What comes in the same turn goes together.
      await Promise.resolve();
      await this.#drain();
    });
    this.#rest();
  }

  /** Nothing else touches the files meanwhile. */
  async #alone(work: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await work();
    } catch (error) {
      // Often the next attempt works, in another file: then no call notices.
      this.#options.onSetback?.(error);
      await this.#tail
        .recover(error)
        .then(() => this.#drain())
        .catch((again: unknown) => this.#failed(again));
    }
    this.#atRest();
  }

  #atRest(): void {
    this.#isBusy = false;
    // What came while the last write was told of has found the log busy.
    if (this.#queue.length > 0 && this.#fault === undefined) void this.#pump();
    if (this.#isBusy) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#commit();
      if (this.#tail.isDue) await this.#tail.checkpoint();
      await this.#tail.saveIfDue();
    }
  }

  async #commit(): Promise<void> {
    const batch = this.#queue.slice(0, this.#options.batch);
    const lost = this.#lost;
    const gap = lost > 0 ? [{ ...this.#options.stamp(), type: 'gap', lost }] : [];
    const entries = await this.#tail.append([...gap, ...batch.map(({ fields }) => fields)]);
    this.#lost -= lost;
    this.#queue.splice(0, batch.length);
    const from = entries.length - batch.length;
    for (const [at, { done }] of batch.entries()) done.resolve((entries[from + at] as Entry).seq);
    this.#relieve();
  }

  #relieve(): void {
    if (this.isFull && !this.#isClosed) return;
    for (const enter of this.#crowd.splice(0)) enter();
  }

  /** Entries that nothing follows get their checkpoint, too, and the state is written. */
  #rest(): void {
    if (this.#fault !== undefined || this.#timer || this.#isClosed || !this.#tail.isUnsettled) return;
    const { signer, checkpointEvery, stateEvery = 1_000 } = this.#options;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#settle();
      },
      signer ? checkpointEvery : stateEvery,
    );
  }

  async #settle(): Promise<void> {
    if (this.#isBusy || this.#fault !== undefined || this.#isClosed) return;
    await this.#alone(async () => {
      await this.#tail.checkpoint();
      await this.#tail.save();
    });
    await this.#pump();
  }

  #failed(error: unknown): void {
    this.#fault = error;
    const unavailable = new LogUnavailable('fault', { cause: error });
    for (const { done } of this.#queue) done.reject(unavailable);
    this.#options.onFault(error);
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#recover();
    }, this.#options.retry);
  }

  async #recover(): Promise<void> {
    this.#isBusy = true;
    try {
      await this.#tail.recover(this.#fault);
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
      this.#again();
    }
    this.#atRest();
    if (this.#fault !== undefined) return;
    this.#options.onRecovered();
    await this.#pump();
  }
}
