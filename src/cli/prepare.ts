// What every command that runs a gateway needs first: configuration read, log open, key at hand, world built.

import { join } from 'node:path';
import { collectDefaultMetrics, Gauge } from 'prom-client';
import type { Loaded } from '../config/load.ts';
import type { IntegrityError } from '../core/integrity.ts';
import { SILENT } from '../core/log.ts';
import { createMetrics } from '../core/metrics.ts';
import { pinMemory } from '../core/pin-store.ts';
import { sessionMemory } from '../core/session-store.ts';
import { NO_SHELF } from '../core/shelf.ts';
import type { World } from '../gateway/types.ts';
import { BUILD } from './build-info.ts';
import { childEnv } from './child-env.ts';
import { createReader, type Reader } from './config.ts';
import { ConfigError, printDiagnostics } from './diagnostics.ts';
import { createLogger, type Logger } from './log.ts';
import { lookUp } from './look-up.ts';
import { stateDir } from './paths.ts';
import { openPinFile, PIN_FILE } from './pin-file.ts';
import { withPipeProblems } from './pipe-problems.ts';
import { withPluginProblems } from './plugin-problems.ts';
import { readBounded } from './read-bounded.ts';
import { readSealKey, SealKeyUnwritable } from './seal-key.ts';
import { openSessionFile } from './session-file.ts';
import { openShelfFile } from './shelf-file.ts';
import { type Shell, wantsColor } from './shell.ts';

export interface Prepared {
  readonly reader: Reader;
  /** The first reading; the gateway starts from the same one. */
  readonly first: Loaded;
  /** The latest reading that was free of errors. */
  latest(): Loaded;
  readonly logger: Logger;
  readonly stateDir: string;
  readonly world: World;
  /** Calls `hear` when a plugin says that the gateway must not go on, or has said so. */
  onFail(hear: (fault: IntegrityError) => void): void;
}

/** Throws `ConfigError` or another `CliError`; opens nothing but the files of the state directory. */
export async function prepare(
  shell: Shell,
  named: string | undefined,
  { listen }: { listen: boolean },
): Promise<Prepared> {
  const reader = createReader(shell, named);
  const read = async (again?: Loaded) => {
    const reading = await withPluginProblems(await reader.read(again?.document), reader.file(), shell);
    return listen ? reading : withPipeProblems(reading);
  };
  const reading = await read();
  if (!reading.ok) throw new ConfigError(reading.diagnostics);
  let pending: typeof reading | undefined = reading;
  let latest: Loaded = reading;
  const { config } = reading;
  const logger = createLogger({
    level: config.telemetry.log.level,
    format: formatOf(shell, reading),
    color: wantsColor(shell, shell.err),
    write: (line) => shell.err.write(line),
    redact: shell.redact,
  });
  if (reading.warnings.length > 0) warn(shell, logger, reading.warnings);
  const dir = stateDir(shell, config.state.dir);
  const metrics = createMetrics();
  shell.err.unblock(
    () => latest.config.limits.logBuffer,
    (lines) => {
      metrics.limitHits.inc({ limit: 'log_buffer' }, lines);
      logger.notice('log lines left out: nobody read them in time', { lines });
    },
  );
  observeProcess(metrics.registry);
  const failing = Promise.withResolvers<IntegrityError>();
  const { redact } = shell;
  const host = { log: logger.log, metrics, now: Date.now, redact, hide: redact.hide, fail: failing.resolve };
  const { size, busy } = config.state;
  const world: World = {
    host,
    read: async (again) => {
      const next = pending ?? (await read(again));
      pending = undefined;
      if (next.ok) latest = next;
      return next;
    },
    readFile: readBounded,
    plugins: shell.plugins,
    stateDir: dir,
    sealKey: sealKey(dir, config.state.dir !== undefined, logger),
    // The session of a client on a pipe is the pipe.
    sessions: listen ? openSessionFile({ dir, size, busy, host }) : sessionMemory(size),
    shelf: openShelfFile({ dir, size: config.state.lists, busy, host }),
    pins: openPinFile({ file: config.state.pins ?? join(dir, PIN_FILE), dir, log: logger.log }),
    childEnv: childEnv(shell.env, shell.platform),
    platform: shell.platform,
    lookUp,
    version: BUILD.version,
    listen,
  };
  const onFail = (hear: (fault: IntegrityError) => void): void => void failing.promise.then(hear);
  return { reader, first: reading, latest: () => latest, logger, stateDir: dir, world, onFail };
}

/** A world for looking only: no log, no key on disk, no figures kept, and this configuration. */
export function quietWorld(shell: Shell, loaded: Loaded): World {
  const { redact } = shell;
  return {
    host: { log: SILENT, metrics: createMetrics(), now: Date.now, redact, hide: redact.hide },
    read: () => ({ ok: true, warnings: [], config: loaded.config, document: loaded.document }),
    readFile: readBounded,
    plugins: shell.plugins,
    sealKey: crypto.getRandomValues(new Uint8Array(32)),
    sessions: sessionMemory(loaded.config.state.size),
    shelf: NO_SHELF,
    pins: pinMemory(),
    childEnv: childEnv(shell.env, shell.platform),
    platform: shell.platform,
    lookUp,
    version: BUILD.version,
    listen: false,
  };
}

/** How the log is written: as configured, and by itself for people where stderr is a terminal. */
export function formatOf(shell: Shell, { config }: Loaded): 'json' | 'human' {
  const { format } = config.telemetry.log;
  return format === 'auto' ? (shell.err.isTty ? 'human' : 'json') : format;
}

function warn(shell: Shell, logger: Logger, warnings: ConfigError['diagnostics']): void {
  if (logger.format === 'human') printDiagnostics(shell, warnings);
  else
    for (const { file, line, column, code, message } of warnings)
      logger.log.warn(message, { file, line, column, code });
}

/** A gateway that nobody gave a directory, on a disk it cannot write, goes on with a key for this run. */
function sealKey(dir: string, configured: boolean, logger: Logger): Uint8Array {
  try {
    return readSealKey(dir);
  } catch (error) {
    if (configured || !(error instanceof SealKeyUnwritable)) throw error;
    logger.log.warn('sessions will not outlive this process', { reason: error.message });
    return crypto.getRandomValues(new Uint8Array(32));
  }
}

function observeProcess(registry: World['host']['metrics']['registry']): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'sluice_build_info',
    help: 'Which build runs; always 1.',
    labelNames: ['version', 'commit'],
    registers: [registry],
  }).set({ version: BUILD.version, commit: BUILD.commit ?? 'source' }, 1);
}
