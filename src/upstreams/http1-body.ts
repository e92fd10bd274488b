// Takes the framing off the body of an HTTP/1.1 answer, however it is cut into pieces. As strict as its head.

import { type Framing, fieldsOf, HEAD_BYTES, NotHttp } from './http1-head.ts';

/** A piece of a body, and what comes behind its end. */
export interface Unframed {
  /** Views of what was pushed. */
  readonly pieces: readonly Uint8Array[];
  /** Set once the body is over: bytes that are not its own. */
  readonly rest: Uint8Array | undefined;
}

export interface Unframer {
  /** @throws NotHttp */
  push(bytes: Uint8Array): Unframed;
  /** The connection has ended. @returns whether the body is whole */
  end(): boolean;
}

const NONE: readonly Uint8Array[] = [];

export function unframer(framing: Framing): Unframer {
  if (framing.kind === 'chunked') return new Chunks();
  if (framing.kind === 'close')
    return { push: (bytes) => ({ pieces: [bytes], rest: undefined }), end: () => true };
  return counted(framing.kind === 'length' ? framing.bytes : 0);
}

function counted(bytes: number): Unframer {
  let left = bytes;
  return {
    push(came) {
      if (came.length < left) {
        left -= came.length;
        return { pieces: [came], rest: undefined };
      }
      const pieces = left === came.length ? [came] : left === 0 ? NONE : [came.subarray(0, left)];
      const rest = came.subarray(left);
      left = 0;
      return { pieces, rest };
    },
    end: () => left === 0,
  };
}

const CR = 0x0d;
const LF = 0x0a;
/** Of the line before a chunk: its size, and extensions that nobody reads. */
const LINE_BYTES = 1_024;
/** A size of up to 2^52, then extensions (RFC 9112 §7.1). */
const SIZE_LINE = /^([0-9a-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/i;

/** `transfer-encoding: chunked` (RFC 9112 §7.1). Trailers are read and left out. */
class Chunks implements Unframer {
  /** `line` before a chunk, `data` in it, `end` behind it, `trailers`, `over`. */
  #at: 'line' | 'data' | 'end' | 'trailers' | 'over' = 'line';
  #left = 0;
  #line = '';
  #trailers: string[] = [];
  #trailerBytes = 0;

  push(bytes: Uint8Array): Unframed {
    const pieces: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && this.#at !== 'over') {
      if (this.#at === 'data') {
        const piece = bytes.subarray(at, at + this.#left);
        pieces.push(piece);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#at = 'end';
      } else at = this.#readLine(bytes, at);
    }
    return { pieces, rest: this.#at === 'over' ? bytes.subarray(at) : undefined };
  }

  end(): boolean {
    return this.#at === 'over';
  }

  /** @returns where the line ends; the rest of it may be yet to come */
  #readLine(bytes: Uint8Array, from: number): number {
    const at = bytes.indexOf(LF, from);
    const end = at < 0 ? bytes.length : at + 1;
    this.#line += latin1(bytes, from, end);
    if (this.#line.length > LINE_BYTES && this.#at !== 'trailers')
      throw new NotHttp('a chunk begins with too long a line');
    if (this.#trailerBytes + this.#line.length > HEAD_BYTES) throw new NotHttp('its trailers are too long');
    if (at < 0) return end;
    if (this.#line.charCodeAt(this.#line.length - 2) !== CR)
      throw new NotHttp('a line of a chunked body ends in LF alone');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#take(line);
    return end;
  }

  #take(line: string): void {
    if (this.#at === 'end') {
      if (line !== '') throw new NotHttp('a chunk is longer than it was said to be');
      this.#at = 'line';
    } else if (this.#at === 'trailers') {
      if (line === '') this.#over();
      else {
        this.#trailers.push(line);
        this.#trailerBytes += line.length + 2;
      }
    } else {
      const [, size] = SIZE_LINE.exec(line) ?? [];
      if (size === undefined) throw new NotHttp('a chunk has no size');
      this.#left = Number.parseInt(size, 16);
      this.#at = this.#left === 0 ? 'trailers' : 'data';
    }
  }

  #over(): void {
    fieldsOf(this.#trailers);
    this.#at = 'over';
  }
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
