// Server-sent events as bytes arrive and as text leaves (WHATWG HTML §9.2). Knows nothing of what the
// events say, and nothing of connections.

import type { Sink } from '../lib/flow.ts';

/** One event of a stream. */
export interface SseEvent {
  /** The `event:` field; undefined where there was none, which means `message`. */
  readonly event: string | undefined;
  /** The data lines joined by LF. */
  readonly data: string;
  /** This event's own `id:` field. */
  readonly id: string | undefined;
  /** False for a priming event: `data:` and nothing behind it, which is no message and no JSON. */
  readonly hasData: boolean;
}

/** A stream or a field that was refused: `size` (an event over the limit), `utf8`, `field` (the writer). */
export class SseError extends Error {
  override readonly name = 'SseError';

  constructor(
    readonly kind: 'size' | 'utf8' | 'field',
    reason: string,
    /** What was complete before the fault in the bytes of the same `push`. */
    readonly events: readonly SseEvent[] = [],
  ) {
    super(reason);
  }
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const EMPTY = new Uint8Array(0);
/** A buffer for parts of lines that is larger is given back, in bytes. */
const KEPT = 65_536;
const MAX_RETRY = 2 ** 31 - 1;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Reads one stream. After it has thrown it is of no more use. */
export class SseReader {
  /** The id to resume from: that of the last block that had one, with or without data. */
  lastEventId = '';
  /** What the server asked to wait before a reconnection, in milliseconds. */
  retry: number | undefined = undefined;
  /** Whether anything has come: an event, or an id to resume from. */
  heard = false;

  readonly #limit: number;
  readonly #longFrom: number;
  readonly #long: ((head: Uint8Array) => Sink | undefined) | undefined;
  /** Where the data of the current event goes, if it is not held; and whether a line of it has not ended. */
  #sink: Sink | undefined;
  #isInSink = false;
  #isAsked = false;
  /** The part of a line that came without its end: `#tail[0..#length)`. */
  #tail = EMPTY;
  #length = 0;
  #atStart = true;
  #skipLf = false;
  /** Bytes of the current block's lines so far, their ends counted as one. */
  #held = 0;
  #lines: string[] = [];
  #event: string | undefined = undefined;
  #id: string | undefined = undefined;

  /**
   * @param limits eventBytes: the most that the lines of one event may have, with one for each end between them;
   *   longFrom: from how many on it is asked where they go instead
   * @param long says where the data of an event goes that is not to be held, its head first; such an event is not
   *   returned
   */
  constructor(
    limits: { readonly eventBytes: number; readonly longFrom?: number },
    long?: (head: Uint8Array) => Sink | undefined,
  ) {
    this.#limit = limits.eventBytes;
    this.#longFrom = long ? (limits.longFrom ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    this.#long = long;
  }

  /** Where the data of the current event goes, if it is not held. */
  get sink(): Sink | undefined {
    return this.#sink;
  }

  /**
   * Takes the next bytes and returns the events they complete.
   * @throws SseError `size`, `utf8`
   */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    // Where the next of each is; -1 for none, so that neither is looked for again and again.
    let lf = -2;
    let cr = -2;
    let from = this.#skipLf && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#skipLf = false;
    for (;;) {
      if (lf !== -1 && lf < from) lf = chunk.indexOf(LF, from);
      if (cr !== -1 && cr < from) cr = chunk.indexOf(CR, from);
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      if (end === -1) break;
      if (this.#isInSink) this.#pass(chunk, from, end, true);
      else this.#line(this.#complete(chunk, from, end, events), events);
      from = end + 1;
      if (end !== cr) continue;
      if (from === chunk.length) this.#skipLf = true;
      else if (chunk[from] === LF) from++;
    }
    if (this.#isInSink) this.#pass(chunk, from, chunk.length, false);
    else this.#keep(chunk.subarray(from), events);
    return events;
  }

  /** A part of a line whose event is not held. */
  #pass(chunk: Uint8Array, from: number, to: number, isWhole: boolean): void {
    this.#sink?.push(chunk.subarray(from, to));
    this.#isInSink = !isWhole;
  }

  /**
   * The stream ended: a block without its blank line is no event.
   * @param error what becomes of one that is not held
   */
  end(error: Error = new SseError('field', 'a stream that ended within an event')): void {
    this.#sink?.fail(error);
    this.#length = 0;
    this.#reset();
  }

  /** A whole line: of this chunk alone, or with what was kept before it. */
  #complete(chunk: Uint8Array, from: number, end: number, events: SseEvent[]): Uint8Array {
    const part = chunk.subarray(from, end);
    if (this.#length === 0) {
      if (part.length > 0) this.#measure(part.length, events);
      return part;
    }
    this.#keep(part, events);
    const line = this.#tail.subarray(0, this.#length);
    this.#length = 0;
    if (this.#tail.length > KEPT) this.#tail = EMPTY;
    return line;
  }

