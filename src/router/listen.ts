// One subscription over several upstreams: one acknowledgement for all, then events as they come.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { tellableLists } from './discover.ts';
import type { Whole } from './in-time.ts';
import type { Source } from './source.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
/** Upstreams that have not acknowledged in time join later. */
export async function listenAll(
  sources: readonly Source[],
  x: Exchange,
  emit: Emit,
  whole: Whole,
): Promise<McpResult> {
  const acks: RawObject[] = [];
  const early: McpNotification[] = [];
  const everybody = Promise.withResolvers<void>();
  const silent = new Set(sources);
  const heard = (source: Source): void => {
    silent.delete(source);
    if (silent.size === 0) everybody.resolve();
  };
  let open = false;
  const legs = sources.map((source) =>
    source
      .handle(x.fork(source.name, x.request), (note) => {
        if (note.method !== ACKNOWLEDGED) return open ? emit(note) : void early.push(note);
        acks.push(note.raw?.object('notifications') ?? RawObject.of({}));
        heard(source);
        return undefined;
      })
      // One that was refused, or whose caller is gone already, will not acknowledge any more.
      .finally(() => heard(source)),
  );
  const tellable = tellableLists(sources, x, whole);
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

function askedOf(x: Exchange, lists: readonly string[]): string[] {
  const asked = x.request.raw?.object('notifications');
  return lists.filter((list) => asked?.get(list) === true);
}

function honouredByAny(acks: readonly RawObject[], own: readonly string[]): RawObject {
  const flags: Record<string, true> = Object.fromEntries(own.map((list) => [list, true]));
  const uris = new Set<string>();
  for (const ack of acks) {
    for (const key of ack.keys()) if (ack.get(key) === true) flags[key] = true;
    const watched = ack.get('resourceSubscriptions');
    if (Array.isArray(watched)) for (const uri of watched) uris.add(String(uri));
  }
  return RawObject.of({ ...flags, ...(uris.size > 0 ? { resourceSubscriptions: [...uris] } : {}) });
}
