// What the admin server answers. Reading is for everybody who may connect; changing is for the socket alone.

import { parseDuration } from '../lib/duration.ts';
import { redactData } from '../lib/redact.ts';
import { following } from './follow.ts';
import type { AdminSource } from './source.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The body's text; called at most once, and only where a route takes a body. */
  readonly body: () => Promise<string>;
  /** Whether it came over the Unix socket, which only the gateway's own user can open. */
  readonly trusted: boolean;
}

interface Route {
  readonly methods: readonly string[];
  readonly trusted?: true;
  readonly answer: (asked: Asked, source: AdminSource) => Response | Promise<Response>;
}

const READ = ['GET', 'HEAD'];

const ROUTES: Readonly<Record<string, Route>> = {
  '/healthz': { methods: READ, answer: () => text(200, 'ok\n') },
  '/readyz': {
    methods: READ,
    answer: (_, source) => (source.ready() ? text(200, readiness(source)) : text(503, 'not ready\n')),
  },
  '/metrics': { methods: READ, answer: (_, source) => figures(source) },
  '/status': { methods: READ, answer: (_, source) => json(200, source.status(), source) },
  '/calls': { methods: READ, trusted: true, answer: calls },
  '/plugins': { methods: READ, answer: (_, source) => json(200, source.plugins(), source) },
  // It may name callers.
  '/plugins/ID': { methods: READ, trusted: true, answer: plugin },
  '/explain': { methods: READ, trusted: true, answer: explain },
  '/reload': { methods: ['POST'], trusted: true, answer: reload },
};

/** Labels are the only texts in it; numbers stay numbers, whatever they look like. */
async function figures({ metrics, redact }: AdminSource): Promise<Response> {
  const text = (await metrics.metrics()).replace(/"(?:[^"\\\n]|\\.)*"/g, (label) => redact(label));
  return new Response(text, { headers: headers(metrics.contentType) });
}

/** The gateway is ready whatever becomes of its upstreams: taken out of service it could not even say so. */
function readiness(source: AdminSource): string {
  return ['ready', ...source.away().map((name) => `not called for now: ${name}`), ''].join('\n');
}

/** An entry of an upstream's pipeline is `UPSTREAM/ID`. */
const PLUGIN = /^\/plugins\/(.+)$/;

/** Answers one request. Errors are JSON: `{ "error": { "code", "message" } }`. */
export async function answer(asked: Asked, source: AdminSource): Promise<Response> {
  const path = PLUGIN.test(asked.path) ? '/plugins/ID' : asked.path;
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route === undefined)
    return failure(
      404,
      'NOT_FOUND',
      `there is no ${asked.path}; there are ${Object.keys(ROUTES).join(', ')}`,
    );
  if (route.trusted === true && !asked.trusted)
    return failure(403, 'SOCKET_ONLY', `${asked.path} is served on the admin socket only`);
  if (!route.methods.includes(asked.method)) {
    const refusal = failure(405, 'METHOD_NOT_ALLOWED', `${asked.path} takes ${route.methods.join(' and ')}`);
    refusal.headers.set('allow', route.methods.join(', '));
    return refusal;
  }
  return route.answer(asked, source);
}

/** A refusal in the shape all errors here have. */
export function failure(status: number, code: string, message: string): Response {
  return json(status, { error: { code, message } });
}

/** Calls that are described where nothing else is asked for, and at most. */
const DESCRIBED = { usual: 100, most: 2_048 } as const;
/** Between two lines of what is followed, milliseconds. */
const FOLLOWED = { least: 100, most: 60_000 } as const;

function calls({ query, method }: Asked, source: AdminSource): Response {
  const most = Number(query.get('most') ?? DESCRIBED.usual);
  if (!Number.isInteger(most) || most < 1 || most > DESCRIBED.most)
    return failure(400, 'MOST_INVALID', `most is a number from 1 to ${DESCRIBED.most}`);
  const asked = query.get('every');
  if (asked === null) return json(200, source.calls(most), source);
  const every = parseDuration(asked);
  if (every === undefined || every < FOLLOWED.least || every > FOLLOWED.most)
    return failure(400, 'EVERY_INVALID', 'every is a duration from 100ms to 60s');
  const lines = (): string => written(source.calls(most), source);
  return new Response(method === 'HEAD' ? null : following(every, lines), {
    headers: headers('application/x-ndjson'),
  });
}

function explain({ query }: Asked, source: AdminSource): Response {
  const method = query.get('method');
  if (!method) return failure(400, 'METHOD_MISSING', 'say which: /explain?method=tools/call&name=…');
  const found = source.explain({
    method,
    name: query.get('name') ?? undefined,
    endpoint: query.get('endpoint') ?? undefined,
  });
  return found === undefined
    ? failure(404, 'UNKNOWN', 'no such method or endpoint is served here')
    : json(200, found, source);
}

async function plugin({ path, query }: Asked, source: AdminSource): Promise<Response> {
  const id = PLUGIN.exec(path)?.[1] ?? '';
  const told = await source.plugin(decoded(id), Object.fromEntries(query));
  if (told === undefined) return failure(404, 'UNKNOWN', 'no entry of a pipeline has this id; see /plugins');
  return told === null
    ? failure(404, 'NOTHING_TO_TELL', 'the plugin of this entry tells nothing of itself')
    : json(200, told, source);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function reload({ body }: Asked, source: AdminSource): Promise<Response> {
  const dryRun = readDryRun(await body());
  if (dryRun === undefined) return failure(400, 'BODY_INVALID', 'send {"dryRun": true}, {} or nothing');
  const report = await source.reload({ dryRun });
  return json(report.ok ? 200 : 422, report.body, source);
}

function readDryRun(text: string): boolean | undefined {
  if (text.trim() === '') return false;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { dryRun = false, ...rest } = value as Record<string, unknown>;
    return typeof dryRun === 'boolean' && Object.keys(rest).length === 0 ? dryRun : undefined;
  } catch {
    return undefined;
  }
}

function headers(type: string): Record<string, string> {
  return { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: headers('text/plain; charset=utf-8') });
}

function json(status: number, body: unknown, source?: AdminSource): Response {
  return new Response(`${written(body, source)}\n`, { status, headers: headers('application/json') });
}

function written(body: unknown, source?: AdminSource): string {
  return JSON.stringify(source === undefined ? body : redactData(body, (text) => source.redact(text)));
}
