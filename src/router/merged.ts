// One list of the lists of several upstreams. Who cannot give its own in time is left out; an empty list would say
// that there is nothing, so where nobody can, that is the answer.

import { errorResult, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { McpResult } from '../protocol/message.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { inTime, type Whole } from './in-time.ts';
import { listAll } from './list.ts';
import { joined } from './merge.ts';
import type { Offering, Part } from './offering.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';

interface Missing {
  readonly upstream: string;
  readonly why: string;
}

/** @param tasks names them */
export async function mergedList(
  kind: ListKind,
  sources: readonly Source[],
  x: Exchange,
  whole: Whole,
  offering: Offering,
  tasks: TaskNames,
): Promise<McpResult> {
  // The whole has one page, so no cursor was ever given out.
  if ((x.request.raw?.get('cursor') ?? null) !== null)
    return errorResult('PARAMS_INVALID', 'Unknown cursor: this list has one page.');
  const bare = x.request.with({ cursor: undefined });
  const named = (items: readonly RawObject[], upstream: string): readonly RawObject[] =>
    items.map((item) =>
      item.with({ taskId: tasks.outward({ upstream, id: item.string('taskId') ?? '' }, x) }),
    );
  const shareOf = (source: Source): Promise<Part | Missing> =>
    inTime(source.name, whole, (signal) => listAll(source, kind, x.fork('', bare, signal))).then(
      (items) => ({ upstream: source.name, items: kind === 'tasks' ? named(items, source.name) : items }),
      (error: unknown) => ({ upstream: source.name, why: messageOf(error) }),
    );
  const shares = await Promise.all(sources.map(shareOf));
  if (x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  const parts = shares.filter((share) => 'items' in share);
  const missing = shares.filter((share) => 'why' in share);
  for (const { upstream, why } of missing)
    whole.host.log.warn('left out of the list', { requestId: x.id, upstream, list: kind, error: why });
  if (parts.length === 0 && missing.length > 0) return nobodyThere(kind, missing, x);
  if (kind === 'tasks')
    return McpResult.complete(
      joined(
        kind,
        parts.flatMap(({ items }) => items),
      ),
    );
  return McpResult.complete(
    joined(
      kind,
      offering.offered(kind, parts, x).map(({ item }) => item),
    ),
  );
}

function nobodyThere(kind: ListKind, missing: readonly Missing[], x: Exchange): McpResult {
  const told = missing.map(({ upstream, why }) => `${upstream} (${why})`).join(', ');
  return errorResult('UPSTREAM_UNAVAILABLE', `No upstream could give its list of ${kind}: ${told}`, {
    upstreams: missing.map(({ upstream }) => upstream),
    requestId: x.id,
  });
}
