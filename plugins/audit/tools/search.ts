// Finds entries of a log by what they say, through the index. What is shown stands in the log, and its hash is right.

import type { SQLQueryBindings } from 'bun:sqlite';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { pseudonym } from '../digests.ts';
import { EntryReader } from '../entry.ts';
import { existingKey } from '../key.ts';
import { segmentName, segmentsOf } from '../segments.ts';
import { type Column, type IndexFile, type Row, upToDate } from './index-file.ts';
import { entriesFrom, fieldsOf, shownOf } from './reading.ts';
import type { Shown } from './tail.ts';
import { Advised } from './trust-of.ts';

export interface Wanted {
  readonly index: string;
  readonly rebuild: boolean;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly is: ReadonlyMap<Column, readonly string[]>;
  readonly principal?: string | undefined;
  /** Who may vouch for it, besides nobody. */
  readonly issuers: readonly string[];
  readonly limit: number;
}

/** In the order of the log. @throws Error where an entry is not what was written */
export function* search(directory: string, wanted: Wanted, keyFile: string | undefined): Generator<Shown> {
  // Says so where there is no such directory, before anything is made in it.
  if (segmentsOf(directory).length === 0)
    throw new Advised(`there is no log in ${directory}`, 'name its directory');
  using index = upToDate(wanted.index, directory, wanted.rebuild);
  const principals = principalsOf(directory, index, wanted, keyFile);
  const conditions = [
    ...between('at', wanted.since, wanted.until),
    ...[...wanted.is, ...(principals ? [['principal', principals] as const] : [])].map(([column, texts]) =>
      oneOf(index, column, texts),
    ),
  ];
  const where = conditions.map(({ sql }) => sql).join(' AND ');
  const rows = index.rows(
    where && `WHERE ${where}`,
    conditions.flatMap(({ values }) => values),
    wanted.limit,
  );
  yield* read(directory, rows.toReversed());
}

interface Condition {
  readonly sql: string;
  readonly values: readonly SQLQueryBindings[];
}

function between(column: string, since: number | undefined, until: number | undefined): Condition[] {
  return [
    ...(since === undefined ? [] : [{ sql: `${column} >= ?`, values: [since] }]),
    ...(until === undefined ? [] : [{ sql: `${column} < ?`, values: [until] }]),
  ];
}

function oneOf(index: IndexFile, column: Column, texts: readonly string[]): Condition {
  const values = column === 'req_id' ? texts : texts.flatMap((text) => index.word(text) ?? []);
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values };
}

export const PSEUDONYM = /^[0-9a-f]{32}$/;

/** What names principals in a log. @throws Advised where its key is not there */
export function namingOf(directory: string, keyFile: string | undefined): Uint8Array {
  const [first] = entriesFrom(directory, 1);
  const key =
    keyFile === undefined ? undefined : existingKey(keyFile, String(fieldsOf(first?.line ?? '').origin));
  if (key === undefined)
    throw new Advised(
      'entries have no names of principals, and without the key of the log none can be told',
      'say --key-file, or --config; or what entries have: 32 hexadecimal digits',
    );
  return key.naming;
}

/** What entries have for a principal: in each tenant another name, and for each who vouches for it. */
function principalsOf(
  directory: string,
  index: IndexFile,
  { principal, is, issuers }: Wanted,
  keyFile: string | undefined,
): string[] | undefined {
  if (principal === undefined) return undefined;
  if (PSEUDONYM.test(principal)) return [principal];
  const naming = namingOf(directory, keyFile);
  const tenants = is.get('tenant') ?? [undefined, ...index.tenants()];
  return tenants.flatMap((tenant) =>
    [undefined, ...issuers].map((issuer) => pseudonym(naming, tenant, principal, issuer)),
  );
}

function* read(directory: string, rows: readonly Row[]): Generator<Shown> {
  const reader = new EntryReader();
  let at = -1;
  let descriptor = -1;
  try {
    for (const { seq, file, offset, length } of rows) {
      if (file !== at) {
        if (descriptor >= 0) closeSync(descriptor);
        descriptor = openSync(join(directory, segmentName(file)), 'r');
        at = file;
      }
      const bytes = Buffer.alloc(length);
      readSync(descriptor, bytes, 0, length, offset);
      const entry = reader.read(bytes);
      if (typeof entry === 'string' || entry.seq !== seq)
        throw new Advised(`entry ${seq} is not what was written`, '`sluice audit verify` looks at all of it');
      const line = bytes.toString('utf8');
      yield { line, text: shownOf(line) };
    }
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
}
