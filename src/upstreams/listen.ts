// A subscriptions/listen exchange at one upstream, for as long as the client wants it: over lost connections,
// restarts and sessions, in either era. After a gap the client is told that everything may have changed.

import { errorResult, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { GRACEFUL } from '../core/graceful.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { pause } from '../lib/pause.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { McpNotification, McpRequest, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Link } from './link.ts';
import { type Filter, filterObject, honoured, LIST_NOTES, type Watchers } from './watch.ts';

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

export interface Listening {
  readonly upstream: string;
  readonly host: Host;
  acquire(x: Exchange): Promise<Link>;
  /** Initialize era. */
  watchers(link: Link): {
    readonly watchers: Watchers;
    readonly owner: boolean;
    readonly ended: Promise<void>;
  };
  /** Stateless era: the listen request itself. */
  carry(link: Link, x: Exchange, emit: Emit): Promise<McpResult>;
  level(link: Link, x: Exchange): Promise<void>;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export async function listen(x: Exchange, emit: Emit, on: Listening): Promise<McpResult> {
  let link: Link | undefined;
  const out = acknowledgingOnce(x, emit, (id) => (link ? taskNow(id, link, x, on) : undefined));
  let wait = FIRST_WAIT;
  while (!x.signal.aborted) {
    try {
      link = await on.acquire(x);
      await on.level(link, x);
      const before = performance.now();
      if (link.era === '2025') await watch(link, x, out.emit, on);
      else if ((await on.carry(link, x, out.emit)).kind === 'error') await out.nothing();
      if (performance.now() - before > LONGEST_WAIT) wait = FIRST_WAIT;
    } catch (error) {
      on.host.log.debug('listening broke off', { upstream: on.upstream, error: messageOf(error) });
      await out.nothing();
    }
    // Those that lost the same server do not come back together.
    await pause(wait * (0.5 + (on.host.random ?? Math.random)() / 2), x.signal).catch(() => {});
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  return x.signal.reason === GRACEFUL ? McpResult.complete({}) : errorResult('CANCELLED');
}

async function watch(link: Link, x: Exchange, emit: Emit, on: Listening): Promise<void> {
  const { watchers, owner, ended } = on.watchers(link);
  const early: McpNotification[] = [];
  let open = false;
  const hear: Emit = (note) => (open ? emit(note) : void early.push(note));
  const adding = watchers.add(honoured(x, link.hello.capabilities), hear, owner);
  const { filter, remove } = await unlessAborted(adding, x.signal).catch((error: unknown) => {
    void adding.then((added) => added.remove());
    throw error;
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  x.signal.addEventListener('abort', stop, { once: true });
  if (x.signal.aborted) stop();
  try {
    await emit(acknowledgement(filterObject(filter)));
    for (let note = early.shift(); note; note = early.shift()) await emit(note);
    open = true;
    await Promise.race([promise, ended]);
  } finally {
    x.signal.removeEventListener('abort', stop);
    remove();
  }
}

export function acknowledgement(notifications: RawObject): McpNotification {
  return new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications }));
}

/** What a task has come to, as the event that may have been missed. */
async function taskNow(
  taskId: string,
  link: Link,
  x: Exchange,
  on: Listening,
): Promise<McpNotification | undefined> {
  const params = RawObject.of({ taskId }).with({ _meta: x.request.raw?.object('_meta') });
  const leg = x.fork(on.upstream, new McpRequest('tasks/get', params));
  const { kind, raw } = await on.carry(link, leg, () => undefined);
  return kind === 'complete'
    ? new McpNotification('notifications/tasks', raw.with({ resultType: undefined, _meta: undefined }))
    : undefined;
}

/** Lets one acknowledgement through; a later one means a gap, so the client hears of possible changes instead. */
function acknowledgingOnce(
  x: Exchange,
  emit: Emit,
  taskNow: (id: string) => Promise<McpNotification | undefined> | undefined,
) {
  let done = false;
  const changes = async (note: McpNotification): Promise<(McpNotification | undefined)[]> => {
    const filter: Filter = honouredOf(note);
    const lists = [...filter.lists].map((member) => McpNotification.of(LIST_NOTES[member] ?? '', {}));
    const uris = [...filter.uris].map((uri) =>
      McpNotification.of('notifications/resources/updated', { uri }),
    );
    const taskIds = stringsOf(note, 'taskIds');
    return [...lists, ...uris, ...(await Promise.all(taskIds.map(taskNow)))];
  };
  return {
    emit(note: McpNotification): Promise<void> | undefined {
      if (note.method !== ACKNOWLEDGED || x.signal.aborted) return emit(note);
      if (!done) {
        done = true;
        return emit(note);
      }
      return changes(note)
        .then((missed) => Promise.all(missed.map((each) => each && emit(each))))
        .then(() => undefined);
    },
    /** The upstream tells nothing, at least for now. */
    async nothing(): Promise<void> {
      if (done || x.signal.aborted) return;
      done = true;
      await emit(acknowledgement(RawObject.of({})));
    },
  };
}

function honouredOf(note: McpNotification): Filter {
  const filter = note.raw?.object('notifications');
  return {
    lists: new Set(Object.keys(LIST_NOTES).filter((member) => filter?.get(member) === true)),
    uris: new Set(stringsOf(note, 'resourceSubscriptions')),
  };
}

function stringsOf(note: McpNotification, member: string): string[] {
  const values = note.raw?.object('notifications')?.get(member);
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
}
