// A gateway that lets in whom two issuers know, on plain TCP and on TLS, before an upstream that counts what reaches
// it; and every way in, as a request of somebody who is let in.
import auth from '../../plugins/auth.ts';
import type { AnyPlugin } from '../../src/core/plugin.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Claims, type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { initialize, modern, modernHeaders } from '../fixtures/raw.ts';
import { answer, type Behaviour, event, json, type Rogue, startRogue, stream } from '../fixtures/rogue.ts';
import { secured } from '../fixtures/secured.ts';
import { type Answer, POST_HEADERS, send } from '../fixtures/wire.ts';
import type { Said } from './speak.ts';
import { speak } from './speak.ts';

export const PUBLIC = 'https://gateway.example';
export const SCOPE = 'mcp:read';
export const ADMIN = 'mcp:admin';
export const AUDIENCES = ['/mcp', '/sse'].map((path) => PUBLIC + path);

/** What differs from the request of somebody who is let in. */
export interface Change {
  /** Lines in the place of the good credential. */
  readonly proof?: readonly string[];
  /** The same, for this one request. */
  readonly prove?: (request: Request) => readonly string[];
  /** Lines more. */
  readonly lines?: readonly string[];
  /** Names of headers that are left out. */
  readonly without?: readonly string[];
  readonly method?: string;
  /** In the place of path and query. */
  readonly target?: (target: string) => string;
  readonly body?: (text: string) => string;
}

export interface Scene extends AsyncDisposable {
  readonly gateway: InProcess;
  readonly rogue: Rogue;
  readonly issuer: Issuer;
  /** Known, too, with a key of the same name. */
  readonly other: Issuer;
  /** Origins of the listeners. */
  readonly plain: string;
  readonly tls: string;
  /** A token as it should be, but for these claims and members of its head. */
  token(claims?: Claims, header?: Claims): Promise<string>;
  /** One that is let in. */
  readonly good: string;
  /** Opens a session with the good token; resolves with its headers. */
  session(): Promise<Record<string, string>>;
  /** Where messages are posted of a stream of HTTP+SSE that the good token has opened. */
  place(): Promise<string>;
  /** The lines that prove who sends a request. */
  prove(request: Request): Promise<readonly string[]>;
}

export const RULES = [{ methods: ['tools/call'], names: ['delete_*'], scopes: [ADMIN] }];

export interface SceneOptions {
  /** The pipeline; by default `auth` alone, with both issuers. */
  readonly pipeline?: (issuers: readonly object[]) => unknown[];
  readonly plugins?: Readonly<Record<string, AnyPlugin>>;
  readonly stateDir?: string;
  /** The lines that prove who sends a request; by default the good token. */
  readonly prove?: (request: Request, scene: Scene) => readonly string[] | Promise<readonly string[]>;
}

