// One list of the lists of several upstreams. Who cannot give its own in time is left out, or stands there as it
// was; an empty list would say that there is nothing, so where nobody can, that is the answer.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Log } from '../core/log.ts';
import { type Changes, McpResult } from '../protocol/message.ts';
import { joined } from './merge.ts';
import type { OfferKind } from './offering.ts';
import type { Missing, Views } from './views.ts';

export async function mergedList(kind: OfferKind, x: Exchange, views: Views, log: Log): Promise<McpResult> {
  // The whole has one page, so no cursor was ever given out.
  if ((x.request.raw?.get('cursor') ?? null) !== null)
    return errorResult('PARAMS_INVALID', 'Unknown cursor: this list has one page.');
  const seen = await views.see(kind, x, 0).catch(() => undefined);
  if (!seen || x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  const { view, missing, stale, ttl, isPublic } = seen;
  for (const { upstream, error } of missing)
    log.warn('left out of the list', { requestId: x.id, upstream, list: kind, error: error.message });
  for (const { upstream, error } of stale)
    log.info('listed as it was before', { requestId: x.id, upstream, list: kind, error: error.message });
  if (view.offered.length === 0 && missing.length === views.size) return nobodyThere(kind, missing, x);
  const list = joined(
    kind,
    view.offered.map(({ item }) => item),
  );
  return McpResult.complete(list.with(hints(ttl, isPublic)));
}

/** What says nothing is left to the codec: it is stale at once, and for nobody else. */
function hints(ttl: number, isPublic: boolean): Changes {
  if (ttl < 1 && !isPublic) return {};
  return {
    resultType: 'complete',
    ttlMs: Math.floor(ttl),
    cacheScope: isPublic ? 'public' : 'private',
  };
}

export function nobodyThere(kind: string, missing: readonly Missing[], x: Exchange): McpResult {
  const told = missing.map(({ upstream, error }) => `${upstream} (${error.message})`).join(', ');
  return errorResult('UPSTREAM_UNAVAILABLE', `No upstream could give its list of ${kind}: ${told}`, {
    upstreams: missing.map(({ upstream }) => upstream),
    requestId: x.id,
  });
}
