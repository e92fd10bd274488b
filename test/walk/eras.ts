// What the eras make of one neutral message on the wire, by the tables of the specification: what is sent by the
// two peers, and what each of them must find.
import { madeBy } from '../fixtures/made-by.ts';
import type { Era } from './leg.ts';

export type Json = Record<string, unknown>;

export const CLIENT = { name: 'walker', version: '1' };
export const SERVER = { name: 'walked', version: '1' };
/** The gateway, where it speaks for itself. */
export const GATEWAY = { name: 'sluice', version: '…' };
export const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
export const STATELESS = '2026-07-28';

const PREFIX = 'io.modelcontextprotocol';
const CACHEABLE = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'server/discover',
]);

/** A request in words of no era. */
export interface Call {
  readonly method: string;
  readonly params?: Json | undefined;
  readonly token?: unknown;
  readonly level?: string | undefined;
}

/** The params of a request as a client of the era sends them, or as a server of the era must find them. */
export function paramsOf(era: Era, { params, token, level }: Call, capabilities: Json): Json | undefined {
  const meta = {
    ...(params?._meta as Json | undefined),
    ...(era === '2026' && envelope(capabilities, level)),
    ...(token !== undefined && { progressToken: token }),
  };
  if (Object.keys(meta).length === 0) return params;
  return { ...params, _meta: meta };
}

function envelope(capabilities: Json, level: string | undefined): Json {
  return {
    [`${PREFIX}/protocolVersion`]: STATELESS,
    [`${PREFIX}/clientInfo`]: CLIENT,
    [`${PREFIX}/clientCapabilities`]: capabilities,
    ...(level !== undefined && { [`${PREFIX}/logLevel`]: level }),
  };
}

/** The capabilities of a client as its era declares them: `roots` changes by itself in one of them alone. */
export function declaredIn(era: Era, capabilities: Json): Json {
  if (era === '2025' || !('roots' in capabilities)) return capabilities;
  return { ...capabilities, roots: {} };
}

/** The result as a server of the era writes it. */
export function answered(era: Era, method: string, value: Json): Json {
  const { ttlMs, cacheScope, ...rest } = value;
  if (era === '2025') return rest;
  const caching = CACHEABLE.has(method) && { ttlMs: ttlMs ?? 0, cacheScope: cacheScope ?? 'private' };
  return { resultType: 'complete', ...rest, ...caching };
}

/** The same as a client of the era must find it. What one era alone knows has no way through the other. */
export function received(client: Era, upstream: Era, method: string, value: Json): Json {
  const { ttlMs: _ttl, cacheScope: _scope, ...rest } = value;
  if (upstream === '2026') return answered(client, method, value);
  const told = answered(client, method, rest);
  // Since 2026 each result says who made it; a server of 2025 has said so in its greeting.
  return client === '2026' ? madeBy(SERVER, told) : told;
}

/** What a server of the era says of itself. */
export function hello(era: Era, capabilities: Json, version: string, instructions: string | undefined): Json {
  const told = instructions !== undefined && { instructions };
  if (era === '2025') return { protocolVersion: version, capabilities, serverInfo: SERVER, ...told };
  return {
    resultType: 'complete',
    supportedVersions: [STATELESS],
    capabilities,
    ...told,
    _meta: { [`${PREFIX}/serverInfo`]: SERVER },
    ttlMs: 0,
    cacheScope: 'private',
  };
}

export interface Question {
  readonly method: string;
  readonly params?: Json | undefined;
}

/** A question as it reaches a client of the era: 2025 names those that lead to a page, 2026 has no use for it. */
export function questionOf(era: Era, { method, params }: Question, elicitationId: unknown): Question {
  if (params?.mode !== 'url' || era === '2026') return { method, ...(params && { params }) };
  return { method, params: { ...params, elicitationId } };
}

export const text = (message: Json): string => JSON.stringify({ jsonrpc: '2.0', ...message });
