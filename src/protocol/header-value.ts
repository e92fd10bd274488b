// How a string becomes an HTTP header value and back: as it is where that is safe, else as
// `=?base64?…?=` (2026-07-28 basic/transports/streamable-http, "Value Encoding"). Knows no header.

/** A value or a schema that breaks SEP-2243's rules; the message says which. */
export class HeaderError extends Error {
  override readonly name = 'HeaderError';
}

const PREFIX = '=?base64?';
const SUFFIX = '?=';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * A legal header value for any string.
 * @throws HeaderError for a string with a lone surrogate, which UTF-8 cannot carry
 */
export function encodeHeaderValue(value: string): string {
  if (isHeaderSafe(value) && !isWrapped(value)) return value;
  if (!value.isWellFormed()) throw new HeaderError('a lone surrogate cannot be written as a header value');
  return PREFIX + encoder.encode(value).toBase64() + SUFFIX;
}

/**
 * The string a header value stands for; space and tab around it are no part of it.
 * @throws HeaderError for characters no header value has, and for base64 or UTF-8 that is not canonical
 */
export function decodeHeaderValue(value: string): string {
  const trimmed = trimSpace(value);
  if (!isPrintable(trimmed)) throw new HeaderError('it has characters that need base64');
  if (!isWrapped(trimmed)) return trimmed;
  const payload = trimmed.slice(PREFIX.length, -SUFFIX.length);
  if (payload.includes(' ') || payload.includes('\t')) throw new HeaderError('white space in the base64');
  try {
    return decoder.decode(Uint8Array.fromBase64(payload, { lastChunkHandling: 'strict' }));
  } catch {
    throw new HeaderError('its base64 or the UTF-8 within is invalid');
  }
}

/** Space and tab off both ends, in linear time. */
export function trimSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

/**
 * Whether a value survives as it is. A tab inside would be legal, but hops turn it into a space.
 */
export function isHeaderSafe(value: string): boolean {
  return isPrintable(value) && !value.includes('\t') && trimSpace(value).length === value.length;
}

function isWrapped(value: string): boolean {
  return value.startsWith(PREFIX) && value.endsWith(SUFFIX) && value.length >= PREFIX.length + SUFFIX.length;
}

function isPrintable(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if ((c < 0x20 && c !== 0x09) || c > 0x7e) return false;
  }
  return true;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
