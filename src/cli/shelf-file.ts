// What upstreams listed and said of themselves, in a file beside the seal key, so that a start need not wait for them.
// It is a convenience: what cannot be read or written is asked for again, and nobody waits for the disk.

import type { Database } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { NO_SHELF, type Shelf } from '../core/shelf.ts';
import { isBusy, isDamaged, isFull, openStateFile, type StateFile } from './state-file.ts';

export const SHELF_FILE = 'lists.db';
const LAYOUT = 1;
const TABLES = `
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, at INTEGER NOT NULL, used INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS kept_used ON kept (used);
`;
/** Changes of so long are one write, milliseconds. */
const APART = 250;
/** A text that would take more than this part of the file is not kept. */
const SHARE = 4;

export interface ShelfFileOptions {
  readonly dir: string;
  /** Bytes the file may have. */
  readonly size: number;
  /** How long another gateway that writes is waited for, milliseconds. */
  readonly busy: number;
  readonly host: Host;
}

/** A shelf in the state directory; where there can be none, none, and the log says so. */
export function openShelfFile({ dir, size, busy, host }: ShelfFileOptions): Shelf {
  const file: StateFile = { path: join(dir, SHELF_FILE), size, busy, layout: LAYOUT, tables: TABLES };
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return new ShelfFile(file, host);
  } catch (error) {
    host.log.warn('what upstreams list will not be known after a restart', {
      file: file.path,
      reason: messageOf(error),
    });
    return NO_SHELF;
  }
}

interface Kept {
  readonly text: string;
  readonly at: number;
}

class ShelfFile implements Shelf {
  readonly #file: StateFile;
  readonly #host: Host;
  #db: Database | undefined;
  /** Undefined for what is to go. */
  readonly #pending = new Map<string, Kept | undefined>();
  /** Keys that were looked up: those in use are forgotten last. */
  readonly #used = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(file: StateFile, host: Host) {
    this.#file = file;
    this.#host = host;
    this.#db = openStateFile(
      file,
      host.log,
      'the file of what upstreams list is damaged: it is asked for again',
    );
  }

  find(key: string): Kept | undefined {
    if (this.#pending.has(key)) return this.#pending.get(key);
    const row = this.#try((db) =>
      db.query<Kept, [string]>('SELECT text, at FROM kept WHERE key = ?').get(key),
    );
    if (!row) return undefined;
    this.#used.add(key);
    this.#later();
    return row;
  }

  keep(key: string, text: string, at: number): void {
    if (text.length > this.#file.size / SHARE) return;
    this.#pending.set(key, { text, at });
    this.#later();
  }

  drop(key: string): void {
    this.#pending.set(key, undefined);
    this.#later();
  }

  close(): void {
    this.#flush();
    this.#db?.close();
    this.#db = undefined;
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.#flush(), APART);
    this.#timer.unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size + this.#used.size === 0) return;
    this.#try((db) => this.#write(db));
    this.#pending.clear();
    this.#used.clear();
  }

  #write(db: Database): void {
    const now = this.#host.now();
    const all = db.transaction(() => {
      const touch = db.query('UPDATE kept SET used = ?2 WHERE key = ?1');
      for (const key of this.#used) touch.run(key, now);
      const put = db.query('INSERT OR REPLACE INTO kept (key, at, used, text) VALUES (?1, ?2, ?3, ?4)');
      const remove = db.query('DELETE FROM kept WHERE key = ?1');
      for (const [key, kept] of this.#pending)
        if (kept) put.run(key, kept.at, now, kept.text);
        else remove.run(key);
    });
    for (;;) {
      try {
        all.immediate();
        return;
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#host.metrics.limitHits.inc({ limit: 'state_lists' });
        if (!thinned(db)) throw error;
      }
    }
  }

  /** Without the file things go on as if nothing were known; a damaged one is replaced. */
  #try<T>(work: (db: Database) => T): T | undefined {
    if (!this.#db) return undefined;
    try {
      return work(this.#db);
    } catch (error) {
      if (isBusy(error)) return undefined;
      this.#host.log.warn('what upstreams list could not be read or written', {
        file: this.#file.path,
        reason: messageOf(error),
      });
      if (isDamaged(error)) this.#replace(this.#db);
      return undefined;
    }
  }

  #replace(damaged: Database): void {
    damaged.close();
    const lost = 'the file of what upstreams list is damaged: it is asked for again';
    try {
      this.#db = openStateFile(this.#file, this.#host.log, lost);
    } catch {
      this.#db = undefined;
    }
  }
}

/** Forgets a tenth, longest unused first. @returns false when there was nothing to forget */
function thinned(db: Database): boolean {
  const { changes } = db.run(
    `DELETE FROM kept WHERE key IN (
       SELECT key FROM kept ORDER BY used LIMIT 1 + (SELECT count(*) FROM kept) / 10)`,
  );
  return changes > 0;
}
