// Cuts a byte stream into lines. Holds at most one line of `limit` bytes. Knows nothing of JSON.

const NEWLINE = 10;
const RETURN = 13;

export class Lines {
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @param limit bytes in one line; more and `push` throws RangeError */
  constructor(readonly limit: number) {}

  /** The complete lines that `chunk` ends, without their line ends. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  #hold(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#grow(rest.length);
    this.#parts.push(rest.slice());
  }

  #grow(bytes: number): void {
    this.#size += bytes;
    if (this.#size > this.limit) throw new RangeError(`a line of more than ${this.limit} bytes`);
  }

  #complete(last: Uint8Array): Uint8Array {
    this.#grow(last.length);
    const line = this.#parts.length === 0 ? last : new Uint8Array(Buffer.concat([...this.#parts, last]));
    this.#parts = [];
    this.#size = 0;
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  }
}
