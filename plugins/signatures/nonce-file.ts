// Nonces in the state directory, so that a restart forgets none and gateways that share it know those of each other.
// What is written is good for minutes: it is safe from the end of a process, not from that of the machine.

import type { Database } from 'bun:sqlite';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '../../src/plugin.ts';
import { isDamaged, openSqlite } from '../sqlite/file.ts';
import { NonceMemory, type NonceStore, type Room, type Taken } from './nonces.ts';

export const NONCE_FILE = 'nonces.db';
const LAYOUT = 1;
/** How long another gateway that writes is waited for, milliseconds: everything else waits as long, so nothing to be set. */
const PATIENCE = 100;
/** Between two log lines about a file that cannot be used, milliseconds. */
const SAY_EVERY = 60_000;

const TABLE = `
CREATE TABLE IF NOT EXISTS seen (name BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_until ON seen (until);
`;
/** New, or one that is over: both change a row. */
const TAKE = `INSERT INTO seen (name, until) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET until = ?2 WHERE until < ?3`;
/** More than come meanwhile: the file does not grow beyond what is good. */
const FORGET =
  'DELETE FROM seen WHERE name IN (SELECT name FROM seen WHERE until < ?1 ORDER BY until LIMIT 64)';
/** Nonces taken between two looks for what is over. */
const BETWEEN_LOOKS = 32;

/**
 * A store in the state directory, opened when it is first needed; where there can be none, one in memory.
 * @param whose several may look at the same request, such as one in shadow: what one has seen is new to another
 */
export function openNonces(dir: string | undefined, log: Log, whose = ''): NonceStore {
  const memory = new NonceMemory({ each: 0, all: 0 });
  return dir === undefined ? memory : new NonceFile(dir, memory, log, whose);
}

class NonceFile implements NonceStore {
  readonly #path: string;
  /** Those that this process has taken: how many there may be is counted here. */
  readonly #memory: NonceMemory;
  readonly #log: Log;
  readonly #whose: string;
  /** `none`: there cannot be one. */
  #db: Database | 'none' | undefined;
  #said = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(dir: string, memory: NonceMemory, log: Log, whose: string) {
    this.#whose = whose;
    this.#path = join(dir, NONCE_FILE);
    this.#memory = memory;
    this.#log = log;
  }

  get room(): Room {
    return this.#memory.room;
  }

  set room(room: Room) {
    this.#memory.room = room;
  }

  take(space: string, nonce: string, ms: number, now: number): Taken {
    const taken = this.#memory.take(space, nonce, ms, now);
    if (taken !== 'new') return taken;
    this.#db ??= this.#open();
    if (this.#db === 'none') return 'new';
    const name = createHash('sha256')
      .update(JSON.stringify([this.#whose, space, nonce]))
      .digest();
    try {
      if (this.#count++ % BETWEEN_LOOKS === 0) this.#db.query(FORGET).run(now);
      return this.#db.query(TAKE).run(name, now + ms, now).changes === 1 ? 'new' : 'seen';
    } catch (error) {
      this.#fault(error, now);
      // Nobody can tell whether it was there before.
      return 'full';
    }
  }

  close(): void {
    if (typeof this.#db === 'object') this.#db.close();
    this.#db = 'none';
  }

  #open(): Database | 'none' {
    try {
      // A log in place of the journal would not work over a network.
      const settings = ['synchronous = OFF', 'journal_mode = PERSIST'];
      const file = { path: this.#path, layout: LAYOUT, tables: TABLE, settings, busy: PATIENCE };
      return openSqlite(file, () => {});
    } catch (error) {
      this.#log.warn('nonces will not outlive this process', { file: this.#path, reason: String(error) });
      return 'none';
    }
  }

  /** One that is damaged is replaced; what was in it was good for minutes. */
  #fault(error: unknown, now: number): void {
    if (Math.abs(now - this.#said) >= SAY_EVERY) {
      this.#said = now;
      this.#log.warn('nonces could not be read or written', { file: this.#path, reason: String(error) });
    }
    if (!isDamaged(error) || typeof this.#db !== 'object') return;
    this.#db.close();
    this.#db = undefined;
  }
}
