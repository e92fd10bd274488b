// The answer to a call, checked byte by byte as it comes and without being held: the grammar of JSON, UTF-8, the
// envelope of JSON-RPC, and the members of its result, some of which are left out or put in front. Gives the bytes
// of the result object. Less strict than document.ts in this alone: keys may stand twice below the result's own.

import { caseFoldTwin } from './fold.ts';
import {
  AFTER,
  COLON,
  END,
  ESCAPE,
  ESCAPES,
  FIRST_ELEMENT,
  FIRST_KEY,
  HEX,
  inNumber,
  isDigit,
  isWholeNumber,
  KEY,
  MINUS,
  PLAIN,
  STRING,
  VALUE,
  WHOLE,
  WORD,
  ZERO,
} from './json-states.ts';
import { ENVELOPE, readId } from './jsonrpc.ts';
import { KeptBytes } from './kept-bytes.ts';
import { JsonError } from './scan.ts';
import { Utf8Check } from './utf8-check.ts';

/** What becomes of the result's own members. */
export interface ResultEdits {
  /** Written first, as JSON text by key; members that come with the same name are left out. */
  readonly front: ReadonlyMap<string, string>;
  readonly without: ReadonlySet<string>;
  /** Left out, too, unless they are objects. */
  readonly objects: ReadonlySet<string>;
}

export interface ResultScanOptions {
  /** Containers inside each other; the outermost counts as one. */
  readonly depth: number;
  readonly edits?: ResultEdits;
  /** The request it must be the answer to, by the key of its id. */
  readonly id?: string;
  /** Whether a `resultType` may be nothing but "complete". */
  readonly completeOnly?: boolean;
}

/** What is known of a member of the result. */
export interface SeenMember {
  /** Its JSON text, once it is there and if it is short. */
  readonly text: string | undefined;
  readonly isObject: boolean;
}

/** Longest key, and longest value of a member whose text is kept, in bytes. */
const KEPT = 4_096;
const MOST_MEMBERS = 10_000;
const NO_EDITS: ResultEdits = { front: new Map(), without: new Set(), objects: new Set() };

