// Opens the listeners of a configuration: all of them, or none.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { Loaded } from '../config/load.ts';
import type { Config, HttpListener as ListenerConfig, ListenerTls } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import { claimSocket, SocketFault } from '../lib/socket-file.ts';
import { type HttpListener, listenHttp } from '../listeners/http.ts';
import { Replays } from '../listeners/replays.ts';
import type { Serving } from '../listeners/serving.ts';
import type { TlsMaterial } from '../listeners/tls.ts';
import { readMaterial, tlsOf, watchCertificates } from './certificates.ts';

type Opened =
  | {
      readonly ok: true;
      readonly listeners: HttpListener[];
      /** Takes over what a later reading says of the certificates of these listeners. */
      follow(config: Config): void;
    }
  | { readonly ok: false; readonly diagnostics: Diagnostic[] };

interface Follower extends HttpListener {
  follow(config: Config): void;
}

type ReadFile = (path: string) => string;

export async function openListeners(
  { config, document }: Loaded,
  serving: Serving,
  readFile: ReadFile,
): Promise<Opened> {
  const listeners: Follower[] = [];
  const diagnostics: Diagnostic[] = [];
  const replays = new Replays(serving.host, serving.limits);
  for (const [index, listener] of config.listeners.entries()) {
    if (listener.kind !== 'http') continue;
    try {
      listeners.push(await openOne(listener, index, serving, replays, readFile));
    } catch (error) {
      const { listen } = listener;
      const where = listen.kind === 'tcp' ? `${listen.host}:${listen.port}` : listen.path;
      diagnostics.push(
        document.at(['listeners', index, 'http', 'listen'], {
          code: 'LISTEN_FAILED',
          message: `cannot listen on ${where}: ${why(error)}`,
        }),
      );
    }
  }
  const follow = (next: Config): void => {
    for (const listener of listeners) listener.follow(next);
  };
  if (diagnostics.length === 0) return { ok: true, listeners, follow };
  for (const listener of listeners) void listener.stop();
  return { ok: false, diagnostics };
}

async function openOne(
  { listen, url, hosts: named, origins, mode, tls }: ListenerConfig,
  index: number,
  serving: Serving,
  replays: Replays,
  readFile: ReadFile,
): Promise<Follower> {
  const material = tls && readMaterial(tls, readFile);
  const hosts = url === undefined ? named : [...named, new URL(url).host];
  const options = { address: listen, url, hosts, origins, tls: tls && material && settings(tls, material) };
  const open = (boundAt?: string) => listenHttp({ ...options, boundAt }, serving, replays);
  const listener = await (listen.kind === 'unix' ? onSocket(listen.path, mode ?? 0o600, open) : open());
  if (!tls || !material) return { ...listener, follow() {} };
  const { host } = serving;
  const watched = watchCertificates({ name: listener.name, tls, material, listener, host, readFile });
  return {
    ...listener,
    follow: (config) => watched.look(tlsOf(config, index)),
    stop() {
      watched.stop();
      return listener.stop();
    },
  };
}

function settings({ minVersion, client }: ListenerTls, material: TlsMaterial) {
  const asked = client?.require ? ('required' as const) : ('asked' as const);
  return { minVersion, client: client ? asked : ('none' as const), material };
}

/** A listener whose socket file goes when it does not accept any more. */
async function onSocket(
  path: string,
  mode: number,
  open: (boundAt: string) => Promise<HttpListener>,
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
