// stdin and stdout as the pipes of one MCP client, and stdout kept free of everything that is not meant for it.

import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { Gateway } from '../gateway/types.ts';
import { owner } from './owner.ts';
import { messageWriter, putTo } from './pipe-writer.ts';
import type { Prepared } from './prepare.ts';
import type { Output, Shell } from './shell.ts';

/**
 * Keeps stdout for results and messages, from before the first line of a plugin is run: what it prints goes to
 * stderr, as a part of the log. Commands themselves write through `shell`, which this does not touch.
 */
export function reserveStdout(err: Output): void {
  const sink = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _, done) {
      err.write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      done();
    },
  });
  Object.assign(console, new Console({ stdout: sink, stderr: sink }));
  process.stdout.write = sink.write.bind(sink) as typeof process.stdout.write;
  process.stderr.write = sink.write.bind(sink) as typeof process.stderr.write;
}

/** Takes stdout for messages. `write` resolves when the system has the text; `gone` when the reader is no more. */
function takeStdout(): { write: (data: string | Uint8Array) => Promise<void>; gone: Promise<void> } {
  const gone = Promise.withResolvers<void>();
  const put = messageWriter(putTo(1));
  const write = (data: string | Uint8Array): Promise<void> =>
    put(data).catch((error: unknown) => {
      gone.resolve();
      throw error;
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
  await Promise.race([gateway.serveStdio(shell.stdin.stream(), write, owner), gone]);
}
