// The HTTP listener: one socket, all endpoints, both eras. Checks what can be checked without a body, then hands
// over to http-post.ts, http-stream.ts or http-sse.ts.

import type { ErrorName } from '../core/errors.ts';
import { HttpAnswer } from '../core/http-answer.ts';
import type { Page } from '../core/page.ts';
import { every } from '../lib/every.ts';
import { remembered } from '../lib/remembered.ts';
import { isStatelessVersion } from '../protocol/versions.ts';
import { BARE } from './admit.ts';
import { atTheDoor } from './door.ts';
import { refusalResponse, requestId } from './edge.ts';
import { createGuard, type Guard } from './http-guard.ts';
import { post, type Refuse } from './http-post.ts';
import type { HttpCall } from './http-request.ts';
import { type HttpTls, openSocket, type Remote, type SocketAddress } from './http-socket.ts';
import { SseClients } from './http-sse.ts';
import { deleteSession, getStream } from './http-stream.ts';
import { createKeepAlive } from './keep-alive.ts';
import type { Replays } from './replays.ts';
import type { ListenerLimits, Serving } from './serving.ts';
import { sessionStanding } from './session-standing.ts';
import { Sessions } from './sessions.ts';
import type { TlsMaterial } from './tls.ts';

export interface HttpListenerOptions {
  readonly address: SocketAddress;
  /** Where the socket is bound, until it gets its name. */
  readonly boundAt?: string | undefined;
  /** The public URL of the listener, without a slash at its end; undefined where it is only that of its address. */
  readonly url?: string | undefined;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly tls?: HttpTls | undefined;
}

export interface HttpListener {
  /** `http://127.0.0.1:7420`, or the path of the socket. */
  readonly url: string;
  /** How clients know it, where that is said: without a slash at its end. */
  readonly publicUrl: string | undefined;
  /** In logs and figures. */
  readonly name: string;
  readonly sessions: Sessions;
  /** Other certificates, for handshakes from here on. @throws Error when they cannot be used */
  renew(material: TlsMaterial): void;
  /** Stops accepting; what runs goes on. */
  drain(): void;
  /** Closes everything. */
  stop(): Promise<void>;
}

/** Between two looks for what has been unused for too long, milliseconds. */
const SWEEP = { least: 100, most: 60_000 } as const;
/**
 * For streams in the place of `limits.connection_idle`, in seconds: signs of life go out on them more often than that.
 * The most the runtime can count, so nothing to be set.
 */
const STREAM_IDLE_S = 255;
const METHODS = 'GET, POST, DELETE, OPTIONS';

/** @throws Error when the address is taken or not ours to bind */
export async function listenHttp(
  options: HttpListenerOptions,
  serving: Serving,
  replays: Replays,
): Promise<HttpListener> {
  const { address, tls } = options;
  const name = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path;
  // First, for it may throw: nothing else is to be undone then.
  const streamIdle = (): number =>
    serving.limits().keepAlive * 2 > STREAM_IDLE_S * 1_000 ? 0 : STREAM_IDLE_S;
  const socket = await openSocket({
    name,
    address: address.kind === 'unix' ? { ...address, path: options.boundAt ?? address.path } : address,
    tls,
    fetch: (request, remote) => enter(request, remote, door),
    idle: { stream: streamIdle, other: () => Math.ceil(serving.limits().connectionIdle / 1_000) },
    serving,
  });
  const sessions = new Sessions({
    seal: serving.seal,
    host: serving.host,
    store: serving.store,
    limits: serving.limits,
    standing: (session, path) => sessionStanding(session, path, name, serving),
  });
  const scheme = tls ? 'https' : 'http';
  const own = address.kind === 'tcp' ? `${scheme}://${urlHost(address.host)}:${socket.port}` : undefined;
  const base = options.url ?? (isAnywhere(address) ? undefined : own);
  const guard = createGuard({
    ...options,
    host: address.kind === 'tcp' ? address.host : undefined,
    port: tls ? '443' : '80',
  });
  const keepAlive = createKeepAlive(() => serving.limits().keepAlive);
  const door: Door = {
    name,
    base,
    guard,
    serving,
    sessions,
    replays,
    keepAlive,
    sse: new SseClients(serving),
  };
  const endSweeps = every(
    () => betweenSweeps(serving.limits()),
    () => {
      sessions.sweep();
      replays.sweep();
    },
  );
  const undo = [
    serving.onSwap((changedFor) => {
      for (const session of sessions.all()) session.standing.renew(changedFor(session.owner, session.path));
    }),
    serving.onStop(() => {
      for (const session of sessions.all()) session.standing.stop();
    }),
    endSweeps,
    () => sessions.close(),
    () => keepAlive.stop(),
  ];
  return {
    url: own ?? name,
    publicUrl: options.url,
    name,
    sessions,
    renew: socket.renew,
    drain: socket.drain,
    async stop() {
      for (const each of undo) each();
      await socket.stop();
    },
  };
}

