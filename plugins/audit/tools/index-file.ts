// An index over the entries of a log: a database in a file that can be thrown away and made again at any time. It knows
// where lines stand and what they say of a few fields; what it finds is read from the log itself.

import { Database, type SQLQueryBindings } from 'bun:sqlite';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { linesOf, type Segment, segmentsOf } from '../segments.ts';
import { fieldsOf } from './reading.ts';

/** Columns that hold texts, each as the number of a word. */
export const COLUMNS = [
  'type',
  'tenant',
  'principal',
  'method',
  'name',
  'upstream',
  'decision',
  'status',
  'req_id',
] as const;
export type Column = (typeof COLUMNS)[number];

const FORMAT = 1;
/** Entries of one transaction. */
const AT_ONCE = 50_000;

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
  CREATE TABLE entries (seq INTEGER PRIMARY KEY, file INTEGER, offset INTEGER, length INTEGER, at INTEGER,
    ${COLUMNS.filter((each) => each !== 'req_id')
      .map((each) => `${each} INTEGER`)
      .join(', ')}, req_id TEXT);
`;
/** Of fields that tell many entries apart; the others are looked through. */
const INDEXES = ['at', 'principal', 'name', 'req_id'].map(
  (each) => `CREATE INDEX IF NOT EXISTS by_${each} ON entries (${each})`,
);

export interface Row {
  readonly seq: number;
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

export class IndexFile implements Disposable {
  readonly #db: Database;
  readonly #words = new Map<string, number>();

  /** @throws Error where the file cannot be written, or is no database */
  constructor(
    file: string,
    readonly directory: string,
  ) {
    this.#db = new Database(file, { create: true, readwrite: true });
    // Whatever is lost of it is made again.
    for (const each of [
      'journal_mode = WAL',
      'synchronous = OFF',
      'cache_size = -65536',
      'temp_store = MEMORY',
    ])
      this.#db.run(`PRAGMA ${each}`);
    if (this.#meta('format') === FORMAT) return;
    this.#db.run(TABLES);
    this.#set('format', FORMAT);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /**
   * Takes in what is new in the log.
   * @returns how many entries that were, or undefined where the index is of another log and has to be made again
   */
  update(): number | undefined {
    const last = this.#last();
    if (last && !this.#isStillThere(last)) return undefined;
    const start = last ? last.file : 0;
    let seen = 0;
    for (const segment of segmentsOf(this.directory)) {
      if (segment.first < start) continue;
      seen += this.#take(segment, segment.first === start && last ? last.offset + last.length + 1 : 0);
    }
    for (const each of INDEXES) this.#db.run(each);
    return seen;
  }

  /** Numbers of the words, for conditions; undefined where the log has never said it. */
  word(text: string): number | undefined {
    const row = this.#db.query('SELECT id FROM words WHERE text = ?').get(text) as { id: number } | null;
    return row?.id;
  }

  /** Tenants the log knows. */
  tenants(): string[] {
    const all = this.#db
      .query('SELECT text FROM words WHERE id IN (SELECT DISTINCT tenant FROM entries)')
      .all();
    return (all as { text: string }[]).map(({ text }) => text);
  }

  /** The newest first. */
  rows(where: string, values: readonly SQLQueryBindings[], limit: number): Row[] {
    const sql = `SELECT seq, file, offset, length FROM entries ${where} ORDER BY seq DESC LIMIT ?`;
    return this.#db.query(sql).all(...values, limit) as Row[];
  }

  #last(): Row | undefined {
    return this.rows('', [], 1)[0];
  }

  /** Whether the last entry it knows stands where it stood. */
  #isStillThere({ seq, file, offset }: Row): boolean {
    const segment = segmentsOf(this.directory).find(({ first }) => first === file);
    if (!segment) return false;
    for (const { bytes } of linesOf(join(this.directory, segment.name), offset)) {
      const { seq: found, entry_hash: hash } = fieldsOf(bytes.toString('utf8'));
      return found === seq && hash === this.#meta('hash');
    }
    return false;
  }

  #take({ first, name }: Segment, from: number): number {
    let seen = 0;
    let hash: unknown;
    const insert = this.#db.query(
      `INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ${COLUMNS.map(() => '?').join(', ')})`,
    );
    this.#db.run('BEGIN');
    for (const { bytes, offset, isWhole } of linesOf(join(this.directory, name), from)) {
      if (!isWhole) break;
      const fields = fieldsOf(bytes.toString('utf8'));
      if (typeof fields.seq !== 'number') continue;
      const at = typeof fields.ts === 'string' ? Date.parse(fields.ts) : null;
      const words = COLUMNS.map((each) => this.#idOf(each, fields[each]));
      insert.run(fields.seq, first, offset, bytes.length, at, ...words);
      hash = fields.entry_hash;
      if (++seen % AT_ONCE === 0) {
        this.#set('hash', String(hash));
        this.#db.run('COMMIT');
        this.#db.run('BEGIN');
      }
    }
    if (hash !== undefined) this.#set('hash', String(hash));
    this.#db.run('COMMIT');
    return seen;
  }

  #idOf(column: Column, value: unknown): number | string | null {
    if (value === undefined) return null;
    const text = String(value);
    if (column === 'req_id') return text;
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.#db.query('INSERT OR IGNORE INTO words (text) VALUES (?)').run(text);
    const id = this.word(text) as number;
    if (this.#words.size > 100_000) this.#words.clear();
    this.#words.set(text, id);
    return id;
  }

  #meta(name: string): unknown {
    try {
      const row = this.#db.query('SELECT value FROM meta WHERE name = ?').get(name) as {
        value: unknown;
      } | null;
      return row?.value;
    } catch {
      return undefined;
    }
  }

  #set(name: string, value: string | number): void {
    this.#db.query('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(name, value);
  }
}

/** An index that has all that the log has now, whatever there was before. */
export function upToDate(file: string, directory: string, rebuild: boolean): IndexFile {
  if (!rebuild) {
    const found = tryOpen(file, directory);
    if (found) return found;
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  const index = new IndexFile(file, directory);
  index.update();
  return index;
}

/** Undefined where it is broken, or of another log. */
function tryOpen(file: string, directory: string): IndexFile | undefined {
  let index: IndexFile | undefined;
  try {
    index = new IndexFile(file, directory);
    if (index.update() !== undefined) return index;
  } catch (error) {
    if (!/SQLITE_(CORRUPT|NOTADB|ERROR)/.test((error as { code?: string }).code ?? '')) throw error;
  }
  index?.[Symbol.dispose]();
  return undefined;
}
