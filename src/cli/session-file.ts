// What outlives the memory of sessions, in a file beside the seal key: log levels, watched resources, ended ids.
// Several gateways may share it, also over a network, so it is a database with a rollback journal: a writer that
// is killed leaves it whole. Changes of one moment are one write.

import type { Database } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import {
  type Remembered,
  type SessionChange,
  type SessionStore,
  sessionMemory,
  UNREAD,
} from '../core/session-store.ts';
import { inMemory, isBusy, isDamaged, isFull, openStateFile, type StateFile } from './state-file.ts';

export const SESSION_FILE = 'sessions.db';
const LAYOUT = 1;
// The pace of the work and no limit on anybody, so nothing to be set; milliseconds.
/** Between two tries to write; `state.busy` says how long there are any. */
const RETRY = 50;
/** Between two writes: each holds up everything else until the disk has it. */
const APART = 20;
/** Between two log lines about a file that cannot be used. */
const SAY_EVERY = 60_000;

const TABLES = `
CREATE TABLE IF NOT EXISTS sessions (
  key TEXT PRIMARY KEY, seen INTEGER NOT NULL, ended INTEGER NOT NULL, level TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_seen ON sessions (seen);
CREATE TABLE IF NOT EXISTS watched (
  key TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, uri TEXT NOT NULL, PRIMARY KEY (key, uri)
) STRICT, WITHOUT ROWID;
`;

export interface SessionFileOptions {
  readonly dir: string;
  /** Bytes the file may have. */
  readonly size: number;
  /** How long another gateway that writes is waited for, milliseconds. */
  readonly busy: number;
  readonly host: Host;
}

/** A store in the state directory; where there can be none, one in memory, and the log says so. */
export function openSessionFile(options: SessionFileOptions): SessionStore {
  const { dir, size, busy, host } = options;
  const file = join(dir, SESSION_FILE);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return new SessionFile({ path: file, size, busy, layout: LAYOUT, tables: TABLES }, host);
  } catch (error) {
    host.log.warn('log levels and subscriptions of sessions will not outlive this process', {
      file,
      reason: messageOf(error),
    });
    return sessionMemory(size);
  }
}

type Row = { seen: number; ended: number; level: string | null };

class SessionFile implements SessionStore {
  readonly #file: StateFile;
  readonly #host: Host;
  #db: Database;
  #pending: { readonly key: string; readonly change: SessionChange; readonly done: () => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When a write was first kept back. */
  #since: number | undefined;
  #said = Number.NEGATIVE_INFINITY;
  #written = Number.NEGATIVE_INFINITY;

  constructor(file: StateFile, host: Host) {
    this.#file = file;
    this.#host = host;
    this.#db = this.#open();
  }

  find(key: string): Remembered | typeof UNREAD | undefined {
    if (this.#pending.some((each) => each.key === key)) this.#flush();
    const ending = this.#pending.find((each) => each.key === key && each.change.ended);
    if (ending) return { ended: true, seen: ending.change.seen, level: undefined, uris: [] };
    try {
      const row = this.#db
        .query<Row, [string]>('SELECT seen, ended, level FROM sessions WHERE key = ?')
        .get(key);
      if (!row) return undefined;
      const watched = this.#db
        .query<{ uri: string }, [string]>('SELECT uri FROM watched WHERE key = ?')
        .all(key);
      return {
        ended: row.ended === 1,
        seen: row.seen,
        level: row.level ?? undefined,
        uris: watched.map(({ uri }) => uri),
      };
    } catch (error) {
      this.#fault(error);
      // The file that takes the place of a damaged one knows nothing; of one that is there nobody knows what it says.
      return isDamaged(error) ? undefined : UNREAD;
    }
  }

  save(key: string, change: SessionChange): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending.push({ key, change, done: resolve });
    this.#later(APART - (performance.now() - this.#written));
    return promise;
  }

  expire(before: number): void {
    try {
      this.#db.run('DELETE FROM sessions WHERE seen < ?', [before]);
    } catch (error) {
      // There is a next time.
      if (!isBusy(error)) this.#fault(error);
    }
  }

  close(): void {
    this.#flush();
    clearTimeout(this.#timer);
    for (const { done } of this.#pending.splice(0)) done();
    this.#db.close();
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#flush();
      },
      Math.max(0, ms),
    );
  }

  /** Writes what waits. What another gateway keeps us from writing waits on. */
  #flush(): void {
    if (this.#pending.length === 0) return;
    try {
      this.#write();
    } catch (error) {
      const now = performance.now();
      this.#since ??= now;
      if (isBusy(error) && now - this.#since < this.#file.busy) {
        this.#later(RETRY);
        return;
      }
      if (isBusy(error)) this.#host.metrics.timeouts.inc({ kind: 'state' });
      this.#fault(error);
    }
    this.#since = undefined;
    this.#written = performance.now();
    for (const { done } of this.#pending.splice(0)) done();
  }

  #write(): void {
    const all = this.#db.transaction(() => {
      for (const { key, change } of this.#pending) this.#apply(key, change);
    });
    try {
      all.immediate();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#host.metrics.limitHits.inc({ limit: 'state' });
      this.#thin();
      all.immediate();
    }
  }

  #apply(key: string, { seen, ended, level, watch }: SessionChange): void {
    this.#db
      .query(
        `INSERT INTO sessions (key, seen, ended, level) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET
         seen = max(seen, ?2), ended = max(ended, ?3), level = coalesce(?4, level)`,
      )
      .run(key, seen, ended ? 1 : 0, level ?? null);
    if (ended) this.#db.query('DELETE FROM watched WHERE key = ?').run(key);
    else if (watch?.on)
      this.#db.query('INSERT OR IGNORE INTO watched (key, uri) VALUES (?, ?)').run(key, watch.uri);
    else if (watch) this.#db.query('DELETE FROM watched WHERE key = ? AND uri = ?').run(key, watch.uri);
  }

  /**
   * At its size the file forgets a tenth, those longest unused first. Ends are forgotten last: a session without its
   * log level goes on, but one without its end would come back.
   */
  #thin(): void {
    this.#db.run(
      `DELETE FROM sessions WHERE key IN (
         SELECT key FROM sessions ORDER BY ended, seen LIMIT 1 + (SELECT count(*) FROM sessions) / 10)`,
    );
  }

  /** Sessions go on without what the file would have said; a damaged file is replaced. */
  #fault(error: unknown): void {
    if (isDamaged(error)) this.#replace();
    const now = this.#host.now();
    if (now - this.#said < SAY_EVERY) return;
    this.#said = now;
    this.#host.log.warn('what became of sessions could not be read or written', {
      file: this.#file.path,
      reason: messageOf(error),
    });
  }

  /** Where not even another file can be had, memory serves until the next start. */
  #replace(): void {
    this.#db.close();
    try {
      this.#db = this.#open();
    } catch {
      this.#db = inMemory(this.#file);
    }
  }

  /** @throws when there can be none at all */
  #open(): Database {
    const lost = 'the file of sessions is damaged: log levels and subscriptions are lost';
    return openStateFile(this.#file, this.#host.log, lost);
  }
}
