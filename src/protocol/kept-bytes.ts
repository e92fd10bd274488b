// A short stretch of bytes that is copied as it comes in chunks, unless it turns out not to be short.

export class KeptBytes {
  readonly #most: number;
  #isKept = false;
  #from = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  begin(at: number): void {
    this.#isKept = true;
    this.#from = at;
    this.#parts = [];
    this.#bytes = 0;
  }

  /** The chunk ends; what goes on begins at the first byte of the next. */
  endChunk(chunk: Uint8Array): void {
    this.#keep(chunk, chunk.length);
    this.#from = 0;
  }

  /** @returns undefined when it was too long, or never began */
  end(chunk: Uint8Array, to: number): Uint8Array | undefined {
    this.#keep(chunk, to);
    if (!this.#isKept) return undefined;
    this.#isKept = false;
    return joined(this.#parts, this.#bytes);
  }

  #keep(chunk: Uint8Array, to: number): void {
    if (!this.#isKept) return;
    this.#bytes += to - this.#from;
    this.#isKept = this.#bytes <= this.#most;
    if (this.#isKept) this.#parts.push(chunk.slice(this.#from, to));
    else this.#parts = [];
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
