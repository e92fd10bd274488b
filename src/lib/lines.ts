// Cuts a byte stream into lines. Holds at most one line of `limit` bytes. Knows nothing of JSON.

import type { Sink } from './flow.ts';

const NEWLINE = 10;
const RETURN = 13;

/** Lines that need not be held. */
export interface LongLines {
  /** From how many bytes on it is asked. */
  readonly from: () => number;
  /** Where a line goes instead, its head first, if it may. */
  take(head: Uint8Array): Sink | undefined;
  /** The same for one that is longer than may be held: it can only be passed over. */
  skip(head: Uint8Array): Sink | undefined;
}

export class Lines {
  #parts: Uint8Array[] = [];
  #size = 0;
  readonly #long: LongLines | undefined;
  #isAsked = false;
  #sink: Sink | undefined;

  /** @param limit bytes in one line that is held; more, where `long` does not take it, and `push` throws RangeError */
  constructor(
    readonly limit: number,
    long?: LongLines,
  ) {
    this.#long = long;
  }

  /** Where the current line goes, if it is not held. */
  get sink(): Sink | undefined {
    return this.#sink;
  }

  /** The complete lines that `chunk` ends, without their line ends; but for those that went elsewhere. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const last = chunk.subarray(start, end);
      if (this.#sink) this.#endSink(last);
      else if (this.#size + last.length <= this.limit) lines.push(this.#complete(last));
      else this.#endTooLong(last);
      start = end + 1;
    }
    if (this.#sink) this.#sink.push(chunk.subarray(start));
    else this.#hold(chunk.subarray(start));
    return lines;
  }

  /** The stream ended, maybe within a line. @param error what becomes of one that is not held */
  end(error: Error): void {
    this.#sink?.fail(error);
    this.#sink = undefined;
  }

  #endSink(last: Uint8Array): void {
    this.#sink?.push(last);
    this.#sink?.end();
    this.#sink = undefined;
    this.#isAsked = false;
  }

  #hold(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#size += rest.length;
    this.#parts.push(rest.slice());
    this.#offer();
  }

  #offer(): void {
    const long = this.#long;
    if (long && !this.#isAsked && this.#size > long.from()) {
      this.#isAsked = true;
      this.#pass(long.take(this.#held()));
    }
    if (this.#size <= this.limit) return;
    this.#pass(long?.skip(this.#held()));
    if (!this.#sink) throw new RangeError(`a line of more than ${this.limit} bytes`);
  }

  #held(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  #pass(sink: Sink | undefined): void {
    if (!sink) return;
    this.#sink = sink;
    this.#parts = [];
    this.#size = 0;
  }

  /** It becomes too long with its last bytes, and goes where any other does. */
  #endTooLong(last: Uint8Array): void {
    this.#hold(last);
    this.#endSink(last.subarray(last.length));
  }

  #complete(last: Uint8Array): Uint8Array {
    const line = this.#parts.length === 0 ? last : new Uint8Array(Buffer.concat([...this.#parts, last]));
    this.#parts = [];
    this.#size = 0;
    this.#isAsked = false;
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  }
}
