// The table of a file of limits: bounded, and rid of what is over while it is used.

import type { Database, Statement } from 'bun:sqlite';
import type { State } from './gcra.ts';
import { overAt, shareOf } from './standing.ts';
import type { Limit } from './store.ts';

/** What is used of a limit by now, as a share of it. */
const SHARE = 'share * CASE decays WHEN 1 THEN max(0.0, (over - ?1) * 1.0 / max(1, over - at)) ELSE 1.0 END';
/** Rows written between two looks for what is over, and how many of these go at once. */
const BETWEEN_LOOKS = 32;
const AT_ONCE = 64;
/** Between two counts of all rows, as a share of those there may be; so many go where there are too many. */
const SLACK = 1 / 16;

export class SqliteCells {
  static readonly TABLES = `
CREATE TABLE IF NOT EXISTS used (
  name TEXT PRIMARY KEY, at INTEGER NOT NULL, level REAL NOT NULL, scale INTEGER NOT NULL,
  over INTEGER NOT NULL, share REAL NOT NULL, decays INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_over ON used (over);
`;
  readonly #get: Statement<State, [string]>;
  readonly #set: Statement;
  readonly #forget: Statement;
  readonly #count: Statement<{ rows: number }, []>;
  readonly #evict: Statement;
  readonly #onEvicted: () => void;
  #written = 0;
  #sinceCount = Number.POSITIVE_INFINITY;

  /** @param onEvicted told where rows go that still said something */
  constructor(db: Database, onEvicted: () => void) {
    this.#get = db.query('SELECT at, level, scale FROM used WHERE name = ?1');
    this.#set = db.query(`INSERT INTO used (name, at, level, scale, over, share, decays)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET
      at = ?2, level = ?3, scale = ?4, over = ?5, share = ?6, decays = ?7`);
    this.#forget = db.query(
      `DELETE FROM used WHERE name IN (SELECT name FROM used WHERE over <= ?1 ORDER BY over LIMIT ${AT_ONCE})`,
    );
    this.#count = db.query('SELECT count(*) AS rows FROM used');
    this.#evict = db.query(
      `DELETE FROM used WHERE name IN (SELECT name FROM used ORDER BY ${SHARE} LIMIT ?2)`,
    );
    this.#onEvicted = onEvicted;
  }

  get(digest: string): State | undefined {
    return this.#get.get(digest) ?? undefined;
  }

  /** @param most rows there may be */
  set(digest: string, state: State, limit: Limit, now: number, most: number): void {
    if (this.#written++ % BETWEEN_LOOKS === 0) this.#forget.run(now);
    this.#sinceCount += 1;
    if (this.#sinceCount >= most * SLACK) this.#bound(now, most);
    const { at, level, scale } = state;
    const decays = limit.kind === 'rate' ? 1 : 0;
    this.#set.run(digest, at, level, scale, overAt(limit, state), shareOf(limit, state), decays);
  }

  #bound(now: number, most: number): void {
    this.#sinceCount = 0;
    const [{ rows } = { rows: 0 }] = this.#count.all();
    if (rows + most * SLACK < most) return;
    this.#evict.run(now, Math.max(1, Math.ceil(rows - most + 2 * most * SLACK)));
    this.#onEvicted();
  }
}
