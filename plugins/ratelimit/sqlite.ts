// Limits counted in a file, for what must survive a restart and for several processes of one machine.

import type { Database } from 'bun:sqlite';
import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { PluginHost } from '../../src/plugin.ts';
import { isBusy, isDamaged, openSqlite } from '../sqlite/file.ts';
import type { State } from './gcra.ts';
import { type Cells, peekAll, settleAll, takeAll } from './ledger.ts';
import { SqliteCells } from './sqlite-cells.ts';
import { Standby, type StandbyOptions } from './standby.ts';
import { heavier } from './standing.ts';
import type { Ask, Counted, Limit, Lost, Settlement, Store, Told } from './store.ts';

export interface SqliteOptions extends StandbyOptions {
  /** Absolute. */
  readonly path: string;
  /** How long another process that writes is waited for, milliseconds. */
  readonly deadline: number;
}

const LAYOUT = 1;
/** After a fault until the file is tried again, and between two looks whether it is still there. Milliseconds. */
const PAUSE = 500;
/** The same after others have kept it to themselves: they are seldom at it for long. */
const BUSY_PAUSE = 50;
/** How long one look may hold up all else in this process: others are seldom longer at it. Milliseconds. */
const PATIENCE = 2;
/** Between two looks whether others still write, at most, milliseconds. */
const NAP = 0.5;
/**
 * With a log beside the file nobody waits for the disk but now and then: what a process wrote outlives it, and the end
 * of the machine costs the last moments.
 */
const SETTINGS = ['journal_mode = WAL', 'synchronous = NORMAL', 'wal_autocheckpoint = 4000'];

type Host = Pick<PluginHost, 'now' | 'log' | 'count' | 'level' | 'limitHit'>;

type Work<T> = (cells: Cells, now: number) => T;

/** What became of it: done, others were writing, or it could not be. */
type Tried<T> = { readonly value: T } | { readonly busy: unknown } | Record<never, never>;

/** A file that is open. */
interface Opened {
  readonly db: Database;
  readonly cells: SqliteCells;
  /** Which file it is. */
  readonly inode: number;
  readonly reading: (work: () => unknown) => unknown;
  readonly writing: (work: () => unknown) => unknown;
}

export class SqliteStore implements Store {
  readonly ready = Promise.resolve();
  readonly #host: Host;
  readonly #standby: Standby;
  #options: SqliteOptions;
  #opened: Opened | undefined;
  /** When something went wrong last. */
  #failedAt = Number.NEGATIVE_INFINITY;
  #pause = PAUSE;
  #lost: Lost | undefined;
  #wasDamaged = true;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #napping: Promise<void> | undefined;

  constructor(host: Host, options: SqliteOptions) {
    this.#host = host;
    this.#options = options;
    this.#standby = new Standby(host, options);
    this.#attempt('writing', () => {});
    host.level('store_there', this.#lost ? 0 : 1);
  }

  get lost(): Lost | undefined {
    return this.#lost;
  }

  set options(options: SqliteOptions) {
    this.#options = options;
    this.#standby.options = options;
  }

  take(asks: readonly Ask[]): Told[] | Promise<Told[]> {
    const refused = this.#refusal(asks);
    if (refused) return refused;
    return this.#write(
      (cells, now) => takeAll(asks, cells, now),
      () => this.#standby.take(asks),
    );
  }

