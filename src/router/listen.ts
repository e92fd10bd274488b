// One subscription over several upstreams: one acknowledgement for all, then events as they come. Resources are
// watched at their owners alone; that a list has changed is told when the caller's view of it has.

import { type ErrorName, errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { GRACEFUL } from '../core/graceful.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { noteWithTasks } from '../protocol/task-messages.ts';
import { type Changes, listOfNote, listsOf } from './changes.ts';
import { type Greet, tellableLists } from './discover.ts';
import type { Whole } from './in-time.ts';
import { filtersOf, honouredByAny, type WatchedAt, withTaskNames } from './listen-filter.ts';
import type { Offering } from './offering.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';

const UPDATED = 'notifications/resources/updated';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

export interface Listening {
  readonly sources: readonly Source[];
  readonly offering: Offering;
  readonly changes: Changes;
  readonly tasks: TaskNames;
  readonly greet: Greet;
  /** Why it cannot be reached, if it cannot: then nobody waits for its acknowledgement. */
  whyAway(source: Source, x: Exchange): Promise<ErrorName | undefined>;
  readonly watchedAt: WatchedAt;
  /** Events held until the client has its acknowledgement. */
  readonly most: () => number;
}

/** Upstreams that have not acknowledged in time join later. */
export async function listenAll(
  x: Exchange,
  emit: Emit,
  whole: Whole,
  { sources, offering, changes, tasks, greet, whyAway, watchedAt, most }: Listening,
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
  /** A server that tells too much before the client can be told anything is made to wait, as by a slow client. */
  const room = Promise.withResolvers<void>();
  const tell = (note: McpNotification): Promise<void> | undefined => {
    if (open) return emit(note);
    if (early.length < most()) return void early.push(note);
    whole.host.metrics.limitHits.inc({ limit: 'events' });
    return room.promise.then(() => emit(note));
  };
  const asked = x.request.raw?.object('notifications');
  const members = listsOf((member) => asked?.get(member) === true);
  const watch = changes.watch(x, members, (note) => void tell(note));
  x.signal.addEventListener('abort', watch.close, { once: true });
  if (x.signal.aborted) watch.close();
  /** A server may tell of what lies below a resource that is watched, so each URI is judged by itself. */
  const mayHear = ({ method, raw }: McpNotification, { name: upstream }: Source): boolean => {
    const uri = method === UPDATED ? raw?.string('uri') : undefined;
    return uri === undefined || offering.sees('resources', { upstream, own: uri, name: uri }, x);
  };
  const legs = (await filtersOf(x, sources, tasks, watchedAt)).map(({ source, filter, made }) => {
    if (!filter) return heard(source);
    const request = x.request.with({ notifications: filter });
    void whyAway(source, x).then((why) => {
      // One that is only slow, as a process that starts, may yet watch what nobody else can.
      const isSlow = why === 'UPSTREAM_TIMEOUT' && filter.has('resourceSubscriptions');
      if (why !== undefined && !isSlow) heard(source);
    });
    const outward = (id: string) => tasks.outward({ upstream: source.name, id, tool: made.get(id) }, x);
    return (
      source
        .handle(x.fork(source.name, request), (note) => {
          const member = listOfNote(note);
          if (member) return void watch.heard(source, [member]);
          if (note.method === ACKNOWLEDGED) {
            // One that was not there may have brought other lists.
            if (open) return void watch.heard(source, members);
            acks.push(withTaskNames(note.raw?.object('notifications') ?? RawObject.of({}), outward));
            return heard(source);
          }
          if (!mayHear(note, source)) return undefined;
          const told = noteWithTasks(note, outward);
          return told && tell(told);
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
  const own = (await tellable).filter((list) => asked?.get(list) === true);
  const notifications = honouredByAny(acks, own);
  await emit(new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications })));
  // What came first goes first, also while a slow client takes it.
  for (let note = early.shift(); note; note = early.shift()) await emit(note);
  open = true;
  room.resolve();
  const results = (await Promise.all(legs)).filter((result) => result !== undefined);
  const end = results.find(({ kind }) => kind === 'complete') ?? results[0] ?? (await untilOver(x.signal));
  watch.close();
  return end;
}

/** Nobody has anything of what it is about; it is open all the same. */
async function untilOver(signal: AbortSignal): Promise<McpResult> {
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return signal.reason === GRACEFUL ? McpResult.complete({}) : errorResult('CANCELLED');
}