/** What is to be proven. */
export interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const guarded = (issuers: readonly object[]) => [{ auth: { issuers, scopes: [SCOPE], rules: RULES } }];

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const { pipeline = guarded, plugins = {}, stateDir } = options;
  const [issuer, other] = await Promise.all([startIssuer(), startIssuer()]);
  const rogue = await startRogue(behave, { era: 'both' });
  const on = secured();
  const [overTls] = on.listeners({}, { url: PUBLIC }).listeners;
  const claims = { tenant: 'tid' };
  const issuers = [
    { issuer: issuer.url, name: 'one', claims },
    { issuer: other.url, name: 'two', claims },
  ];
  const listeners = [{ http: { listen: '127.0.0.1:0', url: PUBLIC } }, overTls];
  const gateway = await startInProcess(
    configOf({ up: { url: rogue.url } }, { listeners, pipeline: pipeline(issuers) }),
    { plugins: { auth, ...plugins }, ...(stateDir !== undefined && { stateDir }) },
  );
  const [plain = '', tls = ''] = gateway.gateway
    .report()
    .listeners.map(({ urls }) => new URL(urls[0] ?? '').origin);
  const token = (claims: Claims = {}, header: Claims = {}): Promise<string> =>
    issuer.token({ aud: AUDIENCES, scope: SCOPE, tid: 'acme', ...claims }, header);
  const good = await token();
  const prove = async (request: Request): Promise<readonly string[]> =>
    (await options.prove?.(request, scene)) ?? [`Authorization: Bearer ${good}`];
  const { open, session, place } = openings(plain, prove);
  const scene: Scene = {
    gateway,
    rogue,
    issuer,
    other,
    plain,
    tls,
    token,
    good,
    prove,
    session,
    place,
    async [Symbol.asyncDispose]() {
      for (const each of open) each.drop();
      await gateway.stop();
      await Promise.all([rogue.stop(), issuer[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
      on[Symbol.dispose]();
    },
  };
  return scene;
}

/** Calls are answered, and subscriptions stand. */
const behave: Behaviour = (hit, res) => {
  const { id, method, params } = hit.message;
  if (method !== 'subscriptions/listen') return json(res, answer(hit));
  const acknowledged = {
    notifications: params?.notifications,
    _meta: { 'io.modelcontextprotocol/subscriptionId': id },
  };
  const name = 'notifications/subscriptions/acknowledged';
  return stream(res, event({ jsonrpc: '2.0', method: name, params: acknowledged }));
};

/** What clients do before they call. */
function openings(origin: string, prove: Scene['prove']) {
  const open: Answer[] = [];
  const say = async (method: string, target: string, message?: object, more: object = {}) => {
    const body = message && JSON.stringify(message);
    const headers: Record<string, string> = { ...(message && POST_HEADERS), ...more };
    const lines = await prove({ method, target, headers, body });
    const proof = Object.fromEntries(lines.map((line) => line.split(/: (.*)/)));
    return send(origin + target, { method, headers: { ...headers, ...proof }, body });
  };
  return {
    open,
    async session() {
      const hello = await say('POST', '/mcp', initialize('2025-11-25'));
      await hello.text();
      const headers = {
        'mcp-session-id': String(hello.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      };
      await say('POST', '/mcp', { jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
      return headers;
    },
    async place() {
      const standing = await say('GET', '/sse', undefined, { accept: 'text/event-stream' });
      open.push(standing);
      const { pathname, search } = new URL((await standing.data()) ?? '', origin);
      await say('POST', pathname + search, initialize('2024-11-05'));
      await standing.message();
      return pathname + search;
    },
  };
}

/** A way in. */
export interface Way {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly isTls?: boolean;
  /** What a request needs of the gateway before: a session, or a stream of HTTP+SSE. */
  readonly needs?: 'session' | 'place';
  readonly headers?: Readonly<Record<string, string>>;
  /** @param tool the name of the tool, which is another one for each request */
  readonly body?: (tool: string) => object;
  /** Of 2026: then headers say what the body does. */
  readonly isModern?: boolean;
  /** The status of somebody who is let in. */
  readonly good: number;
  /** Whether it is a call, which reaches the upstream. */
  readonly calls: boolean;
}

const events = { accept: 'text/event-stream' };
const called = (name: string) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name, arguments: {} },
});
const call = { method: 'POST', path: '/mcp', body: called, good: 200, calls: true } as const;
const fresh = {
  ...call,
  isModern: true,
  body: (name: string) => modern('tools/call', { name, arguments: {} }),
};

export const WAYS: readonly Way[] = [
  { ...fresh, name: 'a call of 2026' },
  { ...fresh, name: 'a call of 2026 over TLS', isTls: true },
  {
    name: 'initialize',
    method: 'POST',
    path: '/mcp',
    body: () => initialize('2025-11-25'),
    good: 200,
    calls: false,
  },
  { name: 'GET of HTTP+SSE', method: 'GET', path: '/sse', headers: events, good: 200, calls: false },
  { ...call, name: 'a call of 2025', needs: 'session' },
  { ...call, name: 'a call of 2025 over TLS', needs: 'session', isTls: true },
  { name: 'GET', method: 'GET', path: '/mcp', needs: 'session', headers: events, good: 200, calls: false },
  { name: 'DELETE', method: 'DELETE', path: '/mcp', needs: 'session', good: 200, calls: false },
  { ...call, name: 'a post of HTTP+SSE', path: '/sse', needs: 'place', good: 202 },
];

/** Those of somebody of whom the gateway knows nothing yet. */
export const FIRST = WAYS.filter(({ needs }) => needs === undefined);
export const MODERN = WAYS.filter(({ isModern }) => isModern);

/** What a way needs, from before. */
export interface Known {
  readonly session?: Readonly<Record<string, string>>;
  readonly place?: string;
}

/** A request on a way in, changed. @param tool the name of the tool it calls */
export async function come(
  scene: Scene,
  way: Way,
  tool: string,
  known: Known = {},
  change: Change = {},
): Promise<Said> {
  const { method, target, headers, body } = requestOf(scene, way, tool, known);
  const { prove = scene.prove } = change;
  const proof = change.proof ?? (await prove({ method, target, headers, body }));
  const { lines = [], without = [] } = change;
  const own = Object.entries(headers).filter(([name]) => !without.includes(name));
  return speak({
    origin: way.isTls ? scene.tls : scene.plain,
    method: change.method ?? method,
    target: change.target?.(target) ?? target,
    lines: [...own.map((entry) => entry.join(': ')), ...proof, ...lines],
    body: body === undefined ? undefined : (change.body?.(body) ?? body),
  });
}

/** The request of somebody who is let in, before it is proven. */
export function requestOf(
  { plain, tls }: Scene,
  way: Way,
  tool: string,
  { session = {}, place = '' }: Known,
): Request {
  return {
    method: way.method,
    target: way.needs === 'place' ? place : way.path,
    headers: {
      host: new URL(way.isTls ? tls : plain).host,
      ...(way.body && POST_HEADERS),
      ...way.headers,
      ...(way.isModern && modernHeaders('tools/call', tool)),
      ...(way.needs === 'session' && session),
    },
    body: way.body && JSON.stringify(way.body(tool)),
  };
}

/** What reached the upstream of a call of this tool. */
export const reached = ({ rogue }: Scene, tool: string) =>
  rogue.hits.filter(({ text }) => text.includes(`"${tool}"`));