  /** Doubles its room when it has to, so that many small chunks cost no more than their bytes. */
  #keep(part: Uint8Array, events: SseEvent[]): void {
    if (part.length === 0) return;
    const length = this.#length + part.length;
    this.#measure(length, events);
    if (length > this.#tail.length) {
      const grown = new Uint8Array(Math.max(length, this.#tail.length * 2, 256));
      grown.set(this.#tail.subarray(0, this.#length));
      this.#tail = grown;
    }
    this.#tail.set(part, this.#length);
    this.#length = length;
    if (length > this.#longFrom && !this.#isAsked) this.#offerLine();
  }

  /** The line that is coming may be the data of an event that need not be held. */
  #offerLine(): void {
    const line = this.#tail.subarray(0, this.#length);
    if (this.#lines.length > 0 || !isNamed(line, DATA.length, DATA) || line[DATA.length] !== COLON) return;
    const start = line[DATA.length + 1] === SPACE ? DATA.length + 2 : DATA.length + 1;
    if (!this.#offer(() => line.slice(start))) return;
    this.#isInSink = true;
    this.#length = 0;
    this.#tail = EMPTY;
  }

  #offer(head: () => Uint8Array): boolean {
    if (this.#event !== undefined && this.#event !== 'message') return false;
    this.#isAsked = true;
    this.#sink = this.#long?.(head());
    if (!this.#sink) return false;
    this.#atStart = false;
    this.#held = 0;
    this.#lines = [];
    return true;
  }

  #measure(lineBytes: number, events: SseEvent[]): void {
    if (this.#held + lineBytes > this.#limit) {
      throw new SseError('size', `an event of more than ${this.#limit} bytes`, events);
    }
  }

  #line(bytes: Uint8Array, events: SseEvent[]): void {
    const isMarked = this.#atStart && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#atStart = false;
    const line = isMarked ? bytes.subarray(3) : bytes;
    if (line.length === 0) {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    if (!this.#sink) this.#held += line.length + 1;
    const end = colon === -1 ? line.length : colon;
    const name = FIELDS.find((field) => isNamed(line, end, field));
    if (name === undefined) return;
    const start = line[end + 1] === SPACE ? end + 2 : end + 1;
    this.#field(name, decode(line.subarray(start), events));
  }

  #field(name: Field, value: string): void {
    if (name === 'data') this.#data(value);
    else if (name === 'event') this.#event = value === '' ? undefined : value;
    else if (name === 'retry') {
      if (/^[0-9]+$/.test(value)) this.retry = Math.min(Number(value), MAX_RETRY);
    } else if (!value.includes('\0')) this.#id = value;
  }

  #data(value: string): void {
    // Between two lines of data is a line break, which the JSON of a message may have between tokens alone.
    if (this.#sink) {
      this.#sink.push(encoder.encode(`\n${value}`));
      return;
    }
    this.#lines.push(value);
    if (this.#held > this.#longFrom && !this.#isAsked)
      this.#offer(() => encoder.encode(this.#lines.join('\n')));
  }

  /** The event whose data went elsewhere is complete. */
  #endSink(): void {
    if (this.#sink === undefined) return;
    this.heard = true;
    if (this.#event === undefined || this.#event === 'message') this.#sink.end();
    // Named late, it is none that anybody should have heard of.
    else this.#sink.fail(new SseError('field', 'an event that was taken back'));
    this.#sink = undefined;
  }

  #dispatch(events: SseEvent[]): void {
    this.#endSink();
    if (this.#id !== undefined) this.lastEventId = this.#id;
    if (this.#id !== undefined || this.#lines.length > 0) this.heard = true;
    if (this.#lines.length > 0) {
      const data = this.#lines.join('\n');
      events.push({ event: this.#event, data, id: this.#id, hasData: data !== '' });
    }
    this.#reset();
  }

  #reset(): void {
    this.#held = 0;
    this.#lines = [];
    this.#event = undefined;
    this.#id = undefined;
    this.#sink = undefined;
    this.#isInSink = false;
    this.#isAsked = false;
  }
}

type Field = 'data' | 'event' | 'id' | 'retry';
const DATA: Field = 'data';
const FIELDS: readonly Field[] = ['data', 'event', 'id', 'retry'];

function isNamed(line: Uint8Array, end: number, name: string): boolean {
  if (end !== name.length) return false;
  for (let i = 0; i < end; i++) if (line[i] !== name.charCodeAt(i)) return false;
  return true;
}

function decode(bytes: Uint8Array, events: readonly SseEvent[]): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new SseError('utf8', 'invalid UTF-8', events);
  }
}

/** Fields beside the data of an event to write. `retry` in milliseconds. */
export interface SseOptions {
  readonly id?: string;
  readonly event?: string;
  readonly retry?: number;
}

/**
 * One event as text, its blank line included. Data with line breaks (CR, LF, CRLF) becomes one line each,
 * which a reader joins by LF: the same JSON.
 * @throws SseError `field` when an id or event name would break the framing, or retry is no whole number
 */
export function sseEvent(data: string, options: SseOptions = {}): string {
  const head = sseFields(options);
  if (data === '') return `${head}data:\n\n`;
  return `${head}data: ${lines(data).join('\ndata: ')}\n\n`;
}

/** The lines of an event beside its data. @throws SseError as `sseEvent` does */
export function sseFields(options: SseOptions): string {
  let head = '';
  if (options.event !== undefined) head += `event: ${fieldValue(options.event)}\n`;
  if (options.id !== undefined) head += `id: ${fieldValue(options.id)}\n`;
  if (options.retry !== undefined) {
    if (!Number.isSafeInteger(options.retry) || options.retry < 0) throw new SseError('field', 'bad retry');
    head += `retry: ${options.retry}\n`;
  }
  return head;
}

/**
 * A comment, which keeps a silent connection alive. No blank line ends it: readers that dispatch at every blank line
 * once they have seen an id (Python's httpx-sse) would take it for an event without data.
 */
export function sseComment(text = ''): string {
  if (text === '') return ':\n';
  return `: ${lines(text).join('\n: ')}\n`;
}

function lines(text: string): string[] {
  return text.includes('\n') || text.includes('\r') ? text.split(/\r\n|\r|\n/) : [text];
}

function fieldValue(value: string): string {
  for (const breaking of ['\n', '\r', '\0']) {
    if (value.includes(breaking)) throw new SseError('field', 'a line break or NUL in an SSE field');
  }
  return value;
}
