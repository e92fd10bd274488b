// One subscription over several upstreams: one acknowledgement for all, then events as they come.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
/** Upstreams that have not acknowledged by then join later. */
const ACK_MS = 5_000;

/** @param lists of whose changes the gateway itself can tell */
export async function listenAll(
  sources: readonly Source[],
  x: Exchange,
  emit: Emit,
  lists: readonly string[],
): Promise<McpResult> {
  const acks: RawObject[] = [];
  const early: McpNotification[] = [];
  const everybody = Promise.withResolvers<void>();
  let open = false;
  const legs = sources.map((source) =>
    source.handle(x.fork(source.name, x.request), (note) => {
      if (note.method !== ACKNOWLEDGED) return open ? emit(note) : void early.push(note);
      acks.push(note.raw?.object('notifications') ?? RawObject.of({}));
      if (acks.length === sources.length) everybody.resolve();
      return undefined;
    }),
  );
  const timer = setTimeout(everybody.resolve, ACK_MS);
  x.signal.addEventListener('abort', () => everybody.resolve(), { once: true });
  await everybody.promise;
  clearTimeout(timer);
  await emit(new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications: honouredByAny(acks, askedOf(x, lists)) })));
  open = true;
  for (const note of early.splice(0)) await emit(note);
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
