// A gateway that lets in whom two issuers know, on plain TCP and on TLS, before an upstream that counts what reaches
// it; and every way in, as a request of somebody who is let in.
import auth from '../../plugins/auth.ts';
import type { AnyPlugin } from '../../src/core/plugin.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Claims, type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { initialize, modern, modernHeaders } from '../fixtures/raw.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';
import { secured } from '../fixtures/secured.ts';
import { type Answer, POST_HEADERS, post, send } from '../fixtures/wire.ts';
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
  close(...answers: Answer[]): void;
}

const RULES = [{ methods: ['tools/call'], names: ['delete_*'], scopes: [ADMIN] }];

export async function startScene(
  plugins: Record<string, AnyPlugin> = {},
  above: unknown[] = [],
): Promise<Scene> {
  const [issuer, other] = await Promise.all([startIssuer(), startIssuer()]);
  const rogue = await startRogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const on = secured();
  const [overTls] = on.listeners({}, { url: PUBLIC }).listeners;
  const known = { audiences: undefined, claims: { tenant: 'tid' } };
  const issuers = [
    { issuer: issuer.url, name: 'one', ...known },
    { issuer: other.url, name: 'two', ...known },
  ];
  const gateway = await startInProcess(
    configOf(
      { up: { url: rogue.url } },
      {
        listeners: [{ http: { listen: '127.0.0.1:0', url: PUBLIC } }, overTls],
        pipeline: [...above, { auth: { issuers, scopes: [SCOPE], rules: RULES } }],
      },
    ),
    { plugins: { auth, ...plugins } },
  );
  const [plain = '', tls = ''] = gateway.gateway
    .report()
    .listeners.map(({ urls }) => new URL(urls[0] ?? '').origin);
  const token = (claims: Claims = {}, header: Claims = {}): Promise<string> =>
    issuer.token({ aud: AUDIENCES, scope: SCOPE, tid: 'acme', ...claims }, header);
  const good = await token();
  const authorization = { authorization: `Bearer ${good}` };
  const open: Answer[] = [];
  return {
    gateway,
    rogue,
    issuer,
    other,
    plain,
    tls,
    token,
    good,
    async session() {
      const hello = await post(`${plain}/mcp`, initialize('2025-11-25'), authorization);
      await hello.text();
      const headers = {
        'mcp-session-id': String(hello.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      };
      const told = { jsonrpc: '2.0', method: 'notifications/initialized' };
      await (await post(`${plain}/mcp`, told, { ...authorization, ...headers })).text();
      return headers;
    },
    async place() {
      const headers = { accept: 'text/event-stream', ...authorization };
      const stream = await send(`${plain}/sse`, { method: 'GET', headers });
      open.push(stream);
      const place = new URL((await stream.data()) ?? '', plain);
      await (await post(place.href, initialize('2024-11-05'), authorization)).text();
      await stream.message();
      return place.pathname + place.search;
    },
    close: (...answers) => open.push(...answers),
    async [Symbol.asyncDispose]() {
      for (const each of open) each.drop();
      await gateway.stop();
      await Promise.all([rogue.stop(), issuer[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
      on[Symbol.dispose]();
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

const stream = { accept: 'text/event-stream' };
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
  { name: 'GET of HTTP+SSE', method: 'GET', path: '/sse', headers: stream, good: 200, calls: false },
  { ...call, name: 'a call of 2025', needs: 'session' },
  { ...call, name: 'a call of 2025 over TLS', needs: 'session', isTls: true },
  { name: 'GET', method: 'GET', path: '/mcp', needs: 'session', headers: stream, good: 200, calls: false },
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
export function come(
  { plain, tls, good }: Scene,
  way: Way,
  tool: string,
  { session = {}, place = '' }: Known = {},
  change: Change = {},
): Promise<Said> {
  const { proof = [`Authorization: Bearer ${good}`], lines = [], without = [] } = change;
  const headers: Record<string, string> = {
    host: new URL(way.isTls ? tls : plain).host,
    ...(way.body && POST_HEADERS),
    ...way.headers,
    ...(way.isModern && modernHeaders('tools/call', tool)),
    ...(way.needs === 'session' && session),
  };
  const target = way.needs === 'place' ? place : way.path;
  const text = way.body && JSON.stringify(way.body(tool));
  return speak({
    origin: way.isTls ? tls : plain,
    method: change.method ?? way.method,
    target: change.target?.(target) ?? target,
    lines: [
      ...Object.entries(headers).flatMap(([name, value]) =>
        without.includes(name) ? [] : `${name}: ${value}`,
      ),
      ...proof,
      ...lines,
    ],
    body: text === undefined ? undefined : (change.body?.(text) ?? text),
  });
}

/** What reached the upstream of a call of this tool. */
export const reached = ({ rogue }: Scene, tool: string) =>
  rogue.hits.filter(({ text }) => text.includes(`"${tool}"`));
