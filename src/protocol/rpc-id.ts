// JSON-RPC ids, which keep their type and their spelling. Knows nothing of messages.

import { QUOTE, scanString } from './scan.ts';

/** A request id. */
export interface RawId {
  /** As it stands in the JSON: `"a"` or `9007199254740993`. */
  readonly text: string;
  /** A map key that keeps the type: `s:` and the decoded string, or `n:` and the digits. */
  readonly key: string;
}

/** The longest string id, in UTF-16 units: ids are held and echoed, and no client needs more. */
export const MAX_ID = 256;

/**
 * An id of ours.
 * @throws RangeError for a number that is no safe integer
 */
export function rawId(value: string | number): RawId {
  if (typeof value === 'string') return { text: JSON.stringify(value), key: `s:${value}` };
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
  return { text: `${value}`, key: `n:${value}` };
}

/**
 * Reads the JSON text of an id strictly: a string of at most 256 characters or an integer in plain digits of
 * any length (`1.0` and `1e3` are refused: they come back in another spelling), without white space around.
 */
export function readId(text: string): RawId | undefined {
  if (text.charCodeAt(0) === QUOTE) return readStringId(text);
  const minus = text.charCodeAt(0) === 0x2d ? 1 : 0;
  const isZero = text.charCodeAt(minus) === 0x30;
  if (text.length === minus || (isZero && text.length > minus + 1)) return undefined;
  for (let i = minus; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x30 || c > 0x39) return undefined;
  }
  // A peer that parses -0 answers 0.
  return { text, key: isZero ? 'n:0' : `n:${text}` };
}

function readStringId(text: string): RawId | undefined {
  try {
    const mark = scanString(text, 0);
    if ((mark < 0 ? ~mark : mark) !== text.length - 1) return undefined;
    const id: string = mark < 0 ? JSON.parse(text) : text.slice(1, -1);
    return id.length > MAX_ID ? undefined : { text, key: `s:${id}` };
  } catch {
    return undefined;
  }
}
