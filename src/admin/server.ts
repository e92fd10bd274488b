// The operator's side of a gateway over HTTP: one TCP listener for health and figures, one Unix socket that steers.
// Knows routes.ts for what is answered and nothing of the gateway.

import type { Log } from '../core/log.ts';
import { AdminFault, codeOf } from './fault.ts';
import { isForeign, isOwnHost } from './guard.ts';
import { type Asked, answer, failure } from './routes.ts';
import { claimAdminSocket } from './socket.ts';
import type { AdminSource } from './source.ts';

export interface AdminOptions {
  /** Where to listen over TCP; a Unix path gets the same routes as TCP. */
  readonly listen: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string } | 'off';
  readonly socket: string | 'off';
  readonly source: AdminSource;
  readonly log: Log;
}

export interface Admin {
  /** `http://127.0.0.1:7421`, `unix:/…`, or undefined when off. */
  readonly url: string | undefined;
  readonly socket: string | undefined;
  stop(): Promise<void>;
}

type Server = Bun.Server<undefined>;

// Of this machine's operator, whose requests are small and few: nothing to be set. A body beyond is a 413.
const BODY_BYTES = 65_536;
const BODY_SECONDS = 10;
const IDLE_SECONDS = 30;

/** Opens what is configured. Throws `AdminFault` when a port or socket is taken; nothing stays open then. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { listen, socket } = options;
  const closers: (() => void)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) close();
  };
  try {
    let url: string | undefined;
    if (socket !== 'off') closers.push(await openUnix(socket, options, true));
    if (listen !== 'off' && listen.kind === 'unix') {
      closers.push(await openUnix(listen.path, options, false));
      url = `unix:${listen.path}`;
    } else if (listen !== 'off') {
      const server = openTcp(listen, options);
      closers.push(() => void server.stop(true));
      url = `http://${urlHost(listen.host)}:${server.port}`;
    }
    return { url, socket: socket === 'off' ? undefined : socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openUnix(path: string, options: AdminOptions, trusted: boolean): Promise<() => void> {
  // Bun's types know no idleTimeout for sockets; without it a reload of more than 10 s would be cut off.
  const unlimited: object = { idleTimeout: 0 };
  const { server, release } = await claimAdminSocket(path, (unix) =>
    Bun.serve({
      unix,
      ...unlimited,
      ...common(options),
      fetch: (request, bound) => handle(request, bound, options, trusted),
    }),
  );
  return () => {
    release();
    void server.stop(true);
  };
}

function openTcp({ host, port }: { host: string; port: number }, options: AdminOptions): Server {
  try {
    return Bun.serve({
      hostname: host,
      port,
      // With `development: false` Bun shares a taken port instead of refusing it, unless told otherwise.
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      ...common(options),
      fetch(request, bound) {
        const own = { host, port: bound.port ?? port };
        if (!isOwnHost(request.headers.get('host'), own) || isForeign(request.headers))
          return failure(403, 'HOST_REFUSED', 'the Host or Origin header is not one of this machine');
        return handle(request, bound, options, false);
      },
    });
  } catch (error) {
    const code = codeOf(error);
    const why = code === 'EADDRINUSE' ? `port ${port} is in use` : (code ?? String(error));
    throw new AdminFault(
      code === 'EADDRINUSE' ? 'taken' : 'unusable',
      `cannot open the admin listener on ${urlHost(host)}:${port}: ${why}`,
      'stop what listens there, or set `admin: { listen: 127.0.0.1:PORT }` (or off) in gateway.yaml',
    );
  }
}

function common({ log }: AdminOptions) {
  return {
    development: false,
    maxRequestBodySize: BODY_BYTES,
    error(error: unknown): Response {
      log.error('the admin server failed', { error: String(error) });
      return failure(500, 'INTERNAL', 'the admin server failed; the log says more');
    },
  } as const;
}

function handle(
  request: Request,
  server: Server,
  { source }: AdminOptions,
  trusted: boolean,
): Promise<Response> {
  const { path, query } = target(request.url);
  const asked: Asked = {
    method: request.method,
    path,
    query,
    trusted,
    body: async () => {
      server.timeout(request, BODY_SECONDS);
      const text = await request.text();
      // A reload waits for upstreams, as long as it takes.
      server.timeout(request, 0);
      return text;
    },
  };
  return answer(asked, source);
}

/** Path and query of a request's URL, which is a bare path where the Host header makes no URL. */
function target(url: string): { path: string; query: URLSearchParams } {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3);
  const rest = start < 0 ? '/' : url.slice(start).replace(/#.*$/, '');
  const mark = rest.indexOf('?');
  if (mark < 0) return { path: rest, query: new URLSearchParams() };
  return { path: rest.slice(0, mark), query: new URLSearchParams(rest.slice(mark + 1)) };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
