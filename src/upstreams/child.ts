// One child process that speaks lines: started in a process group of its own with only the environment it is
// given, drained on every pipe, and ended by closing stdin, then TERM, then KILL to the group.

import { kill } from "node:process";
import type { Log } from '../core/log.ts';
import { messageOf } from '../core/errors.ts';
import { Lines } from '../lib/lines.ts';
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
  /** Writes one message. @throws Error when the process is gone */
  write(message: string): Promise<void>;
  /** Ends the process and everything it started. */
  stop(): Promise<void>;
}

/** @throws Error when the program cannot be started; the message says why */
export function startChild(spec: CommandSpec, hooks: ChildHooks, log: Log, reaper: Reaper): Child {
  const child = spawn(spec);
  reaper.watch(child.pid);
  let gone = false;
  let reason: string | undefined;
  const end = (why: string): void => {
    if (gone) return;
    gone = true;
    // The leader is gone; what it started and left behind goes too.
    signalGroup(child.pid, 'SIGKILL');
    reaper.forget(child.pid);
    hooks.gone(reason ?? why);
  };
  const kill = (why: string): void => {
    reason ??= why;
    signalGroup(child.pid, 'SIGKILL');
  };

  void readLines(child.stdout, new Lines(spec.limits.line), hooks.line).catch((error) =>
    kill(`wrote ${messageOf(error)}`),
  );
  void drainErrors(child.stderr, spec.limits.stderr, log);
  void child.exited.then((code) => end(howItEnded(code, child.signalCode)));

  return {
    pid: child.pid,
    async write(message) {
      // A write to a dead child reports success (Bun 1.4.5), so look first.
      if (gone || child.exitCode !== null) throw new Error('the process has ended');
      await child.stdin.write(`${message}\n`);
      await child.stdin.flush();
    },
    async stop() {
      if (gone) return;
      reason ??= CLOSED;
      await Promise.resolve(child.stdin.end()).catch(() => {});
      if (await exitedWithin(child.exited, spec.stop)) return;
      signalGroup(child.pid, 'SIGTERM');
      if (await exitedWithin(child.exited, spec.stop)) return;
      signalGroup(child.pid, 'SIGKILL');
      await child.exited;
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
  if (code === 'ENOENT') return cwd ? `no such program in PATH, or no directory ${cwd}` : 'no such program in PATH';
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
      if (spent > perSecond) log.warn('stderr was more than limits.stderr; the rest is not logged', { bytes: spent });
      second = now;
      spent = 0;
    }
    spent += chunk.length;
    if (spent > perSecond) continue;
    const text = decoder.decode(chunk, { stream: true }).trimEnd();
    if (text !== '') log.debug('stderr', { text });
  }
}

async function exitedWithin(exited: Promise<number>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return (await Promise.race([exited.then(() => true), promise])) === true;
  } finally {
    clearTimeout(timer);
  }
}

function howItEnded(code: number | null, signal: string | number | null): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`;
}
