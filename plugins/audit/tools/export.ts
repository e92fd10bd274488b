// A part of a log, for other programs: its lines as they stand, or as a table.

import { entriesFrom, fieldsOf } from './reading.ts';

export interface Wanted {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Milliseconds since the epoch; the end is not in it. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly format: 'jsonl' | 'csv';
}

/** In the table, one column each; whatever else an entry has is in the last, as JSON. */
const COLUMNS = [
  'seq',
  'ts',
  'type',
  'req_id',
  'tenant',
  'principal',
  'client',
  'endpoint',
  'method',
  'name',
  'upstream',
  'decision',
  'plugin',
  'status',
  'code',
  'rpc_code',
  'dur_us',
  'bytes_in',
  'bytes_out',
  'args_digest',
  'result_digest',
  'entry_hash',
] as const;

/** Lines with their breaks. @throws what the file system says */
export function* exported(
  directory: string,
  { from = 1, to, since, until, format }: Wanted,
): Generator<string> {
  if (format === 'csv') yield `${[...COLUMNS, 'more'].join(',')}\r\n`;
  for (const { seq, line } of entriesFrom(directory, from)) {
    if (to !== undefined && seq > to) return;
    if (since !== undefined || until !== undefined) {
      const at = Date.parse(String(fieldsOf(line).ts));
      // The clock may have been set back: entries are not in the order of their times.
      if ((since !== undefined && at < since) || (until !== undefined && at >= until)) continue;
    }
    yield format === 'csv' ? rowOf(line) : `${line}\n`;
  }
}

function rowOf(line: string): string {
  const { ...rest } = fieldsOf(line) as Record<string, unknown>;
  const cells = COLUMNS.map((each) => {
    const value = rest[each];
    delete rest[each];
    return cell(value);
  });
  return `${[...cells, cell(Object.keys(rest).length > 0 ? JSON.stringify(rest) : undefined)].join(',')}\r\n`;
}

/** RFC 4180; and no cell that a spreadsheet would take for a formula. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${String(value)}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
