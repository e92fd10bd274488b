// stdin and stdout as the pipes of one MCP client. While they are, nothing else may write to stdout.

import { Console } from 'node:console';
import type { Gateway } from '../gateway/types.ts';
import type { Prepared } from './prepare.ts';
import type { Shell } from './shell.ts';

/**
 * Takes stdout for messages: whatever a plugin prints goes to stderr from now on.
 * @returns writes a text, resolving when the system has taken it; `gone` resolves when the reader is no more
 */
export function takeStdout(): { write: (text: string) => Promise<void>; gone: Promise<void> } {
  const { stdout, stderr } = process;
  const gone = Promise.withResolvers<void>();
  const send = stdout.write.bind(stdout) as (text: string, done: (error?: Error | null) => void) => boolean;
  stdout.on('error', () => gone.resolve());
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      send(text, (error) => {
        if (!error) return resolve();
        gone.resolve();
        reject(error);
      });
    });
  Object.assign(console, new Console({ stdout: stderr, stderr }));
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return { write, gone: gone.promise };
}

/** Serves the client on stdin where the configuration lists `stdio` beside, or instead of, HTTP listeners. */
export function keepStdin(
  shell: Shell,
  { first }: Prepared,
  gateway: Gateway,
  stop: (why: string) => void,
): void {
  const { listeners } = first.config;
  if (!listeners.some(({ kind }) => kind === 'stdio')) return;
  const alone = listeners.every(({ kind }) => kind === 'stdio');
  void servePipes(shell, gateway).then(() => {
    if (alone) stop('the client left');
  });
}

/** Serves one client until its input ends or nobody reads its output. */
export async function servePipes(shell: Shell, gateway: Gateway): Promise<void> {
  const { write, gone } = takeStdout();
  await Promise.race([gateway.serveStdio(shell.stdin.stream(), write), gone]);
}
