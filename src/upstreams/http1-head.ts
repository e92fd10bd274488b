// The head of an HTTP/1.1 answer, and that of a request. Strict (RFC 9112): an upstream whose answer can be read in two
// ways is not read at all, since the next answer on the connection would be somebody else's.

import type { Outbound } from '../core/outbound.ts';

/** How the body of an answer ends (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** With the connection. */
  | { readonly kind: 'close' };

export interface Head {
  readonly status: number;
  /** First values, by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly framing: Framing;
  /** Whether another request may follow on the connection. */
  readonly isKept: boolean;
  /** Milliseconds that the server will keep it for, as far as it says so. */
  readonly keptFor: number | undefined;
}

/** What came is not HTTP/1.1, or is ambiguous. */
export class NotHttp extends Error {}

/** Of an answer's head, and of the trailers of a chunked body. */
export const HEAD_BYTES = 65_536;
const MOST_FIELDS = 200;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What no field value holds (RFC 9110 §5.5); written as the text of a pattern, since control characters are meant. */
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/;
const NO_BODY: readonly number[] = [204, 304];

/**
 * @param text up to and without the empty line
 * @throws NotHttp
 */
export function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, digits] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw new NotHttp('it did not answer in HTTP/1.1');
  const status = Number(digits);
  const fields = fieldsOf(lines);
  const isOlder = minor === '0';
  const tokens = (fields.all('connection') ?? '').toLowerCase().split(',').map(trimmed);
  const framing = framingOf(status, fields, isOlder);
  const isKept =
    framing.kind !== 'close' && !tokens.includes('close') && (!isOlder || tokens.includes('keep-alive'));
  return {
    status,
    headers: fields.first,
    framing,
    isKept,
    keptFor: isKept ? keptFor(fields.first.get('keep-alive')) : 0,
  };
}

interface Fields {
  readonly first: ReadonlyMap<string, string>;
  /** All values of a name, as one list. */
  all(name: string): string | undefined;
}

/** @throws NotHttp */
export function fieldsOf(lines: readonly string[]): Fields {
  if (lines.length > MOST_FIELDS)
    throw new NotHttp(`it answered with more than ${MOST_FIELDS} header fields`);
  const first = new Map<string, string>();
  let more: Map<string, string> | undefined;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!TOKEN.test(name)) throw new NotHttp('it answered with a malformed header field');
    const value = trimmed(line.slice(colon + 1));
    if (FORBIDDEN.test(value)) throw new NotHttp(`it answered with a forbidden character in ${name}`);
    const key = name.toLowerCase();
    const known = first.get(key);
    if (known === undefined) first.set(key, value);
    else {
      more ??= new Map();
      more.set(key, `${more.get(key) ?? known}, ${value}`);
    }
  }
  return { first, all: (name) => more?.get(name) ?? first.get(name) };
}

/** Without white space around it, which in HTTP is blanks and tabs. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

function framingOf(status: number, fields: Fields, isOlder: boolean): Framing {
  const coding = fields.all('transfer-encoding');
  const length = fields.all('content-length');
  if (coding !== undefined && (isOlder || length !== undefined || coding.toLowerCase() !== 'chunked'))
    throw new NotHttp('it answered with a body whose end can be read in two ways');
  if (length !== undefined && !isLength(length))
    throw new NotHttp('it answered with a malformed Content-Length');
  if (status < 200 || NO_BODY.includes(status)) return { kind: 'none' };
  if (coding !== undefined) return { kind: 'chunked' };
  if (length === undefined) return { kind: 'close' };
  const bytes = Number.parseInt(length, 10);
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes };
}

/** One number, or the same one several times (RFC 9112 §6.3). */
function isLength(text: string): boolean {
  const [one = '', ...others] = text.split(',').map(trimmed);
  return /^\d{1,15}$/.test(one) && others.every((each) => each === one);
}

function keptFor(value: string | undefined): number | undefined {
  const [, seconds] = /(?:^|[,;\s])timeout=(\d{1,6})(?:$|[,;\s])/i.exec(value ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** They are about this connection, which is ours. */
const OWN: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The bytes of a request: head and body in one.
 * @param host for the field of that name, unless the message has one
 * @throws TypeError of a header that cannot be written
 */
export function requestBytes({ method, headers, body }: Outbound, host: string, path: string): Buffer {
  const hasBody = body !== '' || method === 'POST';
  const length = hasBody ? Buffer.byteLength(body) : 0;
  let head = `${method} ${path} HTTP/1.1\r\n${field('host', headers.host ?? host)}connection: keep-alive\r\n`;
  for (const name in headers) if (!OWN.has(name.toLowerCase())) head += field(name, headers[name] ?? '');
  head += hasBody ? `content-length: ${length}\r\n\r\n` : '\r\n';
  const bytes = Buffer.allocUnsafe(head.length + length);
  bytes.write(head, 0, 'latin1');
  if (length > 0) bytes.write(body, head.length);
  return bytes;
}

function field(name: string, value: string): string {
  if (!TOKEN.test(name) || FORBIDDEN.test(value))
    throw new TypeError(`the header ${JSON.stringify(name)} has a character that a header cannot have`);
  return `${name}: ${value}\r\n`;
}
