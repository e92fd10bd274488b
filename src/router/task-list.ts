// One list of the tasks of several upstreams, each of them under a name of this gateway. Nothing of it is kept.

import { asGatewayError, errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { inTime, type Whole } from './in-time.ts';
import { listAll } from './list.ts';
import { joined } from './merge.ts';
import { nobodyThere } from './merged.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';
import type { Missing } from './views.ts';

export async function taskList(
  sources: readonly Source[],
  x: Exchange,
  whole: Whole,
  tasks: TaskNames,
): Promise<McpResult> {
  // The whole has one page, so no cursor was ever given out.
  if ((x.request.raw?.get('cursor') ?? null) !== null)
    return errorResult('PARAMS_INVALID', 'Unknown cursor: this list has one page.');
  const named = (item: RawObject, upstream: string): RawObject =>
    item.with({ taskId: tasks.outward({ upstream, id: item.string('taskId') ?? '' }, x) });
  const shareOf = (source: Source): Promise<readonly RawObject[] | Missing> =>
    inTime(source.name, whole, (signal) => listAll(source, 'tasks', x, signal)).then(
      ({ items }) => items.map((item) => named(item, source.name)),
      (error: unknown) => ({ upstream: source.name, error: asGatewayError(error) }),
    );
  const shares = await Promise.all(sources.map(shareOf));
  if (x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  const missing = shares.filter((share) => 'error' in share);
  for (const { upstream, error } of missing)
    whole.host.log.warn('left out of the list', {
      requestId: x.id,
      upstream,
      list: 'tasks',
      error: error.message,
    });
  if (missing.length > 0 && missing.length === shares.length) return nobodyThere('tasks', missing, x);
  return McpResult.complete(
    joined(
      'tasks',
      shares.flatMap((share) => ('error' in share ? [] : share)),
    ),
  );
}
