// Opens the listeners of a configuration: all of them, or none.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Loaded } from '../config/load.ts';
import { messageOf } from '../core/errors.ts';
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
    const { listen, hosts, origins, mode } = listener;
    try {
      if (listen.kind === 'unix') await removeStale(listen.path);
      listeners.push(listenHttp({ address: listen, hosts, origins }, serving, replays));
      if (listen.kind === 'unix') chmodSync(listen.path, mode ?? 0o600);
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

function why(error: unknown): string {
  return (error as { code?: string }).code === 'EADDRINUSE'
    ? 'another program is listening there'
    : messageOf(error);
}

/** A socket file left behind by a gateway that was killed goes; one on which somebody answers stays. */
async function removeStale(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw new Error('there is a file which is not a socket');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path, () => resolve(true)).on('error', () => resolve(false));
  const answered = await promise;
  probe.destroy();
  if (answered) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
  unlinkSync(path);
}
