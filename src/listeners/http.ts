// The HTTP listener: one socket, all endpoints, both eras. Checks what can be checked without an era, then hands
// over to http-stateless.ts or http-session.ts.

import { catalogue, type ErrorName, messageOf } from '../core/errors.ts';
import { eraOfPost } from '../protocol/classify.ts';
import { isBatch, type Message, MessageError, parseMessage } from '../protocol/jsonrpc.ts';
import { isStatelessVersion } from '../protocol/versions.ts';
import { refusalResponse, requestId } from './edge.ts';
import { readBody } from './http-body.ts';
import { createGuard, type Guard } from './http-guard.ts';
import type { HttpCall } from './http-request.ts';
import { postInSession } from './http-session.ts';
import { postStateless } from './http-stateless.ts';
import { deleteSession, getStream } from './http-stream.ts';
import { createKeepAlive } from './keep-alive.ts';
import type { Serving } from './serving.ts';
import { sessionStanding } from './session-standing.ts';
import { Sessions } from './sessions.ts';

export interface HttpListenerOptions {
  readonly address: { readonly kind: 'tcp'; readonly host: string; readonly port: number } | { readonly kind: 'unix'; readonly path: string };
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
}

export interface HttpListener {
  /** `http://127.0.0.1:7420`, or the path of the socket. */
  readonly url: string;
  readonly sessions: Sessions;
  /** Stops accepting; what runs goes on. */
  drain(): void;
  /** Closes everything. */
  stop(): Promise<void>;
}

const SWEEP_MS = 60_000;
const METHODS = 'GET, POST, DELETE, OPTIONS';

/** @throws Error when the address is taken or not ours to bind */
export function listenHttp(options: HttpListenerOptions, serving: Serving): HttpListener {
  const { address } = options;
  const name = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path;
  const guard = createGuard({ ...options, host: address.kind === 'tcp' ? address.host : undefined });
  const keepAlive = createKeepAlive(serving.limits().keepAlive);
  const sessions = new Sessions({
    seal: serving.seal,
    host: serving.host,
    limits: serving.limits,
    standing: (session, path) => sessionStanding(session, path, name, serving),
  });
  const forget = serving.onSwap((changedFor) => {
    for (const session of sessions.all()) session.standing.renew(changedFor(session.client, session.path));
  });
  const sweep = setInterval(() => sessions.sweep(), SWEEP_MS);
  const door: Door = { name, guard, serving, sessions, keepAlive };

  const at = address.kind === 'tcp' ? { hostname: address.host, port: address.port } : { unix: address.path };
  const server = Bun.serve({
    ...(at as { hostname: string; port: number }),
    // 0 keeps quiet streams open; bodies have a deadline of their own, headers one of the runtime's.
    idleTimeout: 0,
    development: false,
    // Bodies are counted by http-body.ts, which can say what is wrong; this is only the last wall.
    maxRequestBodySize: serving.limits().body * 2,
    fetch: (request, by) => enter(request, by.requestIP(request)?.address, door),
    error(error) {
      serving.host.log.error('request failed', { error: messageOf(error) });
      return refusalResponse('INTERNAL', undefined, undefined);
    },
  });

  return {
    url: address.kind === 'tcp' ? `http://${urlHost(address.host)}:${server.port}` : address.path,
    sessions,
    drain: () => void server.stop(),
    async stop() {
      forget();
      clearInterval(sweep);
      sessions.close();
      keepAlive.stop();
      await server.stop(true);
    },
  };
}

interface Door {
  readonly name: string;
  readonly guard: Guard;
  readonly serving: Serving;
  readonly sessions: Sessions;
  readonly keepAlive: ReturnType<typeof createKeepAlive>;
}

async function enter(request: Request, remote: string | undefined, door: Door): Promise<Response> {
  const id = requestId(request.headers.get('x-request-id'));
  const refusal = door.guard.refuses(request.headers);
  const headers = { 'x-request-id': id, ...cors(door.guard.allowedOrigin(request.headers)) };
  const refuse = (code: ErrorName, detail?: string): Response => {
    door.serving.host.metrics.refused.inc({ code });
    return refusalResponse(code, detail, undefined, headers);
  };
  if (refusal !== undefined) return refuse('HOST_REFUSED', refusal);
  const path = new URL(request.url).pathname;
  const endpoint = door.serving.endpoint(path);
  if (!endpoint) return Response.json({ error: 'not_found', path }, { status: 404, headers });
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { ...headers, ...PREFLIGHT } });
  const inbound = { listener: door.name, endpoint: path, headers: request.headers, remote };
  const { serving, sessions, keepAlive } = door;
  const call: HttpCall = { request, endpoint, inbound, id, headers, serving, sessions, keepAlive };
  if (request.method === 'POST') return post(call, refuse);
  const stateless = isStatelessVersion(request.headers.get('mcp-protocol-version')?.trim() ?? '');
  if (stateless || (request.method !== 'GET' && request.method !== 'DELETE')) {
    return new Response(null, { status: 405, headers: { ...headers, allow: stateless ? 'POST' : METHODS } });
  }
  return request.method === 'GET' ? getStream(call) : deleteSession(call);
}

async function post(call: HttpCall, refuse: (code: ErrorName, detail?: string) => Response): Promise<Response> {
  const { request, serving } = call;
  const limits = serving.limits();
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') return refuse('MEDIA_TYPE');
  const body = await readBody(request, limits.body, limits.bodyTimeout);
  if (typeof body !== 'string') {
    if (body.fault !== 'PARSE') serving.host.metrics.limitHits.inc({ limit: body.fault === 'TOO_LARGE' ? 'body' : 'body_timeout' });
    return refuse(body.fault, body.fault === 'PARSE' ? 'The body is not UTF-8, or did not arrive whole.' : undefined);
  }
  if (isBatch(body)) return refuse('INVALID_REQUEST', 'Batches are not accepted: send one message at a time.');
  let message: Message;
  try {
    message = parseMessage(body, limits.json);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    return refusalResponse(error.code === catalogue.PARSE.code ? 'PARSE' : 'INVALID_REQUEST', error.message, error.id, call.headers);
  }
  const era = eraOfPost(message, request.headers.get('mcp-protocol-version'));
  if (typeof era === 'object') {
    return refusalResponse(era.code, era.detail, message.kind === 'request' ? message.id : undefined, call.headers);
  }
  return era === '2026' ? postStateless(message, call) : postInSession(message, call);
}

const PREFLIGHT = {
  'access-control-allow-methods': METHODS,
  'access-control-allow-headers':
    'content-type, authorization, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, x-request-id',
  'access-control-max-age': '600',
};

function cors(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {};
  return {
    'access-control-allow-origin': origin,
    vary: 'origin',
    'access-control-expose-headers': 'mcp-session-id, www-authenticate, x-request-id',
  };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
