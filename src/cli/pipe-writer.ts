// Text on its way to a descriptor whose reader may be slow, or not read at all. A write that would wait is tried
// again later: waiting in it would hold everything up.

import { AsyncLocalStorage } from 'node:async_hooks';
import { constants, fstatSync, openSync, write as writeInThread, writeSync } from 'node:fs';
import { systemCode } from './exit.ts';

/** Writes some of the bytes, and says how many. @throws the system's error, EAGAIN where nothing can be taken now */
export type Put = (bytes: Uint8Array) => Promise<number>;

/** A pipe that takes nothing now is asked again after so long, milliseconds. */
const AGAIN_MS = 5;

/** Writes to a descriptor of this process, without ever waiting in the loop. */
export function putTo(fd: 1 | 2): Put {
  const own = withoutWaiting(fd);
  if (own !== undefined) return async (bytes) => writeSync(own, bytes);
  return (bytes) =>
    new Promise((resolve, reject) => {
      writeInThread(fd, bytes, (error, written) => (error ? reject(error) : resolve(written)));
    });
}

/**
 * A descriptor of the same thing that does not wait. It is opened anew, because a flag set on one that other
 * processes share would be theirs as well. Files never wait.
 * @returns undefined where the system has no such way: sockets, and other systems than Linux
 */
function withoutWaiting(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile()) return fd;
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** All of the bytes. @throws the system's error where nobody reads any more */
async function putAll(bytes: Uint8Array, put: Put): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += await put(bytes.subarray(at));
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** One writer for messages: in order, each known to have left. */
export function messageWriter(put: Put): (data: string | Uint8Array) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (data) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const turn = last.then(() => putAll(bytes, put));
    last = turn.catch(() => {});
    return turn;
  };
}

export interface LineWriterOptions {
  readonly put: Put;
  /** Most bytes held for a reader that is slow. */
  readonly limit: () => number;
  /** Told how many texts were left out, once there is room again. */
  readonly dropped: (count: number) => void;
}

/** One writer for the log: what has no room is left out and counted. */
export class LineWriter {
  readonly #o: LineWriterOptions;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #isTelling = false;
  /** Code of a plugin may be the first to write; what it has begun ends with it, and this must not. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #writing: Promise<void> | undefined;

  constructor(options: LineWriterOptions) {
    this.#o = options;
  }

  write(text: string): void {
    const size = Buffer.byteLength(text);
    if (!this.#isTelling && this.#bytes + size > this.#o.limit()) {
      this.#dropped++;
      return;
    }
    this.#bytes += size;
    this.#waiting.push(text);
    this.#writing ??= this.#outside(() => this.#run());
  }

  /** Resolves when the system has all that was written. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.from(this.#waiting.join(''));
      this.#waiting = [];
      // Where nobody reads any more there is nobody to tell.
      await putAll(bytes, this.#o.put).catch(() => {});
      this.#bytes -= bytes.length;
      this.#tell();
    }
    this.#writing = undefined;
  }

  /** What is missing is said whatever the limit, or nobody would know of it. */
  #tell(): void {
    const dropped = this.#dropped;
    if (dropped === 0) return;
    this.#dropped = 0;
    this.#isTelling = true;
    this.#o.dropped(dropped);
    this.#isTelling = false;
  }
}
