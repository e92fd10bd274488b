// stdin and stdout as the pipes of one MCP client, and stdout kept free of everything that is not meant for it.

import { Console } from 'node:console';
import type { Gateway } from '../gateway/types.ts';
import type { Prepared } from './prepare.ts';
import type { Shell } from './shell.ts';

type Send = (text: string, done: (error?: Error | null) => void) => boolean;

let send: Send | undefined;

/**
 * Keeps stdout for results and messages, from before the first line of a plugin is run: what it prints goes to
 * stderr. Commands themselves write through `shell.out`, which this does not touch.
 */
export function reserveStdout(): Send {
  if (send) return send;
  const { stdout, stderr } = process;
  send = stdout.write.bind(stdout) as Send;
  Object.assign(console, new Console({ stdout: stderr, stderr }));
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return send;
}

/** Takes stdout for messages. `write` resolves when the system has the text; `gone` when the reader is no more. */
function takeStdout(): { write: (text: string) => Promise<void>; gone: Promise<void> } {
  const put = reserveStdout();
  const gone = Promise.withResolvers<void>();
  process.stdout.on('error', () => gone.resolve());
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      put(text, (error) => {
        if (!error) return resolve();
        gone.resolve();
        reject(error);
      });
    });
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