  adjust(settlements: readonly Settlement[]): void | Promise<void> {
    return this.#write(
      (cells, now) => settleAll(settlements, cells, now),
      () => this.#standby.adjust(settlements),
    );
  }

  peek(keys: readonly Counted[]): Told[] {
    const tried = this.#attempt('reading', (cells, now) => peekAll(keys, cells, now));
    return 'value' in tried ? tried.value : this.#standby.peek(keys);
  }

  close(): void {
    this.#isClosed = true;
    this.#close();
    this.#standby.close();
  }

  /**
   * Whoever asks on and on for what is used up is to keep nobody from writing: where it looks as if there were no room,
   * the file is read first.
   */
  #refusal(asks: readonly Ask[]): Told[] | undefined {
    if (this.#lost || this.#standby.hasRoom(asks)) return undefined;
    let isChange = false;
    const set = (): void => {
      isChange = true;
    };
    const tried = this.#attempt('reading', ({ get }, now) => takeAll(asks, { get, set }, now));
    return isChange || !('value' in tried) ? undefined : tried.value;
  }

  #write<T>(work: Work<T>, instead: () => T): T | Promise<T> {
    const tried = this.#attempt('writing', work, this.#napping ? 0 : PATIENCE);
    if ('busy' in tried) return this.#wait(work, instead);
    return 'value' in tried ? tried.value : instead();
  }

  /** Until others have written; nothing else in this process waits meanwhile. */
  async #wait<T>(work: Work<T>, instead: () => T): Promise<T> {
    const until = performance.now() + this.#options.deadline;
    let tried: Tried<T> = {};
    do {
      await this.#nap();
      tried = this.#attempt('writing', work, 0);
    } while ('busy' in tried && performance.now() < until);
    if ('busy' in tried) this.#fail(tried.busy);
    return 'value' in tried ? tried.value : instead();
  }

  /** One for all that wait. */
  #nap(): Promise<void> {
    this.#napping ??= pause(1).finally(() => {
      this.#napping = undefined;
    });
    return this.#napping;
  }

  /** One transaction. */
  #attempt<T>(how: 'reading' | 'writing', work: Work<T>, patience = PATIENCE): Tried<T> {
    if (this.#isClosed) return {};
    const now = this.#host.now();
    if (this.#lost && Math.abs(now - this.#failedAt) < this.#pause) return {};
    try {
      const heard = new Map<string, [State, Limit]>();
      const value = patiently(patience, () => {
        const opened = this.#current(now);
        return opened[how](() => {
          heard.clear();
          // By the clock as it is now: others may have written while this one waited.
          const at = Math.round(this.#host.now() * 1_000);
          return work(this.#cells(opened.cells, heard, at), at);
        });
      });
      for (const [digest, [state, limit]] of heard) this.#standby.heard(digest, state, limit);
      if (how === 'writing') this.#back();
      return { value: value as T };
    } catch (error) {
      if (error instanceof RangeError) throw error;
      if (isBusy(error) && !this.#lost) return { busy: error };
      this.#fail(error);
      return {};
    }
  }

  /** What the file says, or what is known here where it has lost it. */
  #cells(file: SqliteCells, heard: Map<string, [State, Limit]>, now: number): Cells {
    return {
      get: (digest, limit) => {
        const there = file.get(digest);
        const known = this.#standby.known(digest);
        const state = there && known?.ahead ? heavier(limit, there, known.state) : (there ?? known?.state);
        if (state && state === there) heard.set(digest, [state, limit]);
        return state;
      },
      set: (digest, state, limit) => {
        file.set(digest, state, limit, now, this.#options.keys);
        heard.set(digest, [state, limit]);
      },
    };
  }

  #current(now: number): Opened {
    if (this.#opened && Math.abs(now - this.#lookedAt) >= PAUSE) {
      this.#lookedAt = now;
      // One that was removed or replaced would be written by nobody else, and be gone with this process.
      if (inodeOf(this.#options.path) !== this.#opened.inode) this.#close();
    }
    this.#opened ??= this.#open();
    return this.#opened;
  }

  #open(): Opened {
    const { path } = this.#options;
    const isChecked = this.#wasDamaged;
    const tables = SqliteCells.TABLES;
    const db = openSqlite(
      { path, layout: LAYOUT, tables, settings: SETTINGS, busy: 0, isChecked },
      (aside, reason) =>
        this.#host.log.error(
          'a damaged file of limits was set aside: what was counted in it is counted anew',
          {
            file: path,
            aside,
            reason: String(reason),
          },
        ),
    );
    this.#wasDamaged = false;
    this.#standby.doubt();
    const cells = new SqliteCells(db, () => this.#host.limitHit('ratelimit_keys'));
    const transaction = db.transaction((work: () => unknown) => work());
    const { deferred: reading, immediate: writing } = transaction;
    return { db, cells, inode: inodeOf(path), reading, writing };
  }

  #fail(error: unknown): void {
    this.#failedAt = this.#host.now();
    if (isDamaged(error)) this.#wasDamaged = true;
    this.#pause = isBusy(error) ? BUSY_PAUSE : PAUSE;
    if (!isBusy(error)) this.#close();
    if (this.#lost) return;
    const reason = isDamaged(error) ? 'damaged' : isBusy(error) ? 'busy' : 'file';
    this.#lost = { since: this.#failedAt, reason };
    this.#host.level('store_there', 0);
    this.#host.count('store_lost', { reason });
    const { path: file } = this.#options;
    this.#host.log.warn('the file of limits cannot be used', { file, reason, error: String(error) });
  }

  #back(): void {
    if (!this.#lost) return;
    const awayMs = this.#host.now() - this.#lost.since;
    this.#lost = undefined;
    this.#host.level('store_there', 1);
    this.#host.count('store_back');
    this.#host.log.info('limits are counted in their file again', { file: this.#options.path, awayMs });
  }

  #close(): void {
    this.#opened?.db.close();
    this.#opened = undefined;
  }
}

/**
 * SQLite would wait by itself, for longer each time, and let whoever comes meanwhile go first.
 * @throws what `work` throws, of a file that others write after some milliseconds
 */
function patiently<T>(ms: number, work: () => T): T {
  const until = performance.now() + ms;
  while (true) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error;
    }
    // The file has no way to tell when its writer is done.
    Bun.sleepSync(NAP * Math.random());
  }
}

/** -1 where there is none. */
function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? -1;
}
