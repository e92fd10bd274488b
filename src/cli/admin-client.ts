// Talks to the gateway that runs: over its admin socket, or over TCP where only health is asked.

import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { createReader } from './config.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { defaultSocket, stateDir } from './paths.ts';
import { readBounded } from './read-bounded.ts';
import type { Shell } from './shell.ts';

export interface Target {
  readonly config?: string | undefined;
  readonly socket?: string | undefined;
}

/** The admin socket of the gateway that a configuration describes; undefined when it is off. */
export function adminSocket(shell: Shell, { config, socket }: Target): string | undefined {
  if (socket !== undefined) return resolve(shell.cwd, socket);
  const reader = createReader(shell, config);
  const reading = reader.look();
  const file = reader.file();
  // A broken file must not keep `reload` from telling so: the running gateway is still where it says.
  const said = reading.ok
    ? { socket: reading.config.admin.socket, dir: reading.config.state.dir }
    : file === undefined
      ? {}
      : glance(file);
  if (said.socket === 'off') return undefined;
  return said.socket ?? defaultSocket(shell, stateDir(shell, said.dir));
}

/** What a file says of these two places, whatever else is wrong with it. */
function glance(file: string): { socket?: string; dir?: string } {
  const text = textOf(file);
  const at = (...path: string[]): string | undefined => {
    const found: unknown = parseDocument(text, { logLevel: 'silent' }).getIn(path);
    return typeof found === 'string' && !found.includes('${') ? found : undefined;
  };
  const socket = at('admin', 'socket');
  const dir = at('state', 'dir');
  return {
    ...(socket === undefined ? {} : { socket: socket === 'off' ? socket : resolve(dirname(file), socket) }),
    ...(dir === undefined ? {} : { dir: resolve(dirname(file), dir) }),
  };
}

function textOf(file: string): string {
  try {
    return readBounded(file);
  } catch {
    return '';
  }
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the admin socket. Throws `CliError` 69 when nobody answers there. */
export async function askAdmin(
  shell: Shell,
  target: Target,
  path: string,
  init: { readonly method?: string; readonly body?: string; readonly timeoutMs?: number } = {},
): Promise<Reply> {
  const { timeoutMs, ...rest } = init;
  const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
  return request(shell, target, path, { ...rest, ...signal }, async (response) => ({
    status: response.status,
    body: await response.json(),
  }));
}

async function request<T>(
  shell: Shell,
  target: Target,
  path: string,
  init: RequestInit,
  read: (response: Response) => T | Promise<T>,
): Promise<T> {
  const unix = adminSocket(shell, target);
  if (unix === undefined)
    throw new CliError(EXIT.unreachable, 'this gateway has no admin socket (admin.socket is off)');
  try {
    // Without a timeout of its own a reload that waits long for an upstream would be given up.
    const own = { ...init, unix, timeout: false } as BunFetchRequestInit;
    return await read(await fetch(`http://localhost${path}`, own));
  } catch (error) {
    const why =
      error instanceof Error && error.name === 'TimeoutError' ? 'it does not answer' : systemCode(error);
    throw new CliError(
      EXIT.unreachable,
      `no gateway answers on ${unix}${why === undefined || why === 'ENOENT' ? '' : ` (${why})`}`,
      'start one with `sluice run`, or name its socket with --socket',
    );
  }
}

/**
 * Lines of JSON from the admin socket, as they come, until it ends or the signal aborts.
 * @throws CliError as `askAdmin` does, and where the gateway refuses
 */
export async function* followAdmin(
  shell: Shell,
  target: Target,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const response = await request(shell, target, path, { signal }, (answer) => answer);
  if (response.status !== 200) throw refusalOf({ status: response.status, body: await response.json() });
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  } catch (error) {
    // A gateway that is gone has ended it, too.
    if (systemCode(error) === undefined && !signal.aborted) throw error;
  }
}

/** The error an admin reply carries, as one a command ends with. */
export function refusalOf({ status, body }: Reply): CliError {
  const error: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
  const message =
    typeof error === 'object' && error !== null ? String(Reflect.get(error, 'message')) : `HTTP ${status}`;
  return new CliError(EXIT.failed, `the gateway says: ${message}`);
}
