// A log while a gateway runs, over reloads: opened and locked once, looked at now and then, closed at the end.

import { randomBytes } from 'node:crypto';
import type { PluginHost } from '../../src/plugin.ts';
import { brokenEnd } from './health.ts';
import { type LogKey, readKey } from './key.ts';
import { KeyEpochs } from './key-epochs.ts';
import { lockLog } from './lock.ts';
import type { AuditLog, Tunables } from './log.ts';
import { forgetNext } from './next-key.ts';
import { openLog } from './open-log.ts';
import type { Options } from './options.ts';
import { Outlets } from './outlets.ts';
import { redisState } from './redis-state.ts';
import { Salts } from './salts.ts';
import { fileState, memoryState, type StateStore } from './state.ts';

/** Who hears of what is on disk, after it is. */
export interface Listener {
  onEntries?(lines: readonly string[], firstSeq: number): void;
  onCheckpoint?(note: string, size: number): void;
}

export interface KeptLog {
  readonly log: AuditLog;
  readonly key: LogKey;
  readonly origin: string;
  /** What of its options holds until it is closed. */
  readonly fixed: string;
  readonly listeners: Set<Listener>;
  readonly salts: Salts;
  readonly outlets: Outlets;
  /** From now on with these options; those of an older generation change nothing. @param generation greater of later ones */
  use(options: Options, generation: number, broken: (what: string) => void): void;
  close(): Promise<void>;
}

export interface Places {
  /** Absolute. */
  readonly directory: string;
  readonly keyFile: string;
}

type Host = Pick<PluginHost, 'log' | 'now' | 'count' | 'level' | 'limitHit' | 'took'>;

/** @throws IntegrityFault when the log is not what was written; else Error with why there can be none */
export async function keepLog(
  { directory, keyFile }: Places,
  options: Options,
  host: Host,
): Promise<KeptLog> {
  const unlock = lockLog(directory);
  const store = storeOf(directory, options);
  const listeners = new Set<Listener>();
  const watch = new Watch();
  /** What they do with it is no matter of the log. */
  const tell = (what: (listener: Listener) => void): void => {
    for (const listener of listeners)
      try {
        what(listener);
      } catch (error) {
        host.log.error('a listener of the audit log failed', { reason: reasonOf(error) });
      }
  };
  const salts = new Salts(directory, () => host.count('failed', { kind: 'salts' }));
  try {
    // One that was not taken over has signed nothing.
    forgetNext(keyFile);
    const key = readKey(keyFile, options.origin, host.now);
    const log = await openLog({
      ...tunablesOf(options),
      ...reporting(directory, host),
      directory,
      origin: options.origin,
      signer: options.level === 0 ? undefined : key.signer,
      tiles: options.level >= 2,
      key: key.signer,
      formerKey: key.former,
      store,
      now: host.now,
      stamp: stampOf(host),
      onBreak: (what) => watch.broken(what),
      onCommit(entries, ms) {
        host.count('entries', {}, entries.length);
        host.took('commit', ms);
        host.level('queue', watch.log?.waiting ?? 0);
        if (watch.log) salts.flush(watch.log.segment);
        if (listeners.size === 0) return;
        const lines = entries.map(({ line }) => line);
        tell((listener) => listener.onEntries?.(lines, entries[0]?.seq ?? 0));
      },
      onCheckpoint(note, size) {
        host.count('checkpoints');
        tell((listener) => listener.onCheckpoint?.(note, size));
      },
    });
    watch.log = log;
    host.level('writable', 1);
    const outlets = new Outlets(
      { directory, origin: options.origin, seq: log.seq },
      host,
      options.delivery.memory,
    );
    listeners.add(outlets);
    const epochs = new KeyEpochs(key, { file: keyFile, origin: options.origin, log, host });
    return {
      log,
      key,
      origin: options.origin,
      fixed: fixedOf(options),
      listeners,
      salts,
      outlets,
      use(next, generation, broken) {
        if (watch.use(next, generation, broken)) epochs.use(next.key);
      },
      async close() {
        watch.stop();
        await epochs.close();
        const missing = await log.close();
        await outlets.close();
        await salts.close(log.segment);
        if (missing > 0) host.log.error('entries are not in the audit log', { directory, entries: missing });
        store.close();
        unlock();
      },
    };
  } catch (error) {
    store.close();
    unlock();
    throw error;
  }
}

/** Looks at the end of the log now and then, as the newest generation wants it. */
class Watch {
  log: AuditLog | undefined;
  broken: (what: string) => void = () => {};
  #generation = 0;
  #timer: Timer | undefined;

  /** @returns whether they are newer than those before */
  use(options: Options, generation: number, broken: (what: string) => void): boolean {
    const { log } = this;
    if (generation <= this.#generation || !log) return false;
    this.#generation = generation;
    this.broken = broken;
    log.tune(tunablesOf(options));
    const { every, entries } = options.health;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const what = brokenEnd(log, log.options.directory, entries);
      if (what !== undefined) this.broken(what);
    }, every);
    return true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** As one text, to be compared. */
export function fixedOf({ level, integrity: { store, url } }: Options): string {
  return JSON.stringify([level, store, url]);
}

function tunablesOf(options: Options): Tunables {
  return {
    segmentSize: options.segment,
    checkpointEntries: options.checkpoint.entries,
    checkpointEvery: options.checkpoint.every,
    batch: options.batch,
    queue: options.queue,
    retry: options.retry,
    stateEvery: options.integrity.every,
  };
}

function storeOf(directory: string, { origin, integrity }: Options): StateStore {
  const { store, url, timeout } = integrity;
  if (store === 'redis' && url !== undefined)
    return redisState({ url, timeout, key: `sluice:audit:${origin}` });
  return store === 'memory' ? memoryState() : fileState(directory);
}

/** When, and in which life of the gateway: the wall clock may be put back, the other one never goes back. */
function stampOf({ now }: Host): () => { ts: string; mono_us: number; boot: string } {
  const boot = randomBytes(8).toString('hex');
  const began = performance.now();
  return () => ({
    ts: new Date(now()).toISOString(),
    mono_us: Math.round((performance.now() - began) * 1_000),
    boot,
  });
}

function reporting(directory: string, host: Host) {
  return {
    onSetback(error: unknown) {
      host.count('failed', { kind: 'write' });
      host.log.warn('a write to the audit log failed, and is tried again', {
        directory,
        reason: reasonOf(error),
      });
    },
    onFault(error: unknown) {
      host.count('failed', { kind: 'log' });
      host.level('writable', 0);
      host.log.error('the audit log cannot be written', { directory, reason: reasonOf(error) });
    },
    onRecovered() {
      host.level('writable', 1);
      host.log.warn('the audit log is written again', { directory });
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
