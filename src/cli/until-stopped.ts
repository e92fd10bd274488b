// The life of a running gateway between its start and its end: signals, stray errors, the drain and its bound.

import { teardownTime } from '../gateway/teardown.ts';
import type { Gateway } from '../gateway/types.ts';
import { EXIT } from './exit.ts';
import type { Prepared } from './prepare.ts';
import type { Reload } from './reloading.ts';
import type { Shell } from './shell.ts';
import { handleSignals } from './signals.ts';
import { watchTerminal } from './terminal.ts';
import { watchFiles } from './watch.ts';

export interface Life {
  readonly gateway: Gateway;
  readonly prepared: Prepared;
  readonly reload: Reload;
}

export interface Stopping {
  /** Begins the end, as a signal would. */
  now(why: string): void;
  /** Resolves with the exit code when nothing is left. */
  readonly done: Promise<number>;
}

/** What may come on top of `drain` and the end of all upstreams until a gateway that hangs is ended the hard way. */
const GRACE_MS = 5_000;

/** Takes over signals and stray errors of the process; from now on only a stop ends it. */
export function untilStopped(shell: Shell, { gateway, prepared, reload }: Life): Stopping {
  const { logger, latest } = prepared;
  const done = Promise.withResolvers<number>();
  let stopping = false;
  let clean: number = EXIT.ok;
  const now = (why: string): void => {
    if (stopping) return;
    stopping = true;
    const { config } = latest();
    const { drain } = config;
    logger.notice('stopping', { why, in_flight: gateway.report().inFlight, drain_ms: drain });
    setTimeout(
      () => {
        logger.log.error('the gateway did not stop in time');
        done.resolve(clean || EXIT.failed);
      },
      drain + teardownTime(config) + GRACE_MS,
    ).unref();
    gateway.stop().then(
      () => {
        logger.notice('stopped');
        done.resolve(clean);
      },
      (error: unknown) => {
        logger.log.error('the gateway did not stop cleanly', { error: textOf(error) });
        done.resolve(clean || EXIT.failed);
      },
    );
  };
  prepared.onFail((fault) => {
    clean = EXIT.integrity;
    logger.log.error(fault.message, { hint: fault.hint });
    now('integrity');
  });
  handleSignals(process, {
    reload: () => void reload({ dryRun: false }),
    stop: now,
    exit: (code) => process.exit(code),
    toggleDebug: () => toggleDebug(prepared),
    terminalGone: watchTerminal(),
    now: () => performance.now(),
  });
  shell.onStray = (error) =>
    logger.log.error('unexpected error, the gateway goes on', { error: textOf(error) });
  const unwatch = watchFiles(prepared.reader.inputs, () => void reload({ dryRun: false, again: true }));
  return { now, done: done.promise.finally(unwatch) };
}

function toggleDebug({ logger, latest }: Prepared): void {
  const configured = latest().config.telemetry.log.level;
  logger.setLevel(logger.level === 'debug' ? (configured === 'debug' ? 'info' : configured) : 'debug');
  logger.notice('log level changed', { now: logger.level });
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