/** Often enough for the shortest of what is waited for to be a limit. */
function betweenSweeps({ sessionRest, sessionIdle, resumeTtl }: ListenerLimits): number {
  return Math.min(SWEEP.most, Math.max(SWEEP.least, Math.min(sessionRest, sessionIdle, resumeTtl) / 4));
}

interface Door {
  readonly name: string;
  /** Its public URL, without a slash at its end. */
  readonly base: string | undefined;
  readonly guard: Guard;
  readonly serving: Serving;
  readonly sessions: Sessions;
  readonly replays: Replays;
  readonly sse: SseClients;
  readonly keepAlive: ReturnType<typeof createKeepAlive>;
}

async function enter(request: Request, remote: Remote, door: Door): Promise<Response> {
  const answer = new HttpAnswer();
  try {
    return await answered(request, remote, door, answer);
  } finally {
    answer.begun();
  }
}

async function answered(
  request: Request,
  { remote, peer }: Remote,
  door: Door,
  answer: HttpAnswer,
): Promise<Response> {
  const id = requestId(request.headers.get('x-request-id'));
  const refusal = door.guard.refuses(request.headers);
  const always = { 'x-request-id': id, ...cors(door.guard.allowedOrigin(request.headers)) };
  const stateless = isStatelessVersion(request.headers.get('mcp-protocol-version')?.trim() ?? '');
  const path = pathOf(request.url);
  const told = (code: ErrorName, reason?: string): void => {
    const { method } = request;
    door.serving.refused({ code, reason, requestId: id, listener: door.name, path, method, remote });
  };
  const refuse: Refuse = (code, detail, given) => {
    told(code, detail);
    const headers = { ...withOffered(always, answer), ...CLOSING[code] };
    return refusalResponse(code, detail, given ?? (stateless ? undefined : null), headers);
  };
  if (refusal !== undefined) return refuse('HOST_REFUSED', refusal);
  const own = door.serving.endpoint(path);
  const behind = own ? undefined : door.serving.endpointBySse(path);
  if (!own && !behind) {
    const page = await pageAt(path, request, door);
    if (page)
      return new Response(page.body, { status: page.status, headers: { ...page.headers, ...always } });
    told('ENDPOINT_UNKNOWN');
    return Response.json({ error: 'not_found', path }, { status: 404, headers: always });
  }
  if (request.method === 'OPTIONS')
    return new Response(null, preflight(request, always, (own ?? behind)?.takes));
  const { serving, sessions, replays, keepAlive } = door;
  const came = arrival(request, { path, endpoint: behind?.path ?? path, remote, peer }, door, answer);
  const call: HttpCall = {
    ...{ request, ...came, id, serving, sessions, replays, keepAlive },
    get headers() {
      return withOffered(always, answer);
    },
  };
  if (behind) return door.sse.serve(path, call, refuse);
  if (request.method === 'POST') return post(call, refuse);
  if (stateless || (request.method !== 'GET' && request.method !== 'DELETE')) {
    told('HTTP_METHOD');
    return new Response(null, { status: 405, headers: { ...always, allow: stateless ? 'POST' : METHODS } });
  }
  if (!serving.accepting()) return refuse('STOPPING');
  const stranger = await atTheDoor(call, BARE[request.method]);
  if (stranger instanceof Response) return stranger;
  return request.method === 'GET' ? getStream(call) : deleteSession(call);
}

