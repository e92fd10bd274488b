// One child process that speaks lines: started in a process group of its own with only the environment it is
// given, drained on every pipe, and ended by closing stdin, then TERM, then KILL to the group.

import { kill } from 'node:process';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { Lines } from '../lib/lines.ts';
import { settledWithin } from '../lib/settled.ts';
import { Unwritten } from './channel.ts';
import type { Reaper } from './reaper.ts';
import type { CommandSpec } from './spec.ts';

/** Why a process is gone that was told to go. */
export const CLOSED = 'was stopped';

export interface ChildHooks {
  /** One line of stdout. The returned promise is not waited for: one slow client must not stop the others. */
  line(line: Uint8Array): void;
  /** It is gone; `why` says how, for people. Called once. */
  gone(why: string): void;
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

/** @throws Error when the program cannot be started; the message says why */
export function startChild(spec: CommandSpec, hooks: ChildHooks, log: Log, reaper: Reaper): Child {
  const child = spawn(spec);
  reaper.watch(child.pid);
  let reason: string | undefined;
  const breakOff = (why: string): void => {
    reason ??= why;
    signalGroup(child.pid, 'SIGKILL');
  };

  const reading = readLines(child.stdout, new Lines(spec.limits.line), hooks.line).catch((error) =>
    breakOff(`wrote ${messageOf(error)}`),
  );
  void drainErrors(child.stderr, spec.limits.stderr, log).catch(() => {});
  const ending = (): string => reason ?? howItEnded(child.exitCode, child.signalCode);
  const over = child.exited.then(async () => {
    // The leader is gone; what it started and left behind goes too.
    signalGroup(child.pid, 'SIGKILL');
    reaper.forget(child.pid);
    await settledWithin(reading, LAST_WORDS_MS);
    hooks.gone(ending());
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
        if (!(await settledWithin(child.exited, LAST_WORDS_MS)))
          breakOff(`takes no more input (${messageOf(error)})`);
        throw new Error(`its process ${ending()}`);
      }
    },
    async stop() {
      reason ??= CLOSED;
      // Not waited for: that takes as long as the child takes to read what was written to it before.
      void Promise.resolve(child.stdin.end()).catch(() => {});
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        if (await settledWithin(over, spec.stop)) return;
        signalGroup(child.pid, signal);
      }
      await over;
    },
  };
}

function spawn(spec: CommandSpec) {
  try {
    return Bun.spawn([spec.command, ...spec.args], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      detached: true,
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

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(-pid, signal);
  } catch {
    // ESRCH: nobody left in the group.
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  lines: Lines,
  each: (line: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of stream) {
    for (const line of lines.push(chunk)) if (line.length > 0) each(line);
  }
}

/** stderr is free text for people: logged up to a rate, never parsed, always read so that the pipe cannot fill. */
async function drainErrors(stream: ReadableStream<Uint8Array>, perSecond: number, log: Log): Promise<void> {
  const decoder = new TextDecoder();
  let second = 0;
  let spent = 0;
  for await (const chunk of stream) {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) {
      second = now;
      spent = 0;
    }
    const room = perSecond - spent;
    spent += chunk.length;
    if (room < 0) continue;
    const text = decoder.decode(chunk.subarray(0, room), { stream: true }).trimEnd();
    if (text !== '') log.debug('stderr', { text });
    if (spent > perSecond)
      log.warn('stderr is more than limits.stderr; the rest of this second is not logged');
  }
}

function howItEnded(code: number | null, signal: string | number | null): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`;
}
