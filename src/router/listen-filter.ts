// What a subscription asks of each upstream, and what all of them honour together.

import type { Exchange } from '../core/exchange.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';

/** Upstreams at which a resource is to be watched. */
export type WatchedAt = (uri: string, x: Exchange) => Promise<readonly string[]>;

export interface Asked {
  readonly source: Source;
  /** Undefined where nothing of what is asked for is this upstream's. */
  readonly filter: RawObject | undefined;
  /** The tools that made its tasks, by the upstream's ids. */
  readonly made: ReadonlyMap<string, string | undefined>;
}

/** The filter in parts: tasks and resources go to those alone who have them, and only those of this caller. */
export async function filtersOf(
  x: Exchange,
  sources: readonly Source[],
  tasks: TaskNames,
  watchedAt: WatchedAt,
): Promise<Asked[]> {
  const filter = x.request.raw?.object('notifications') ?? RawObject.of({});
  const uris = strings(filter, 'resourceSubscriptions');
  const places = await Promise.all(uris.map((uri) => watchedAt(uri, x)));
  const names = strings(filter, 'taskIds');
  return sources.map((source) => {
    const own = uris.filter((_, i) => places[i]?.includes(source.name));
    const made = new Map(
      names
        .map((name) => tasks.inward(name, x))
        .flatMap((task) => (task?.upstream === source.name ? [[task.id, task.tool]] : [])),
    );
    const part = filter.with({
      resourceSubscriptions: own.length > 0 ? own : undefined,
      taskIds: made.size > 0 ? [...made.keys()] : undefined,
    });
    const isAsked = part.keys().length > 0 || filter.keys().length === 0;
    return { source, filter: isAsked ? part : undefined, made };
  });
}

/** What an upstream honours, with its tasks under the names of this gateway. */
export function withTaskNames(ack: RawObject, outward: (id: string) => string | undefined): RawObject {
  if (!ack.has('taskIds')) return ack;
  const names = strings(ack, 'taskIds').map(outward);
  return ack.with({ taskIds: names.filter((name) => name !== undefined) });
}

/** @param own lists of which the gateway itself can tell */
export function honouredByAny(acks: readonly RawObject[], own: readonly string[]): RawObject {
  const flags: Record<string, true> = Object.fromEntries(own.map((list) => [list, true]));
  for (const ack of acks) for (const key of ack.keys()) if (ack.get(key) === true) flags[key] = true;
  const uris = [...new Set(acks.flatMap((ack) => strings(ack, 'resourceSubscriptions')))];
  const taskIds = [...new Set(acks.flatMap((ack) => strings(ack, 'taskIds')))];
  return RawObject.of({
    ...flags,
    ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    ...(taskIds.length > 0 ? { taskIds } : {}),
  });
}

function strings(object: RawObject, key: string): string[] {
  const values = object.get(key);
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
}
