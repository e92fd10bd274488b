// The tokens of JSON text (RFC 8259), found and checked in place: positions in, positions out.
// Builds no values and knows nothing of documents, limits or MCP.

/** What was wrong with the text. `shape`: valid JSON, but not an object. `twin`: see fold.ts. */
export type JsonFault = 'syntax' | 'depth' | 'keys' | 'string' | 'duplicate' | 'twin' | 'shape' | 'utf8';

/** Text that was refused; `at` is the place in UTF-16 units (0 for kind `utf8`: there is no text yet). */
export class JsonError extends Error {
  override readonly name = 'JsonError';

  constructor(
    readonly kind: JsonFault,
    readonly at: number,
    reason: string,
  ) {
    super(kind === 'utf8' ? reason : `${reason} at offset ${at}`);
  }
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const LOWER_U = 0x75;

/** From this length on the engine's own string check is faster than a loop over the characters. */
const LONG = 256;

/** The character code at `at`, or -1 behind the end: reading out of bounds with charCodeAt alone is slow. */
export function codeAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : -1;
}

/** The offset of the first character at or after `at` that is not white space (which may be the end). */
export function skipSpace(text: string, at: number): number {
  let i = at;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) return i;
  }
  return i;
}

/**
 * Checks the string whose opening quote is at `open`.
 * @returns the offset of the closing quote, complemented (`~`) when the string has an escape
 * @throws JsonError `syntax`
 */
export function scanString(text: string, open: number): number {
  const far = Math.min(open + LONG, text.length);
  let escaped = false;
  for (let i = open + 1; i < far; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return escaped ? ~i : i;
    if (c === BACKSLASH) {
      i = scanEscape(text, i);
      escaped = true;
    } else if (c < 0x20) throw badCharacter(text, i);
  }
  return scanLongString(text, open);
}

/** Base64 blobs and documents: let the engine check at memory speed, and look only for the end here. */
function scanLongString(text: string, open: number): number {
  const close = stringEnd(text, open);
  if (close >= text.length) throw new JsonError('syntax', text.length, 'unterminated string');
  try {
    const decoded: string = JSON.parse(text.slice(open, close + 1));
    return decoded.length === close - open - 1 ? close : ~close;
  } catch {
    throw new JsonError('syntax', open, 'a character or an escape which strings must not contain');
  }
}

/** `at` is a backslash; returns the offset of the last character of the escape. */
function scanEscape(text: string, at: number): number {
  switch (codeAt(text, at + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // / b f n r t
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case LOWER_U:
      for (let i = at + 2; i < at + 6; i++) {
        if (!isHex(codeAt(text, i))) throw badCharacter(text, i);
      }
      return at + 5;
    default:
      throw badCharacter(text, at + 1);
  }
}

function isHex(c: number): boolean {
  const lower = c | 0x20;
  return isDigit(c) || (lower >= 0x61 && lower <= 0x66);
}

function isDigit(c: number): boolean {
  return c >= ZERO && c <= 0x39;
}

/**
 * Checks the number, `true`, `false` or `null` at `at`.
 * @returns the offset behind it
 * @throws JsonError `syntax`
 */
export function scanScalar(text: string, at: number): number {
  const c = codeAt(text, at);
  if (c === MINUS || isDigit(c)) return scanNumber(text, at);
  const word = c === 0x74 ? 'true' : c === 0x66 ? 'false' : 'null';
  if (!text.startsWith(word, at)) throw badCharacter(text, at);
  return at + word.length;
}

function scanNumber(text: string, at: number): number {
  let i = codeAt(text, at) === MINUS ? at + 1 : at;
  i = codeAt(text, i) === ZERO ? i + 1 : digits(text, i);
  if (codeAt(text, i) === DOT) i = digits(text, i + 1);
  if ((codeAt(text, i) | 0x20) === 0x65) {
    const sign = codeAt(text, i + 1);
    i = digits(text, sign === MINUS || sign === 0x2b ? i + 2 : i + 1);
  }
  return i;
}

/** At least one digit from `at` on; returns the offset behind the last. */
function digits(text: string, at: number): number {
  let i = at;
  while (isDigit(codeAt(text, i))) i++;
  if (i === at) throw badCharacter(text, i);
  return i;
}

/** The refusal of whatever stands at `at`; says so when it is the end of the text. */
export function badCharacter(text: string, at: number): JsonError {
  if (at >= text.length) return new JsonError('syntax', text.length, 'unexpected end of JSON');
  return new JsonError('syntax', at, `unexpected ${JSON.stringify(text.charAt(at))}`);
}

/** The closing quote of a string in text known to be valid, or the end of the text if there is none. */
function stringEnd(text: string, open: number): number {
  for (let from = open + 1; ; ) {
    const close = text.indexOf('"', from);
    if (close < 0) return text.length;
    let first = close;
    while (first > from && codeAt(text, first - 1) === BACKSLASH) first--;
    if (((close - first) & 1) === 0) return close;
    from = close + 1;
  }
}

/** The offset behind the value at `start` in text known to be valid; never beyond the end of the text. */
export function valueEnd(text: string, start: number): number {
  const c = codeAt(text, start);
  if (c === QUOTE) return Math.min(stringEnd(text, start) + 1, text.length);
  if (c === OPEN_OBJECT || c === OPEN_ARRAY) return nestedEnd(text, start);
  let i = start;
  for (; ; i++) {
    const d = codeAt(text, i);
    if (d <= 0x20 || d === COMMA || d === CLOSE_OBJECT || d === CLOSE_ARRAY) return i;
  }
}

function nestedEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const c = codeAt(text, i);
    if (c === QUOTE) i = stringEnd(text, i);
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++;
    else if ((c === CLOSE_OBJECT || c === CLOSE_ARRAY) && --depth === 0) return i + 1;
  }
  return text.length;
}
