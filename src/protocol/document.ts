// One strict pass over a whole JSON text: grammar, limits and duplicate keys, noting the top level's members.
// Builds no values and knows nothing of MCP.

import { KeyGuard, type KeyScope, keyText } from './keys.ts';
import {
  badCharacter,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  codeAt,
  JsonError,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  scanScalar,
  scanString,
  skipSpace,
  valueEnd,
} from './scan.ts';

/** What a document may hold at most. */
export interface JsonLimits {
  /** Containers inside each other; the outermost counts as one. */
  readonly depth: number;
  /** Members of all objects together. */
  readonly keys: number;
  /** UTF-16 units between the quotes of one string or key, as written. */
  readonly string: number;
}

/** One member of an object, or one element of the outermost array (with key '' and no use for `at`). */
export interface Member {
  readonly key: string;
  /** The key's opening quote. */
  readonly at: number;
  /** First character of the value. */
  readonly start: number;
  /** Behind the value. */
  readonly end: number;
  /** The members of the value, counted from its own start, if it is an object and they were noted. */
  readonly inner: readonly Member[] | undefined;
}

/** How deep `scanDocument` notes members: message, params, `_meta`. */
const NOTED_DEPTH = 3;
/** Inner objects with more members are located when somebody asks. */
const NOTED_MEMBERS = 32;

/** An open container. */
class Frame implements KeyScope {
  /** Its members or, outermost only, elements so far. */
  members: Member[] | undefined = undefined;
  /** The member being read. */
  key = '';
  keyAt = 0;
  start = 0;
  /** What was noted of the value that has just ended. */
  inner: Member[] | undefined = undefined;
  names: Set<string> | undefined = undefined;

  constructor(
    readonly outer: Frame | undefined,
    readonly isArray: boolean,
    readonly depth: number,
    readonly base: number,
    /** What its members' offsets count from. */
    readonly origin: number,
  ) {}
}

class Scan {
  members: readonly Member[] = [];
  readonly #text: string;
  readonly #limits: JsonLimits;
  #frame: Frame | undefined = undefined;
  #count = 0;
  readonly #keys: KeyGuard;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
    this.#keys = new KeyGuard(text);
  }

  run(): void {
    const text = this.#text;
    let at = skipSpace(text, 0);
    while (at >= 0) {
      const frame = this.#frame;
      if (frame !== undefined) frame.start = at;
      const c = codeAt(text, at);
      if (c === QUOTE) at = this.#afterValue(this.#string(at) + 1);
      else if (c === OPEN_OBJECT || c === OPEN_ARRAY) at = this.#open(at, c === OPEN_ARRAY);
      else at = this.#afterValue(scanScalar(text, at));
    }
  }

  /** A value ended before `at`: closes what ends here. Returns where the next value begins, or -1 at the end. */
  #afterValue(behind: number): number {
    const text = this.#text;
    let at = behind;
    for (;;) {
      const frame = this.#frame;
      if (frame === undefined) return this.#end(at);
      if (frame.members !== undefined) this.#note(frame, frame.members, at);
      at = skipSpace(text, at);
      const c = codeAt(text, at);
      if (c === COMMA) {
        at = skipSpace(text, at + 1);
        return frame.isArray ? at : this.#member(frame, at);
      }
      if (c !== (frame.isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) throw badCharacter(text, at);
      this.#close(frame);
      at++;
    }
  }

  #end(behind: number): number {
    const at = skipSpace(this.#text, behind);
    if (at < this.#text.length) throw badCharacter(this.#text, at);
    return -1;
  }

  #open(at: number, isArray: boolean): number {
    const outer = this.#frame;
    const depth = outer === undefined ? 1 : outer.depth + 1;
    if (depth > this.#limits.depth) throw new JsonError('depth', at, 'nested too deep');
    const frame = new Frame(outer, isArray, depth, this.#keys.top, depth === 1 ? 0 : at);
    if (depth === 1 || (depth <= NOTED_DEPTH && !isArray)) frame.members = [];
    this.#frame = frame;
    const inside = skipSpace(this.#text, at + 1);
    if (codeAt(this.#text, inside) === (isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      this.#close(frame);
      return this.#afterValue(inside + 1);
    }
    return isArray ? inside : this.#member(frame, inside);
  }

  #close(frame: Frame): void {
    this.#keys.leave(frame);
    this.#frame = frame.outer;
    if (frame.outer === undefined) this.members = frame.members ?? [];
    else frame.outer.inner = frame.members;
  }

  /** A key and its colon; returns where the value begins. */
  #member(frame: Frame, at: number): number {
    const text = this.#text;
    if (codeAt(text, at) !== QUOTE) throw badCharacter(text, at);
    if (++this.#count > this.#limits.keys) throw new JsonError('keys', at, 'too many members');
    const mark = scanString(text, at);
    const close = mark < 0 ? ~mark : mark;
    this.#measure(at, close);
    this.#keys.add(frame, at, close, mark < 0);
    if (frame.members !== undefined) {
      frame.keyAt = at;
      frame.key = keyText(text, at, close, mark < 0);
    }
    const colon = skipSpace(text, close + 1);
    if (codeAt(text, colon) !== COLON) throw badCharacter(text, colon);
    return skipSpace(text, colon + 1);
  }

  #string(open: number): number {
    const mark = scanString(this.#text, open);
    const close = mark < 0 ? ~mark : mark;
    this.#measure(open, close);
    return close;
  }

  #measure(open: number, close: number): void {
    if (close - open - 1 > this.#limits.string) throw new JsonError('string', open, 'a string is too long');
  }

  #note(frame: Frame, members: Member[], behind: number): void {
    const { origin, key, inner } = frame;
    if (members.length === NOTED_MEMBERS && frame.depth > 1) {
      frame.members = undefined;
      return;
    }
    members.push({ key, at: frame.keyAt - origin, start: frame.start - origin, end: behind - origin, inner });
    frame.inner = undefined;
  }
}

/**
 * Checks a whole text in one pass: RFC 8259 grammar, the limits, no key twice in any object (after decoding).
 * @returns the members of the outermost object, or the elements of the outermost array (with key ''); a bare
 *   scalar has none. The first character tells which: see `skipSpace`.
 * @throws JsonError `syntax`, `depth`, `keys`, `string`, `duplicate`
 */
export function scanDocument(text: string, limits: JsonLimits): readonly Member[] {
  const scan = new Scan(text, limits);
  scan.run();
  return scan.members;
}

/** The members of an object in text known to be valid. Of anything else: something, but always terminates. */
export function locateMembers(text: string): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (codeAt(text, at) === QUOTE) {
    const behind = valueEnd(text, at);
    const start = skipSpace(text, skipSpace(text, behind) + 1);
    const end = valueEnd(text, start);
    const quoted = text.slice(at, behind);
    const key = quoted.includes('\\') ? decode(quoted) : quoted.slice(1, -1);
    members.push({ key, at, start, end, inner: undefined });
    at = skipSpace(text, end);
    if (codeAt(text, at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return members;
}

function decode(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    throw new JsonError('syntax', 0, 'bad key');
  }
}
