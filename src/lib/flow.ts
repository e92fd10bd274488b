// Bytes on their way from one that has them to one that takes them, with a bound between: who brings them is told
// when to wait. Knows nothing of what they say.

/** Where a source puts bytes. */
export interface Sink {
  /** Whether nothing more is wanted. */
  readonly over: boolean;
  push(bytes: Uint8Array): void;
  /** A promise while who takes them is slower than the source. */
  room(): Promise<void> | undefined;
  end(): void;
  /** There is no good end. */
  fail(error: Error): void;
}

/** Most that is given out at once, bytes: how long one part takes says how fast its reader is. */
const PART = 65_536;

export class Flow implements Sink {
  /** Bytes that were brought. */
  bytes = 0;
  readonly #buffer: number;
  #queue: Uint8Array[] = [];
  #waiting = 0;
  #ended = false;
  #fault: Error | undefined;
  #closed = false;
  #came = Promise.withResolvers<void>();
  #room: PromiseWithResolvers<void> | undefined;
  #quietSince = performance.now();
  #heldSince: number | undefined = performance.now();

  /** @param buffer bytes that may wait before `room` asks for patience */
  constructor(buffer: number) {
    this.#buffer = buffer;
  }

  /** Whether nobody takes any more, or it has failed. */
  get over(): boolean {
    return this.#closed || this.#fault !== undefined;
  }

  /** Since when the source could have brought something and has not; undefined while it has to wait, or is through. */
  get quietSince(): number | undefined {
    return this.#room || this.#ended ? undefined : this.#quietSince;
  }

  /** Since when the reader is busy with what it took last; undefined while it waits for more, or is through. */
  get heldSince(): number | undefined {
    return this.over ? undefined : this.#heldSince;
  }

  push(bytes: Uint8Array): void {
    if (this.over || this.#ended || bytes.length === 0) return;
    this.bytes += bytes.length;
    this.#queue.push(bytes);
    this.#waiting += bytes.length;
    this.#quietSince = performance.now();
    this.#came.resolve();
  }

  /** For the source: a promise while more waits than may. */
  room(): Promise<void> | undefined {
    if (this.over || this.#waiting < this.#buffer) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** The source has brought everything. */
  end(): void {
    this.#ended = true;
    this.#came.resolve();
  }

  /** There is no good end. What waits is lost. */
  fail(error: Error): void {
    if (this.over || (this.#ended && this.#queue.length === 0)) return;
    this.#fault = error;
    this.#drop();
  }

  /** Nobody takes any more. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /** The next bytes; undefined at the end. @throws the error it failed with */
  async take(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#fault) throw this.#fault;
      const next = this.#next();
      if (next) {
        this.#waiting -= next.length;
        this.#makeRoom();
        this.#heldSince = performance.now();
        return next;
      }
      this.#heldSince = undefined;
      if (this.#ended || this.#closed) return undefined;
      this.#came = Promise.withResolvers();
      await this.#came.promise;
    }
  }

  /** Puts bytes back that were taken: they come first again. */
  giveBack(taken: readonly Uint8Array[]): void {
    this.#queue.unshift(...taken);
    for (const { length } of taken) this.#waiting += length;
  }

  #next(): Uint8Array | undefined {
    const next = this.#queue.shift();
    if (next === undefined || next.length <= PART) return next;
    this.#queue.unshift(next.subarray(PART));
    return next.subarray(0, PART);
  }

  #makeRoom(): void {
    if (!this.#room || this.#waiting >= this.#buffer) return;
    this.#quietSince = performance.now();
    this.#room.resolve();
    this.#room = undefined;
  }

  #drop(): void {
    this.#queue = [];
    this.#waiting = 0;
    this.#makeRoom();
    this.#came.resolve();
  }
}
