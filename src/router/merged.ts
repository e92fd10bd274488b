// One list of the lists of several upstreams, in pages. Who cannot give its own in time is left out, or stands there
// as it was, and the answer says so; an empty list would say that there is nothing, so where nobody can, that is the
// answer.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { Seal } from '../lib/seal.ts';
import { McpResult, type Changes as Members } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Changes } from './changes.ts';
import { cursorAt, type Place, placeOf, resumeAt, type Scope } from './cursor.ts';
import { joined } from './merge.ts';
import { type Offering, type OfferKind, visible } from './offering.ts';
import type { Missing, Seen, Views } from './views.ts';

/** Members of a result's `_meta`: upstreams that are not in it, and those that stand there as they were. */
const MISSING = 'dev.sluice/missing';
export const STALE = 'dev.sluice/stale';

export interface PageLimits {
  /** Most items of a page. */
  readonly page: number;
  /** How long a cursor is good, milliseconds. */
  readonly cursor: number;
}

export interface Merging {
  readonly views: Views;
  readonly offering: Offering;
  /** Is told what callers have been shown. */
  readonly changes: Pick<Changes, 'shown'>;
  /** In the order of the configuration. */
  readonly upstreams: readonly string[];
  readonly seal: Seal;
  readonly limits: () => PageLimits;
  readonly host: Host;
}

export async function mergedList(kind: OfferKind, x: Exchange, merging: Merging): Promise<McpResult> {
  const { views, offering, changes, host, seal, limits } = merging;
  const scope: Scope = { kind, offering: `${offering.id} ${offering.key(x)}` };
  const cursor = x.request.raw?.get('cursor') ?? undefined;
  let place: Place | undefined;
  if (cursor !== undefined) {
    const bornAfter = host.now() - limits().cursor;
    place = typeof cursor === 'string' ? placeOf(cursor, scope, x, seal, bornAfter) : undefined;
    if (!place) return badCursor();
  }
  const seen = await views.see(kind, x, { maxAge: 0 }).catch(() => undefined);
  if (!seen || x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  changes.shown(kind, x, seen);
  log(kind, seen, x, host);
  if (seen.missing.length === views.sources.length) return nobodyThere(kind, seen.missing, x);
  return page(kind, seen, place, scope, x, merging);
}

function page(
  kind: OfferKind,
  seen: Seen,
  place: Place | undefined,
  scope: Scope,
  x: Exchange,
  { upstreams, offering, seal, limits, host }: Merging,
): McpResult {
  const offered = visible(kind, seen.view.offered, x, offering);
  // Pages of one list share one scope (2026-07-28 server/utilities/caching); a page that may not begins it anew.
  if (place?.isPublic && !seen.isPublic) return badCursor();
  const isPublic = place ? place.isPublic : seen.isPublic;
  const start = place ? resumeAt(offered, place, upstreams) : 0;
  const end = start + limits().page;
  const list = joined(
    kind,
    offered.slice(start, end).map(({ item }) => item),
  );
  const nextCursor =
    end < offered.length ? cursorAt(offered, end, isPublic, scope, x, seal, host.now()) : undefined;
  return McpResult.complete(list.with({ nextCursor, ...hints(seen.ttl, isPublic), ...reported(seen) }));
}

function badCursor(): McpResult {
  return errorResult(
    'PARAMS_INVALID',
    'This cursor is none of this list, or not any more: list again without a cursor.',
  );
}

/** What says nothing is left to the codec: it is stale at once, and for nobody else. */
function hints(ttl: number, isPublic: boolean): Members {
  if (ttl < 1 && !isPublic) return {};
  return { resultType: 'complete', ttlMs: Math.floor(ttl), cacheScope: isPublic ? 'public' : 'private' };
}

/** Who is not in it, and who stands there as it was before. */
function reported({ missing, stale }: Seen): Members {
  if (missing.length + stale.length === 0) return {};
  const told = (all: readonly Missing[]) => all.map(({ upstream, error }) => ({ upstream, why: error.code }));
  return {
    _meta: RawObject.of({
      ...(missing.length > 0 ? { [MISSING]: told(missing) } : {}),
      ...(stale.length > 0 ? { [STALE]: told(stale) } : {}),
    }),
  };
}

function log(list: OfferKind, { missing, stale }: Seen, { id: requestId }: Exchange, { log }: Host): void {
  for (const { upstream, error } of missing)
    log.warn('left out of the list', { requestId, upstream, list, error: error.message });
  for (const { upstream, error } of stale)
    log.info('listed as it was before', { requestId, upstream, list, error: error.message });
}

export function nobodyThere(kind: string, missing: readonly Missing[], x: Exchange): McpResult {
  const told = missing.map(({ upstream, error }) => `${upstream} (${error.message})`).join(', ');
  return errorResult('UPSTREAM_UNAVAILABLE', `No upstream could give its list of ${kind}: ${told}`, {
    upstreams: missing.map(({ upstream }) => upstream),
    requestId: x.id,
  });
}
