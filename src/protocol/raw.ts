// A JSON object that keeps the text it came in: read a member, replace one, and every other byte stays.
// Knows nothing of MCP.

import { type JsonLimits, locateMembers, type Member, scanDocument } from './document.ts';
import { applyEdits, type Edit, removal } from './edit.ts';
import { freeze, stringify } from './plain.ts';
import { JsonError, OPEN_OBJECT, QUOTE, skipSpace } from './scan.ts';
import type { JsonObject, JsonValue } from './values.ts';

export type { JsonLimits } from './document.ts';
export { caseFoldTwin } from './fold.ts';
export { JsonError, type JsonFault } from './scan.ts';
export { decodeUtf8 } from './utf8.ts';

/** JSON text used verbatim as a value in `RawObject.with`. Must be valid JSON: nobody checks it again. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** New values by key; `undefined` removes the member. */
export interface RawChanges {
  readonly [key: string]: JsonValue | RawJson | RawObject | undefined;
}

/** A JSON object as text. Immutable; what it has located or parsed once is kept. */
export class RawObject {
  readonly text: string;
  #members: readonly Member[] | undefined;
  #objects: Map<string, RawObject> | undefined;
  #parsed: Map<string, JsonValue> | undefined;
  #value: JsonObject | undefined;

  private constructor(text: string, members?: readonly Member[]) {
    this.text = text;
    this.#members = members;
  }

  /**
   * Reads a text strictly, in one pass.
   * @throws JsonError: `shape` when it is JSON but not an object, otherwise see `scanDocument`
   */
  static parse(text: string, limits: JsonLimits): RawObject {
    const members = scanDocument(text, limits);
    const at = skipSpace(text, 0);
    if (text.charCodeAt(at) !== OPEN_OBJECT) throw new JsonError('shape', at, 'expected a JSON object');
    return new RawObject(text, members);
  }

  /**
   * The JSON of a value of ours.
   * @throws JsonError `shape` when it is not an object or holds NaN or an infinity, which JSON cannot write
   */
  static of(value: JsonObject): RawObject {
    const text = jsonText(value);
    if (text.charCodeAt(0) !== OPEN_OBJECT) throw new JsonError('shape', 0, 'expected an object');
    return new RawObject(text);
  }

  /** Text that is known to be one valid JSON object without duplicate keys, such as a part of a parsed one. */
  static trusted(text: string): RawObject {
    return new RawObject(text);
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** The keys, decoded, in the order of the text. */
  keys(): string[] {
    return this.#index().map((member) => member.key);
  }

  /** The value's text, verbatim. */
  raw(key: string): string | undefined {
    const member = this.#find(key);
    return member === undefined ? undefined : this.text.slice(member.start, member.end);
  }

  /** The value, if it is an object; the same instance every time. */
  object(key: string): RawObject | undefined {
    const known = this.#objects?.get(key);
    if (known !== undefined) return known;
    const member = this.#find(key);
    if (member === undefined || this.text.charCodeAt(member.start) !== OPEN_OBJECT) return undefined;
    const object = new RawObject(this.text.slice(member.start, member.end), member.inner);
    this.#objects ??= new Map();
    this.#objects.set(key, object);
    return object;
  }

  /** The value decoded, if it is a string. A lone surrogate in it stays one. */
  string(key: string): string | undefined {
    const member = this.#find(key);
    if (member === undefined || this.text.charCodeAt(member.start) !== QUOTE) return undefined;
    const inside = this.text.slice(member.start + 1, member.end - 1);
    return inside.includes('\\') ? JSON.parse(`"${inside}"`) : inside;
  }

  /** The value parsed and deeply frozen; the same instance every time. Numbers are doubles: prefer `raw`. */
  get(key: string): JsonValue | undefined {
    const known = this.#cached(key);
    if (known !== undefined) return known;
    const text = this.raw(key);
    if (text === undefined) return undefined;
    const value: JsonValue = JSON.parse(text);
    freeze(value);
    this.#parsed ??= new Map();
    this.#parsed.set(key, value);
    return value;
  }

  /** Everything parsed and deeply frozen, once. A member named `__proto__` is a member, not a prototype. */
  get value(): JsonObject {
    if (this.#value !== undefined) return this.#value;
    const value: JsonObject = JSON.parse(this.text);
    freeze(value);
    this.#value = value;
    return value;
  }

  /**
   * A copy with some members replaced (in place), removed (`undefined`) or appended; every other byte,
   * white space included, is the original's. Returns `this` when that changes nothing: a value counts as
   * unchanged when its JSON is the text already there, or when it is the very value that `get` returned.
   */
  with(changes: RawChanges): RawObject {
    const members = this.#index();
    const edits: Edit[] = [];
    let keeps = false;
    for (let i = 0; i < members.length; i++) {
      const member = members[i];
      if (member === undefined) break;
      const change = Object.hasOwn(changes, member.key) ? changes[member.key] : KEEP;
      if (change === undefined) {
        edits.push(removal(members, i, keeps));
        continue;
      }
      keeps = true;
      const text = change === KEEP ? undefined : this.#replacement(member, change);
      if (text !== undefined) edits.push({ from: member.start, to: member.end, text });
    }
    const added = this.#added(changes);
    if (added.length > 0) {
      const at = members.at(-1)?.end ?? this.text.lastIndexOf('}');
      edits.push({ from: at, to: at, text: (keeps ? ',' : '') + added.join(',') });
    }
    return edits.length === 0 ? this : new RawObject(applyEdits(this.text, edits));
  }

  #added(changes: RawChanges): string[] {
    const added: string[] = [];
    for (const key of Object.keys(changes)) {
      const change = changes[key];
      if (change !== undefined && !this.has(key)) added.push(`${JSON.stringify(key)}:${jsonText(change)}`);
    }
    return added;
  }

  #replacement(member: Member, change: JsonValue | RawJson | RawObject): string | undefined {
    if (typeof change === 'object' && change !== null && this.#gave(member.key, change)) return undefined;
    const text = jsonText(change);
    const isSame = text.length === member.end - member.start && this.text.startsWith(text, member.start);
    return isSame ? undefined : text;
  }

  /** From the end, so that of two equal keys in trusted text the last one counts, as for JSON.parse. */
  #find(key: string): Member | undefined {
    const members = this.#index();
    for (let i = members.length - 1; i >= 0; i--) {
      const member = members[i];
      if (member !== undefined && member.key === key) return member;
    }
    return undefined;
  }

  #index(): readonly Member[] {
    this.#members ??= locateMembers(this.text);
    return this.#members;
  }

  #cached(key: string): JsonValue | undefined {
    return this.#parsed?.get(key) ?? this.#fromValue(key);
  }

  #fromValue(key: string): JsonValue | undefined {
    const value = this.#value;
    return value !== undefined && Object.hasOwn(value, key) ? value[key] : undefined;
  }

  /** Whether it is what `get` or `value` once handed out for this member. */
  #gave(key: string, object: object): boolean {
    return object === this.#parsed?.get(key) || object === this.#fromValue(key);
  }
}

const KEEP = new RawJson('');

function jsonText(value: JsonValue | RawJson | RawObject): string {
  if (value instanceof RawObject || value instanceof RawJson) return value.text;
  return stringify(value);
}
