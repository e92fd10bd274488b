// What may get into a log line: secrets out, lengths capped, control characters made visible. Pure text work.

import type { LogFields } from '../core/log.ts';

const CAP_BYTES = 1_024;
const HIDDEN = '••••';
const SECRET_KEY = /(?:authorization|token|secret|password|passwd|passphrase|apikey|requeststate|cookie)$/;
/** Tokens that name a call and open nothing. */
const HARMLESS_KEY = /progresstoken$/;
const CREDENTIAL = /\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{4,}/gi;
/** C0, DEL, C1, line and paragraph separators, and what turns the direction of text. */
const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
/** Members every line has; a field of that name would stand there twice. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Takes known values out of a text. */
type Redact = (text: string) => string;

const asIs: Redact = (text) => text;

/** A message or value as a log may hold it: at most 1 KB, without credentials. What is cut hides no secret's end. */
export function cleanText(text: string, redact: Redact = asIs): string {
  return capped(redact(text).replace(CREDENTIAL, `$1 ${HIDDEN}`));
}

/** Fields as a log may hold them. */
export function cleanFields(fields: LogFields, redact: Redact = asIs): LogFields {
  const clean: Record<string, string | number | boolean | undefined> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    clean[RESERVED.has(key) ? `${key}_` : visible(key)] = isSecretKey(key)
      ? HIDDEN
      : typeof value === 'string'
        ? cleanText(value, redact)
        : value;
  }
  return clean;
}

/** Whether values under this name are never printed. */
export function isSecretKey(key: string): boolean {
  const bare = key.toLowerCase().replace(/[^a-z]/g, '');
  return SECRET_KEY.test(bare) && !HARMLESS_KEY.test(bare);
}

/** Text on one line that cannot steer a terminal: control characters as escapes. */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => SHORT[character] ?? escaped(character));
}

/** A line of JSON with the characters escaped that some readers take for line ends or commands. */
export function visibleJson(line: string): string {
  return line.replace(CONTROL, (character) => (character === '\n' ? character : escaped(character)));
}

/** Text of several lines, such as a tool's answer, that cannot steer a terminal. */
export function visibleLines(text: string): string {
  return text.replace(CONTROL, (character) =>
    character === '\n' || character === '\t' ? character : character === '\r' ? '' : escaped(character),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function capped(text: string): string {
  if (text.length <= CAP_BYTES / 3 || Buffer.byteLength(text) <= CAP_BYTES) return text;
  const kept = Buffer.from(text)
    .subarray(0, CAP_BYTES)
    .toString('utf8')
    .replace(/\uFFFD$/, '');
  return `${kept}… (${Buffer.byteLength(text)} bytes)`;
}
