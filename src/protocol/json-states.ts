// Where a scan of JSON can be between two bytes, and where a byte leads to (RFC 8259). Knows nothing of documents.

// Where the scan is.
export const VALUE = 0;
export const FIRST_ELEMENT = 1;
export const FIRST_KEY = 2;
export const KEY = 3;
export const COLON = 4;
export const AFTER = 5;
export const STRING = 6;
export const ESCAPE = 7;
export const HEX = 8;
export const WORD = 9;
export const END = 10;
// Inside of a number.
export const MINUS = 11;
export const ZERO = 12;
export const WHOLE = 13;
const POINT = 14;
const FRACTION = 15;
const EXPONENT = 16;
const SIGN = 17;
const POWER = 18;

/** Bytes of a string that need no look: neither its end, an escape, a control character nor beyond ASCII. */
export const PLAIN = Uint8Array.from({ length: 256 }, (_, c) =>
  c >= 0x20 && c < 0x80 && c !== 0x22 && c !== 0x5c ? 1 : 0,
);

/** What may stand behind a backslash, but for `u`. */
export const ESCAPES: ReadonlySet<number> = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

export function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

/** Inside of a number: where a digit leads to; undefined where none may stand. */
function afterDigit(state: number, c: number): number | undefined {
  if (state === MINUS) return c === 0x30 ? ZERO : WHOLE;
  if (state === WHOLE) return WHOLE;
  if (state === POINT || state === FRACTION) return FRACTION;
  if (state === EXPONENT || state === SIGN || state === POWER) return POWER;
  return undefined;
}

/** The same for what is no digit. */
function afterOther(state: number, c: number): number | undefined {
  if (c === 0x2e) return state === ZERO || state === WHOLE ? POINT : undefined;
  if ((c | 0x20) === 0x65)
    return state === ZERO || state === WHOLE || state === FRACTION ? EXPONENT : undefined;
  if (c === 0x2b || c === 0x2d) return state === EXPONENT ? SIGN : undefined;
  return undefined;
}

/** Where a byte leads to inside of a number; undefined where the number has ended, or should not have come. */
export function inNumber(state: number, c: number): number | undefined {
  return isDigit(c) ? afterDigit(state, c) : afterOther(state, c);
}

/** Whether a number may end here. */
export function isWholeNumber(state: number): boolean {
  return state === ZERO || state === WHOLE || state === FRACTION || state === POWER;
}
