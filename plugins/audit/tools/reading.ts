// Entries of a log as they stand there, for those who look something up: unverified, unless they are asked for so.

import { join } from 'node:path';
import { linesOf, segmentsOf } from '../segments.ts';

export interface Found {
  /** Its place among all, by the name of its file. */
  readonly seq: number;
  readonly line: string;
  readonly file: string;
  readonly offset: number;
}

/** Whole lines, from an entry on. @throws what the file system says */
export function* entriesFrom(directory: string, from: number): Generator<Found> {
  const segments = segmentsOf(directory);
  const start = segments.findLastIndex(({ first }) => first <= from);
  for (const { first, name } of segments.slice(Math.max(0, start))) {
    let seq = first;
    for (const { bytes, offset, isWhole } of linesOf(join(directory, name))) {
      if (!isWhole) break;
      if (seq >= from) yield { seq, line: bytes.toString('utf8'), file: name, offset };
      seq++;
    }
  }
}

export type Fields = Readonly<Record<string, unknown>>;

/** Of a line that is none, nothing. */
export function fieldsOf(line: string): Fields {
  try {
    return Object(JSON.parse(line)) as Fields;
  } catch {
    return {};
  }
}

/** An entry in one line, for people: when, what, who, where, how it ended. */
export function shownOf(line: string): string {
  const fields = fieldsOf(line);
  const text = (name: string): string => (fields[name] === undefined ? '' : String(fields[name]));
  const when = text('ts').replace('T', ' ').replace('Z', '');
  const who = [text('tenant'), text('principal').slice(0, 8)].filter(Boolean).join('/');
  const what = [text('method'), text('name')].filter(Boolean).join(' ');
  const where = text('upstream') && `→ ${text('upstream')}`;
  const end = [text('decision'), text('status'), text('code'), text('rpc_code')].filter(Boolean).join(' ');
  const took = fields.dur_us === undefined ? '' : `${(Number(fields.dur_us) / 1_000).toFixed(1)} ms`;
  const own = text('type') === 'checkpoint' ? `of ${text('size')} entries` : text('detail');
  const parts = [when, text('type').padEnd(10), who, what, where, end, took, own, text('req_id').slice(0, 8)];
  return `${String(text('seq')).padStart(7)}  ${parts.filter((part) => part.trim() !== '').join('  ')}`;
}
