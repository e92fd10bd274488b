// One child process that speaks lines: started in a process group of its own with only the environment it is
// given, drained on every pipe, and ended by closing stdin, then TERM, then KILL to the group.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Sink } from '../lib/flow.ts';
import { Lines } from '../lib/lines.ts';
import { createMask } from '../lib/mask.ts';
import { settledWithin } from '../lib/settled.ts';
import { Unwritten } from './channel.ts';
import type { Reaper } from './reaper.ts';
import type { CommandSpec } from './spec.ts';
import { Stderr } from './stderr.ts';

/** Why a process is gone that was told to go. */
export const CLOSED = 'was stopped';

export interface ChildHooks {
  /** One line of stdout. The returned promise is not waited for: one slow client must not stop the others. */
  line(line: Uint8Array): void;
  /** Where a line goes that is too long to be held, if it may be passed on; and the waiting for who takes it there. */
  long(head: Uint8Array): Sink | undefined;
  tooLong(head: Uint8Array): Sink | undefined;
  room(sink: Sink): Promise<void> | undefined;
  /** It is gone; `why` says how, for people. Called once. @param fault when it did what it must not do */
  gone(why: string, fault?: GatewayError): void;
}

export interface Child {
  readonly pid: number;
  /** Writes one message. @throws Error when the process is gone; `Unwritten` when it was before */
  write(message: string): Promise<void>;
  /** Ends the process and everything it started. */
  stop(): Promise<void>;
}

/** How long the end of a process and of its pipes may lie apart. */
const LAST_WORDS_MS = 500;
/** The same when its input is closed and its calls wait to be told. */
const UNPLUGGED_MS = 50;

/** @throws Error when the program cannot be started; the message says why */
export function startChild(spec: CommandSpec, hooks: ChildHooks, log: Log, reaper: Reaper): Child {
  const child = spawnWatched(spec, reaper);
  let reason: string | undefined;
  const breakOff = (why: string): void => {
    reason ??= why;
    reaper.signal(child.pid, 'SIGKILL');
  };

  const { limits } = spec;
  const lines = new Lines(limits.line, {
    from: () => limits.streamFrom,
    take: hooks.long,
    skip: hooks.tooLong,
  });
  let fault: GatewayError | undefined;
  const reading = readLines(child.stdout, lines, hooks)
    .catch((error) => {
      if (error instanceof RangeError) fault = tooLong(spec.name, limits.line);
      breakOff(`wrote ${messageOf(error)}`);
    })
    .finally(() => lines.end(fault ?? brokenOff(spec.name)));
  const stderr = new Stderr({
    perSecond: () => spec.limits.stderr,
    mask: createMask(spec.secrets),
    log,
    now: () => performance.now(),
  });
  const draining = drain(child.stderr, stderr).catch(() => {});
  const ending = (): string => reason ?? howItEnded(child.exitCode, child.signalCode);
  const over = child.exited.then(async () => {
    // The leader is gone; what it started and left behind goes too.
    if (reaper.grouped) reaper.signal(child.pid, 'SIGKILL');
    reaper.forget(child.pid);
    await settledWithin(Promise.all([reading, draining]), LAST_WORDS_MS);
    const { last } = stderr;
    if (reason !== CLOSED)
      log.warn('process ended', { pid: child.pid, why: ending(), stderr: last.join('\n') || undefined });
    hooks.gone(ending(), fault);
  });

  return {
    pid: child.pid,
    async write(message) {
      // A write to a dead child reports success (Bun 1.4.5), so look first.
      const gone = child.exitCode !== null || child.signalCode !== null;
      if (gone || reason !== undefined) throw new Unwritten(`its process ${ending()}`);
      try {
        await child.stdin.write(`${message}\n`);
        await child.stdin.flush();
      } catch (error) {
        // One that is ending closes its input before its end is known. One that only does that is of no more use.
        if (!(await settledWithin(child.exited, UNPLUGGED_MS)))
          breakOff(`takes no more input (${messageOf(error)})`);
        throw new Error(`its process ${ending()}`);
      }
    },
    async stop() {
      reason ??= CLOSED;
      // Not waited for: that takes as long as the child takes to read what was written to it before.
      void Promise.resolve(child.stdin.end()).catch(() => {});
      for (const [patience, signal] of [
        [spec.stop, 'SIGTERM'],
        [spec.kill, 'SIGKILL'],
      ] as const) {
        if (await settledWithin(over, patience)) return;
        reaper.signal(child.pid, signal);
      }
      await over;
    },
  };
}

function tooLong(upstream: string, bytes: number): GatewayError {
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${upstream}" wrote more in one line than limits.line allows (${bytes} bytes).`,
    { upstream, limit: 'line' },
  );
}

/** Starts it so that it cannot outlive us: whoever is to end it then is there before. */
function spawnWatched(spec: CommandSpec, reaper: Reaper) {
  try {
    reaper.prepare();
  } catch (error) {
    throw new Error(`"${spec.command}" is not started, for nobody could end it: ${messageOf(error)}`);
  }
  const child = spawn(spec, reaper.grouped);
  try {
    reaper.watch(child.pid);
  } catch (error) {
    reaper.signal(child.pid, 'SIGKILL');
    throw new Error(`"${spec.command}" was ended again, for nobody would have later: ${messageOf(error)}`);
  }
  return child;
}

function spawn(spec: CommandSpec, grouped: boolean) {
  try {
    return Bun.spawn([spec.command, ...spec.args], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      detached: grouped,
      windowsHide: true,
      env: { ...spec.env },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    });
  } catch (error) {
    throw new Error(`"${spec.command}" cannot be started: ${startFault(error, spec)}`);
  }
}

function startFault(error: unknown, { command, cwd }: CommandSpec): string {
  const code = (error as { code?: string }).code;
  // A missing cwd is reported as ENOENT of the command (Bun 1.4.5).
  const missing = command.includes('/') ? 'no such file' : 'no such program in PATH';
  if (code === 'ENOENT') return cwd ? `${missing}, or no directory ${cwd}` : missing;
  if (code === 'EACCES') return `${command} may not be executed`;
  return messageOf(error);
}

async function readLines(stream: ReadableStream<Uint8Array>, lines: Lines, hooks: ChildHooks): Promise<void> {
  for await (const chunk of stream) {
    for (const line of lines.push(chunk)) if (line.length > 0) hooks.line(line);
    if (lines.sink) await hooks.room(lines.sink);
  }
}

function brokenOff(upstream: string): GatewayError {
  const why = `The process of the upstream "${upstream}" ended within a result.`;
  return new GatewayError('UPSTREAM_UNAVAILABLE', why, { upstream });
}

/** Always read, so that the pipe cannot fill. */
async function drain(stream: ReadableStream<Uint8Array>, to: Stderr): Promise<void> {
  for await (const chunk of stream) to.push(chunk);
  to.end();
}

function howItEnded(code: number | null, signal: string | number | null): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`;
}
