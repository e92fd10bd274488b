// A log while a gateway runs, over reloads: opened and locked once, looked at now and then, closed at the end.

import { randomBytes } from 'node:crypto';
import type { PluginHost } from '../../src/plugin.ts';
import { brokenEnd } from './health.ts';
import { type LogKey, readKey } from './key.ts';
import { lockLog } from './lock.ts';
import type { AuditLog } from './log.ts';
import { openLog } from './open-log.ts';
import type { Options } from './options.ts';

export interface KeptLog {
  readonly log: AuditLog;
  readonly key: LogKey;
  close(): Promise<void>;
}

export interface Places {
  /** Absolute. */
  readonly directory: string;
  readonly keyFile: string;
}

type Host = Pick<PluginHost, 'log' | 'now' | 'count'>;

/** @throws IntegrityFault when the log is not what was written; else Error with why there can be none */
export async function keepLog(
  { directory, keyFile }: Places,
  options: Options,
  host: Host,
  broken: (what: string) => void,
): Promise<KeptLog> {
  const key = readKey(keyFile, options.origin);
  const unlock = lockLog(directory);
  const boot = randomBytes(8).toString('hex');
  const began = performance.now();
  try {
    const log = await openLog({
      directory,
      origin: options.origin,
      segmentSize: options.segment,
      checkpointEntries: options.checkpoint.entries,
      checkpointEvery: options.checkpoint.every,
      batch: options.batch,
      queue: options.queue,
      retry: options.retry,
      signer: options.level === 0 ? undefined : key.signer,
      now: host.now,
      stamp: () => ({
        ts: new Date(host.now()).toISOString(),
        mono_us: Math.round((performance.now() - began) * 1_000),
        boot,
      }),
      onFault: (error) => {
        host.count('failed', { kind: 'log' });
        host.log.error('the audit log cannot be written', { directory, reason: reasonOf(error) });
      },
      onRecovered: () => host.log.warn('the audit log is written again', { directory }),
    });
    const { every, entries } = options.health;
    const timer = setInterval(() => {
      if (log.fault !== undefined) return;
      const what = brokenEnd(log, directory, entries);
      if (what !== undefined) broken(what);
    }, every);
    return {
      log,
      key,
      async close() {
        clearInterval(timer);
        await log.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
