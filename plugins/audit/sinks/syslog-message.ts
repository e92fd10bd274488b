// An entry as a message of RFC 5424: https://www.rfc-editor.org/rfc/rfc5424#section-6

import { type EntryFields, fieldsOf, gravityOf } from '../delivery/entry-fields.ts';

/** Numbers of facilities that are made for this, or for sites to use as they like. */
export const FACILITIES = {
  auth: 4,
  authpriv: 10,
  audit: 13,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

const SEVERITIES = { warning: 4, notice: 5, info: 6 } as const;

export interface SyslogForm {
  readonly facility: keyof typeof FACILITIES;
  readonly hostname: string;
  /** The number that the name of the structured data ends in. */
  readonly enterprise: number;
  /** Most bytes of a message; one that is longer goes without the entry's own text. */
  readonly longest: number;
}

/** Members of an entry that the message has elsewhere, or that only the log itself needs. */
const ELSEWHERE = new Set(['ts', 'type', 'v', 'boot', 'entry_hash', 'prev_hash']);

/** What a name may be there: 1 to 32 visible ASCII characters without `=`, `]` and `"`. */
const PARAMETER = /^[!#-<>-\\^-~]{1,32}$/;

/** `sequenceId` of RFC 5424 §7.3.1 ends there and begins again with 1. */
const SEQUENCE = 2_147_483_647;

/** One message, without what separates it from the next. */
export function syslogMessage(line: string, form: SyslogForm): Buffer {
  const fields = fieldsOf(line);
  const priority = FACILITIES[form.facility] * 8 + SEVERITIES[gravityOf(fields)];
  const header = [
    `<${priority}>1`,
    timestampOf(fields),
    printable(form.hostname, 255),
    'sluice',
    printable(fields.boot, 128),
    printable(fields.type, 32),
  ].join(' ');
  const start = `${header} ${structured(fields, form.enterprise)}`;
  const whole = Buffer.from(`${start} ${line}`);
  return whole.length <= form.longest ? whole : Buffer.from(start);
}

function structured(fields: EntryFields, enterprise: number): string {
  const sequence = ((Number(fields.seq) - 1) % SEQUENCE) + 1;
  const parameters = Object.entries(fields)
    .filter(([name]) => !ELSEWHERE.has(name) && PARAMETER.test(name))
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  return `[meta sequenceId="${sequence}"][sluice@${enterprise}${parameters.join('')}]`;
}

/** RFC 5424 §6.3.3. */
const escaped = (value: string): string => value.replace(/["\\\]]/g, '\\$&');

/** RFC 3339 with six digits of a second at the most; the log has three. */
function timestampOf({ ts }: EntryFields): string {
  return typeof ts === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/.test(ts) ? ts : '-';
}

function printable(value: unknown, longest: number): string {
  const text = String(value ?? '').replace(/[^\x21-\x7e]/g, '');
  return text === '' ? '-' : text.slice(0, longest);
}
