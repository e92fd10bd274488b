// What a command may use of the process it runs in, as one object: tests give another one.

import { closeSync, openSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import type { AnyPlugin } from '../core/plugin.ts';
import { createRedactor, type Redactor } from '../lib/redact.ts';
import { settledWithin } from '../lib/settled.ts';
import type { AuditTools } from './audit-tools.ts';
import { systemCode } from './exit.ts';
import type { KeyFileTools } from './key-files.ts';
import { type Keychain, systemKeychain } from './keychain.ts';
import { LineWriter, putTo } from './pipe-writer.ts';

export interface Output {
  readonly isTty: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Writes all of it before it returns; what nobody reads any more is dropped. */
  write(text: string): void;
}

export interface ErrorOutput extends Output {
  /** From now on nothing waits for who reads it: at most `limit` bytes are held, and what is left out is counted. */
  unblock(limit: () => number, dropped: (count: number) => void): void;
  /** Gives what is held a moment to leave. */
  flush(): Promise<void>;
}

export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly platform: string;
  readonly stdin: { readonly isTty: boolean; stream(): ReadableStream<Uint8Array> };
  readonly out: Output;
  readonly err: ErrorOutput;
  /** Before `out` and `err`; what reads the configuration teaches it. */
  readonly redact: Redactor;
  readonly keychain: Keychain;
  /** Built-in plugins by name. */
  readonly plugins: Readonly<Record<string, AnyPlugin>>;
  /** What the plugin `auth` knows of its files of API keys. */
  readonly keyFile: KeyFileTools;
  /** What the plugin `audit` knows of its logs. */
  readonly auditLog: AuditTools;
  /** What `--color` said, if anything. */
  color?: 'always' | 'never' | 'auto';
  /** Takes over errors that nobody caught; until a gateway runs, they end the process. */
  onStray?: (error: unknown) => void;
}

/** What `src/main.ts` hands over of the plugins. */
export type Lent = Pick<Shell, 'plugins' | 'keyFile' | 'auditLog'>;

/** The shell of this process. */
export function processShell(lent: Lent): Shell {
  const redact = createRedactor();
  // The one secret that no configuration names.
  redact.learn([process.env.SLUICE_MASTER_KEY ?? '']);
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    platform: process.platform,
    stdin: { isTty: isatty(0), stream: () => Bun.stdin.stream() },
    out: output(1, 'wait', redact),
    err: errorOutput(redact),
    redact,
    keychain: systemKeychain,
    ...lent,
  };
}

/** Whether an output gets colours: the flag, then NO_COLOR, FORCE_COLOR, and whether it is a terminal. */
export function wantsColor(shell: Shell, output: Output): boolean {
  if (shell.color === 'always' || shell.color === 'never') return shell.color === 'always';
  const { NO_COLOR, FORCE_COLOR, TERM } = shell.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return output.isTty && TERM !== 'dumb';
}

/** Whether this process has a terminal of its own, whatever its standard streams are. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** How long what is still held at the end may take to leave, milliseconds. */
const LAST_MS = 500;

function errorOutput(redact: Redactor): ErrorOutput {
  const direct = output(2, 'drop', redact);
  let held: LineWriter | undefined;
  return {
    isTty: direct.isTty,
    get columns() {
      return direct.columns;
    },
    get rows() {
      return direct.rows;
    },
    write: (text) => (held ? held.write(redact(text)) : direct.write(text)),
    unblock(limit, dropped) {
      held ??= new LineWriter({ put: putTo(2), limit, dropped });
    },
    async flush() {
      if (held) await settledWithin(held.flushed(), LAST_MS);
    },
  };
}

function output(fd: 1 | 2, whenFull: 'wait' | 'drop', redact: Redactor): Output {
  return {
    isTty: isatty(fd),
    get columns() {
      return (fd === 1 ? process.stdout.columns : process.stderr.columns) || 80;
    },
    get rows() {
      return (fd === 1 ? process.stdout.rows : process.stderr.rows) || 24;
    },
    write: (text) => writeAll(fd, Buffer.from(redact(text)), whenFull),
  };
}

const FULL_WAITS = 50;

/**
 * Writes to a descriptor that may be a pipe nobody reads: results wait for their reader, log lines wait 50 ms and are
 * then dropped, because a stuck reader of the log must not stop the gateway.
 */
function writeAll(fd: number, bytes: Buffer, whenFull: 'wait' | 'drop'): void {
  let waits = 0;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
      waits = 0;
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') return;
      if (whenFull === 'drop' && waits++ >= FULL_WAITS) return;
      Bun.sleepSync(1);
    }
  }
}
