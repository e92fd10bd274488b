// How long a result may be kept, and by whom, as it says itself (2026-07-28 server/utilities/caching). Data only.

import { type McpResult, META } from './message.ts';
import { methodRow } from './methods.ts';
import type { RawObject } from './raw.ts';

export type Scope = 'public' | 'private';

export interface Hints {
  /** Milliseconds since it was received; 0 is stale at once. */
  readonly ttlMs: number;
  readonly scope: Scope;
}

/** Members of `_meta` that say nothing of what is asked: those of the revision, and those that trace a call. */
export const BESIDE: Readonly<Record<string, undefined>> = {
  [META.protocolVersion]: undefined,
  [META.clientInfo]: undefined,
  [META.clientCapabilities]: undefined,
  [META.logLevel]: undefined,
  [META.progressToken]: undefined,
  traceparent: undefined,
  tracestate: undefined,
  baggage: undefined,
};

/** What a result says. A time that is none counts as 0, anything but `public` as private. */
export function hintsOf(raw: RawObject): Hints {
  const ttl = raw.get('ttlMs');
  return {
    ttlMs: typeof ttl === 'number' && Number.isSafeInteger(ttl) && ttl > 0 ? ttl : 0,
    scope: raw.string('cacheScope') === 'public' ? 'public' : 'private',
  };
}

export function withHints(raw: RawObject, { ttlMs, scope }: Hints): RawObject {
  return raw.with({ ttlMs, cacheScope: scope });
}

/** Without hints. */
export function withoutHints(raw: RawObject): RawObject {
  return raw.with({ ttlMs: undefined, cacheScope: undefined });
}

/** Replaces hints that are none, and leaves alone those that are, or are not there. */
export function withSoundHints(raw: RawObject): RawObject {
  const { ttlMs, scope } = hintsOf(raw);
  const isTime = !raw.has('ttlMs') || raw.get('ttlMs') === ttlMs;
  const isScope = !raw.has('cacheScope') || raw.string('cacheScope') === scope;
  if (isTime && isScope) return raw;
  return raw.with({ ...(isTime ? {} : { ttlMs }), ...(isScope ? {} : { cacheScope: scope }) });
}

/** A result that was changed on its way, maybe for its caller: what was everybody's is not any more. */
export function forOneCaller(method: string, result: McpResult): McpResult {
  const isPublic = methodRow(method)?.cacheable === true && result.raw.string('cacheScope') === 'public';
  return isPublic && result.kind === 'complete' ? result.with({ cacheScope: 'private' }) : result;
}