/** Depth at which the envelope's members are, and the result's. */
const ENVELOPE_DEPTH = 1;
const RESULT_DEPTH = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ResultScan {
  /** The id's JSON text, once it is there. */
  id: string | undefined;
  /** The result's members that have begun, by key. */
  readonly members = new Map<string, SeenMember>();
  readonly #o: ResultScanOptions;
  readonly #edits: ResultEdits;
  readonly #arrays: Uint8Array;
  readonly #envelope = new Set<string>();
  readonly #utf8 = new Utf8Check();
  /** The key that is read, or the value, if it is short. */
  readonly #kept = new KeptBytes(KEPT);
  #depth = 0;
  #state = VALUE;
  #isKey = false;
  #hex = 0;
  #word = '';
  #wordAt = 0;
  /** Bytes before this chunk. */
  #before = 0;
  #isInResult = false;
  #key = '';
  #parts: Uint8Array[] = [];
  /** Where in this chunk begins what goes out; -1: nothing. */
  #outFrom = -1;
  #isOut = false;
  #hasMember = false;

  constructor(options: ResultScanOptions) {
    this.#o = options;
    this.#edits = options.edits ?? NO_EDITS;
    this.#arrays = new Uint8Array(options.depth + 1);
  }

  /** Whether the result object has begun. */
  get begun(): boolean {
    return this.#envelope.has('result');
  }

  /**
   * Takes the next bytes, which may be written to: line breaks between tokens become blanks.
   * @returns what of the result object goes out
   * @throws JsonError
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#parts = [];
    this.#outFrom = this.#isOut ? 0 : -1;
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
    this.#flush(chunk, chunk.length);
    this.#kept.endChunk(chunk);
    this.#before += chunk.length;
    return this.#parts;
  }

  /** No more comes. @throws JsonError unless that was one whole answer with a result */
  end(): void {
    if (this.#state !== END) this.#fault(0, 'unexpected end of JSON');
    if (!this.begun) this.#fault(0, 'no result');
  }

  /** @returns where to go on */
  #step(chunk: Uint8Array, at: number): number {
    const state = this.#state;
    if (state === STRING) return this.#string(chunk, at);
    const c = chunk[at] as number;
    if (state >= MINUS) return this.#number(chunk, at, c);
    if (state === ESCAPE || state === HEX) return this.#escape(at, c);
    if (state === WORD) return this.#inWord(chunk, at, c);
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) {
      if (c !== 0x09) chunk[at] = 0x20;
      return at + 1;
    }
    if (state === VALUE) return this.#value(chunk, at, c);
    if (state === AFTER) return this.#after(chunk, at, c);
    if (state === COLON && c === 0x3a) this.#state = VALUE;
    else if (state === KEY && c === 0x22) this.#beginKey(at);
    else if (state === FIRST_KEY && c === 0x22) this.#beginKey(at);
    else if (state === FIRST_KEY && c === 0x7d) this.#close(chunk, at, false);
    else if (state === FIRST_ELEMENT && c === 0x5d) this.#close(chunk, at, true);
    else if (state === FIRST_ELEMENT) return this.#value(chunk, at, c);
    else this.#bad(at, c);
    return at + 1;
  }

  #value(chunk: Uint8Array, at: number, c: number): number {
    if (this.#depth === 0 && c !== 0x7b) this.#fault(at, 'expected a JSON object');
    if (this.#isNoted) this.#beginMember(chunk, at, c);
    if (c === 0x22) {
      this.#state = STRING;
      this.#isKey = false;
    } else if (c === 0x7b || c === 0x5b) this.#open(chunk, at, c === 0x5b);
    else if (c === 0x2d) this.#state = MINUS;
    else if (c === 0x30) this.#state = ZERO;
    else if (c > 0x30 && c <= 0x39) this.#state = WHOLE;
    else {
      const word = c === 0x74 ? 'true' : c === 0x66 ? 'false' : c === 0x6e ? 'null' : '';
      if (word === '') this.#bad(at, c);
      this.#word = word;
      this.#wordAt = 1;
      this.#state = WORD;
    }
    return at + 1;
  }

  #open(chunk: Uint8Array, at: number, isArray: boolean): void {
    if (++this.#depth > this.#o.depth) this.#fault(at, 'nested too deep', 'depth');
    this.#arrays[this.#depth] = isArray ? 1 : 0;
    this.#state = isArray ? FIRST_ELEMENT : FIRST_KEY;
    if (this.#depth === RESULT_DEPTH && this.#key === 'result' && !this.#isInResult)
      this.#beginResult(chunk, at);
  }

  #close(chunk: Uint8Array, at: number, isArray: boolean): void {
    if (this.#arrays[this.#depth] !== (isArray ? 1 : 0)) this.#bad(at, chunk[at] as number);
    const endsResult = this.#isInResult && this.#depth === RESULT_DEPTH;
    this.#depth--;
    if (endsResult) {
      this.#isInResult = false;
      this.#key = 'result';
      this.#parts.push(chunk.subarray(at, at + 1));
    }
    this.#ended(chunk, at + 1);
  }

  /** A value is over before `behind`. */
  #ended(chunk: Uint8Array, behind: number): void {
    this.#state = this.#depth === 0 ? END : AFTER;
    if (this.#depth === 0) this.#checkEnvelope(behind);
    else if (this.#isNoted) this.#endMember(chunk, behind);
  }

  #after(chunk: Uint8Array, at: number, c: number): number {
    const isArray = this.#arrays[this.#depth] === 1;
    if (c === 0x2c) this.#state = isArray ? VALUE : KEY;
    else if (c === (isArray ? 0x5d : 0x7d)) this.#close(chunk, at, isArray);
    else this.#bad(at, c);
    return at + 1;
  }

  /** Whether the innermost container is the envelope, or the result. */
  get #isNoted(): boolean {
    return this.#depth === ENVELOPE_DEPTH || (this.#isInResult && this.#depth === RESULT_DEPTH);
  }

  #beginKey(at: number): void {
    this.#state = STRING;
    this.#isKey = true;
    if (this.#isNoted) this.#kept.begin(at);
  }

  /** The first byte of a value in the envelope or in the result: its key has been kept, with what follows it. */
  #beginMember(chunk: Uint8Array, at: number, c: number): void {
    const held = this.#kept.end(chunk, at) ?? this.#fault(at, 'a key is too long', 'string');
    const text = decoder.decode(held);
    const key: string = JSON.parse(text.slice(0, text.lastIndexOf('"') + 1));
    this.#key = key;
    if (this.#isInResult) this.#beginResultMember(at, key, held, c);
    else this.#beginEnvelopeMember(at, key, c);
    this.#kept.begin(at);
  }

  #beginEnvelopeMember(at: number, key: string, c: number): void {
    const isTwice = this.#envelope.has(key);
    if (isTwice) this.#fault(at, 'a key stands twice', 'duplicate');
    if (caseFoldTwin([key], ENVELOPE) !== undefined)
      this.#fault(at, 'a key could be mistaken for a reserved one', 'twin');
    if (key === 'error' || key === 'method')
      this.#fault(at, 'expected exactly one of method, result and error');
    if (key === 'result' && c !== 0x7b) this.#fault(at, 'result must be an object');
    this.#envelope.add(key);
    if (this.#envelope.size > MOST_MEMBERS) this.#fault(at, 'too many members', 'keys');
  }

  #beginResultMember(at: number, key: string, held: Uint8Array, c: number): void {
    if (this.members.has(key)) this.#fault(at, 'a key stands twice', 'duplicate');
    if (this.members.size === MOST_MEMBERS) this.#fault(at, 'too many members', 'keys');
    this.members.set(key, { text: undefined, isObject: c === 0x7b });
    const { front, without, objects } = this.#edits;
    if (front.has(key) || without.has(key) || (objects.has(key) && c !== 0x7b)) return;
    if (this.#hasMember) this.#parts.push(COMMA);
    this.#parts.push(held);
    this.#hasMember = true;
    this.#isOut = true;
    this.#outFrom = at;
  }

  #endMember(chunk: Uint8Array, behind: number): void {
    this.#flush(chunk, behind);
    this.#isOut = false;
    this.#outFrom = -1;
    const kept = this.#kept.end(chunk, behind);
    const text = kept && decoder.decode(kept);
    if (this.#isInResult) {
      const seen = this.members.get(this.#key);
      if (seen) this.members.set(this.#key, { ...seen, text });
      if (this.#key === 'resultType' && this.#o.completeOnly && text !== '"complete"')
        this.#fault(behind, 'a resultType other than "complete" that came late', 'shape');
    } else if (this.#key === 'id') this.#endId(text, behind);
    else if (this.#key === 'jsonrpc' && text !== '"2.0"') this.#fault(behind, 'jsonrpc must be "2.0"');
  }

  #endId(text: string | undefined, at: number): void {
    this.id = text;
    const { id } = this.#o;
    if (id !== undefined && readId(text ?? '')?.key !== id)
      this.#fault(at, 'the answer to another request', 'shape');
  }

  #beginResult(chunk: Uint8Array, at: number): void {
    // Of the result itself nothing is kept.
    this.#kept.end(chunk, at);
    this.#isInResult = true;
    const { front } = this.#edits;
    const members = [...front].map(([key, text]) => `${JSON.stringify(key)}:${text}`);
    this.#hasMember = members.length > 0;
    this.#parts.push(encoder.encode(`{${members.join(',')}`));
  }

  #checkEnvelope(at: number): void {
    for (const key of ['jsonrpc', 'id', 'result']) if (!this.#envelope.has(key)) this.#fault(at, `no ${key}`);
  }

  #flush(chunk: Uint8Array, to: number): void {
    if (this.#outFrom >= 0 && to > this.#outFrom) this.#parts.push(chunk.subarray(this.#outFrom, to));
  }

  #string(chunk: Uint8Array, from: number): number {
    const utf8 = this.#utf8;
    let at = from;
    while (at < chunk.length) {
      if (utf8.isInside) {
        if (!utf8.goesOn(chunk[at] as number)) this.#fault(at, 'invalid UTF-8', 'utf8');
        at++;
        continue;
      }
      while (at < chunk.length && PLAIN[chunk[at] as number] === 1) at++;
      if (at === chunk.length) break;
      const c = chunk[at] as number;
      if (c === 0x22) {
        this.#endString(chunk, at + 1);
        return at + 1;
      }
      if (c === 0x5c) {
        this.#state = ESCAPE;
        return at + 1;
      }
      if (c < 0x20) this.#bad(at, c);
      if (!utf8.begins(c)) this.#fault(at, 'invalid UTF-8', 'utf8');
      at++;
    }
    return at;
  }

  #endString(chunk: Uint8Array, behind: number): void {
    if (this.#isKey) this.#state = COLON;
    else this.#ended(chunk, behind);
  }

  #escape(at: number, c: number): number {
    if (this.#state === HEX) {
      const lower = c | 0x20;
      if (!isDigit(c) && !(lower >= 0x61 && lower <= 0x66)) this.#bad(at, c);
      if (--this.#hex === 0) this.#state = STRING;
    } else if (c === 0x75) {
      this.#state = HEX;
      this.#hex = 4;
    } else {
      if (!ESCAPES.has(c)) this.#bad(at, c);
      this.#state = STRING;
    }
    return at + 1;
  }

  #inWord(chunk: Uint8Array, at: number, c: number): number {
    if (c !== this.#word.charCodeAt(this.#wordAt)) this.#bad(at, c);
    if (++this.#wordAt === this.#word.length) this.#ended(chunk, at + 1);
    return at + 1;
  }

  #number(chunk: Uint8Array, at: number, c: number): number {
    const next = inNumber(this.#state, c);
    if (next !== undefined) {
      this.#state = next;
      return at + 1;
    }
    if (!isWholeNumber(this.#state) || isDigit(c)) this.#bad(at, c);
    this.#ended(chunk, at);
    return at;
  }

  #bad(at: number, c: number): never {
    return this.#fault(at, `unexpected byte 0x${c.toString(16).padStart(2, '0')}`);
  }

  #fault(at: number, reason: string, kind: JsonError['kind'] = 'syntax'): never {
    throw new JsonError(kind, this.#before + at, reason);
  }
}

const COMMA = encoder.encode(',');
