// Arrays of objects as text: cut into items and put together again, every item with its own bytes.

import { RawJson, RawObject } from './raw.ts';
import { COMMA, codeAt, OPEN_OBJECT, skipSpace, valueEnd } from './scan.ts';

const CLOSE_ARRAY = 0x5d;

/** The objects of a JSON array in text known to be valid; elements that are no objects are left out. */
export function rawItems(text: string): RawObject[] {
  const items: RawObject[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && codeAt(text, at) !== CLOSE_ARRAY) {
    const end = valueEnd(text, at);
    if (codeAt(text, at) === OPEN_OBJECT) items.push(RawObject.trusted(text.slice(at, end)));
    at = skipSpace(text, end);
    if (codeAt(text, at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return items;
}

/** The array with its objects changed; every other byte, elements that are no objects too, is the original's. */
export function mapItems(text: string, change: (item: RawObject) => RawObject): RawJson {
  let mapped = '';
  let copied = 0;
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && codeAt(text, at) !== CLOSE_ARRAY) {
    const end = valueEnd(text, at);
    if (codeAt(text, at) === OPEN_OBJECT) {
      mapped += text.slice(copied, at) + change(RawObject.trusted(text.slice(at, end))).text;
      copied = end;
    }
    at = skipSpace(text, end);
    if (codeAt(text, at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return new RawJson(mapped + text.slice(copied));
}

export function joinItems(items: readonly RawObject[]): RawJson {
  return new RawJson(`[${items.map(({ text }) => text).join(',')}]`);
}
