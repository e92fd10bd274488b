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

export function joinItems(items: readonly RawObject[]): RawJson {
  return new RawJson(`[${items.map(({ text }) => text).join(',')}]`);
}
