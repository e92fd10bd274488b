// Opens the listeners of a configuration: all of them, or none.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { Loaded } from '../config/load.ts';
import { messageOf } from '../core/errors.ts';
import { claimSocket, SocketFault } from '../lib/socket-file.ts';
import { type HttpListener, listenHttp } from '../listeners/http.ts';
import { Replays } from '../listeners/replays.ts';
import type { Serving } from '../listeners/serving.ts';

export async function openListeners(
  { config, document }: Loaded,
  serving: Serving,
): Promise<{ ok: true; listeners: HttpListener[] } | { ok: false; diagnostics: Diagnostic[] }> {
  const listeners: HttpListener[] = [];
  const diagnostics: Diagnostic[] = [];
  const replays = new Replays(serving.host, serving.limits);
  for (const [index, listener] of config.listeners.entries()) {
    if (listener.kind !== 'http') continue;
    const { listen, url, origins, mode } = listener;
    const hosts = url === undefined ? listener.hosts : [...listener.hosts, new URL(url).host];
    try {
      const open = (boundAt?: string) =>
        listenHttp({ address: listen, boundAt, url, hosts, origins }, serving, replays);
      listeners.push(listen.kind === 'unix' ? await onSocket(listen.path, mode ?? 0o600, open) : open());
    } catch (error) {
      const where = listen.kind === 'tcp' ? `${listen.host}:${listen.port}` : listen.path;
      diagnostics.push(
        document.at(['listeners', index, 'http', 'listen'], {
          code: 'LISTEN_FAILED',
          message: `cannot listen on ${where}: ${why(error)}`,
        }),
      );
    }
  }
  if (diagnostics.length === 0) return { ok: true, listeners };
  for (const listener of listeners) void listener.stop();
  return { ok: false, diagnostics };
}

/** A listener whose socket file goes when it does not accept any more. */
async function onSocket(
  path: string,
  mode: number,
  open: (boundAt: string) => HttpListener,
): Promise<HttpListener> {
  const { server, release } = await claimSocket(path, mode, open, (listener) => void listener.stop());
  return {
    ...server,
    drain() {
      release();
      server.drain();
    },
    stop() {
      release();
      return server.stop();
    },
  };
}

function why(error: unknown): string {
  const taken = 'another program is listening there';
  if (error instanceof SocketFault)
    return { living: taken, foreign: 'there is a file which is not a socket', long: error.message }[
      error.kind
    ];
  return (error as { code?: string }).code === 'EADDRINUSE' ? taken : messageOf(error);
}
