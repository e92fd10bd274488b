// One subscription over several upstreams: one acknowledgement for all, then events as they come.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification, type McpRequest, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { noteWithTasks } from '../protocol/task-messages.ts';
import { type Greet, tellableLists } from './discover.ts';
import type { Whole } from './in-time.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
/** Upstreams that have not acknowledged in time join later. */
export async function listenAll(
  sources: readonly Source[],
  x: Exchange,
  emit: Emit,
  whole: Whole,
  tasks: TaskNames,
  greet: Greet,
): Promise<McpResult> {
  const acks: RawObject[] = [];
  const early: McpNotification[] = [];
  const everybody = Promise.withResolvers<void>();
  const silent = new Set(sources);
  const heard = (source: Source): undefined => {
    silent.delete(source);
    if (silent.size === 0) everybody.resolve();
  };
  let open = false;
  const legs = sources.map((source) => {
    const outward = (id: string) => tasks.outward({ upstream: source.name, id }, x);
    return (
      source
        .handle(x.fork(source.name, withOwnTasks(x, source, tasks)), (note) => {
          if (note.method === ACKNOWLEDGED) {
            acks.push(named(note.raw?.object('notifications') ?? RawObject.of({}), outward));
            return heard(source);
          }
          const told = noteWithTasks(note, outward);
          if (told === undefined) return undefined;
          return open ? emit(told) : void early.push(told);
        })
        // One that was refused, or whose caller is gone already, will not acknowledge any more.
        .finally(() => heard(source))
    );
  });
  const tellable = tellableLists(sources, x, greet);
  const timer = setTimeout(everybody.resolve, whole.patience);
  x.signal.addEventListener('abort', () => everybody.resolve(), { once: true });
  await everybody.promise;
  clearTimeout(timer);
  const lists = await tellable;
  await emit(
    new McpNotification(
      ACKNOWLEDGED,
      RawObject.of({}).with({ notifications: honouredByAny(acks, askedOf(x, lists)) }),
    ),
  );
  // What came first goes first, also while a slow client takes it.
  for (let note = early.shift(); note; note = early.shift()) await emit(note);
  open = true;
  const results = await Promise.all(legs);
  return results.find(({ kind }) => kind === 'complete') ?? results[0] ?? McpResult.complete({});
}

/** The request with those of its tasks that are the caller's and live at this upstream. */
function withOwnTasks(x: Exchange, { name: upstream }: Source, tasks: TaskNames): McpRequest {
  const filter = x.request.raw?.object('notifications');
  if (!filter?.has('taskIds')) return x.request;
  const own = strings(filter, 'taskIds')
    .map((name) => tasks.inward(name, x))
    .flatMap((task) => (task?.upstream === upstream ? [task.id] : []));
  return x.request.with({ notifications: filter.with({ taskIds: own.length > 0 ? own : undefined }) });
}

function named(ack: RawObject, outward: (id: string) => string | undefined): RawObject {
  if (!ack.has('taskIds')) return ack;
  const names = strings(ack, 'taskIds').map(outward);
  return ack.with({ taskIds: names.filter((name) => name !== undefined) });
}

function strings(object: RawObject, key: string): string[] {
  const values = object.get(key);
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
}

function askedOf(x: Exchange, lists: readonly string[]): string[] {
  const asked = x.request.raw?.object('notifications');
  return lists.filter((list) => asked?.get(list) === true);
}

function honouredByAny(acks: readonly RawObject[], own: readonly string[]): RawObject {
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