/** What plugins are told of the request. */
function arrival(
  { headers, method, url }: Request,
  { path, endpoint, remote, peer }: Remote & { readonly path: string; readonly endpoint: string },
  { name, base }: Door,
  answer: HttpAnswer,
): Pick<HttpCall, 'inbound' | 'took'> {
  let text: string | undefined;
  return {
    inbound: {
      listener: name,
      endpoint,
      headers,
      remote,
      method,
      url: base && base + path,
      query: queryOf(url),
      peer,
      body: () => text,
      answer,
    },
    took: (body) => {
      text = body;
    },
  };
}

/** What a plugin has for a path that is no endpoint. */
async function pageAt(path: string, request: Request, { serving, base }: Door): Promise<Page | undefined> {
  const { headers, url, method } = request;
  const asked = method === 'OPTIONS' ? 'GET' : method;
  if (asked !== 'GET' && asked !== 'HEAD') return undefined;
  const page = await serving.page({ method: asked, path, query: queryOf(url), headers }, base);
  if (!page || method !== 'OPTIONS') return page;
  return { ...preflight(request) };
}

function queryOf(url: string): string {
  const [, query] = /\?([^#]*)/.exec(url) ?? [];
  return query ? `?${query}` : '';
}

/** Every interface of the machine: no client knows it by that. */
function isAnywhere(address: HttpListenerOptions['address']): boolean {
  return address.kind === 'tcp' && /^(?:0\.0\.0\.0|::|\[::\])$/.test(address.host);
}

/** A body that was not read to its end would be taken for the next request. */
const CLOSING: Partial<Record<ErrorName, { connection: 'close' }>> = {
  TOO_LARGE: { connection: 'close' },
  BODY_TIMEOUT: { connection: 'close' },
};

/**
 * Of a request whose Host header is no host, the runtime gives the bare path, or a URL that cannot be read (Bun 1.4.5;
 * Unix sockets only).
 */
const pathOf = remembered((url) => {
  if (URL.canParse(url)) return new URL(url).pathname;
  return url.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/, 1)[0] ?? '';
});

const ALLOWED =
  'content-type, authorization, dpop, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, x-request-id';

/** Headers that mirror arguments have names of the tools' choosing, so those asked for are allowed by name. */
function preflight(
  { headers }: Request,
  more: Readonly<Record<string, string>> = {},
  takes: readonly string[] = [],
): Page {
  const asked = headers.get('access-control-request-headers')?.toLowerCase().split(',') ?? [];
  const params = asked
    .map((name) => name.trim())
    .filter((name) => /^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name));
  return {
    status: 204,
    headers: {
      ...more,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': [ALLOWED, ...takes, ...params].join(', '),
      'access-control-max-age': '600',
    },
  };
}

function cors(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {};
  return {
    'access-control-allow-origin': origin,
    vary: 'origin',
    [EXPOSED]: 'mcp-session-id, www-authenticate, retry-after, dpop-nonce, x-request-id',
  };
}

const EXPOSED = 'access-control-expose-headers';

/** Beside what plugins have offered for the answer; pages that may read one of these may read all. */
function withOffered(always: Record<string, string>, { headers }: HttpAnswer): Record<string, string> {
  const exposed = always[EXPOSED];
  const names = Object.keys(headers);
  if (names.length === 0 || exposed === undefined) return { ...headers, ...always };
  return { ...headers, ...always, [EXPOSED]: [exposed, ...names].join(', ') };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
