// How all limits of an entry stand, for `sluice limits`: of each the keys that are nearest to their end.

import type { JsonObject, JsonValue } from '../../src/plugin.ts';
import type { Held } from './holding.ts';
import type { CountedLimit, HeldLimit, Limits } from './limits.ts';
import type { Seen, SeenKey } from './seen.ts';
import type { Store, Told } from './store.ts';

interface Reported {
  readonly limits: Limits;
  readonly store: Store;
  readonly seen: Seen;
  readonly held: Held;
}

/** Keys of a limit that are told, unless more are asked for. */
const TOLD = 10;
/** Keys that a store is asked for at once. */
const AT_ONCE = 100;

/** @param asked `for`: a principal, alone or as `TENANT/ID`; `most`: so many keys of each limit */
export async function reportOf(
  { limits, store, seen, held }: Reported,
  asked: Readonly<Record<string, string>>,
): Promise<JsonValue> {
  const most = Number(asked.most ?? TOLD) || TOLD;
  const rows: JsonObject[] = [];
  for (const limit of [...limits.counted, ...limits.failures])
    rows.push(await countedRow(limit, store, seen, { who: asked.for, most }));
  for (const limit of limits.held) rows.push(heldRow(limit, seen, held, { who: asked.for, most }));
  return { version: 1, store: lostOf(store), limits: rows };
}

function lostOf({ lost }: Store): JsonObject {
  return lost ? { there: false, since: lost.since, reason: lost.reason } : { there: true };
}

interface Wanted {
  readonly who: string | undefined;
  readonly most: number;
}

async function countedRow(
  limit: CountedLimit,
  store: Store,
  seen: Seen,
  { who, most }: Wanted,
): Promise<JsonObject> {
  const all = [...seen.of(limit.name).keys.values()].filter((key) => who === undefined || isOf(key.who, who));
  const told = await peek(store, all);
  const keys = all
    .flatMap((key) => {
      const one = told.get(key);
      return one ? [{ key, one }] : [];
    })
    .sort((a, b) => a.one.remaining - b.one.remaining || b.one.resetMs - a.one.resetMs)
    .slice(0, most)
    .map(({ key, one }) => ({
      key: key.values.map(shown).join(' · ') || 'all',
      who: key.who,
      remaining: one.remaining,
      resetMs: one.resetMs,
      refused: key.refused,
    }));
  const { admitted, refused } = seen.of(limit.name);
  const { kind } = limit.limit;
  return { ...common(limit), kind, most: limit.most, admitted, refused, seen: all.length, keys };
}

/** How it stands with each. What several machines share is asked for by tenant. */
async function peek(store: Store, keys: readonly SeenKey[]): Promise<Map<SeenKey, Told>> {
  const told = new Map<SeenKey, Told>();
  for (const [tag, own] of Map.groupBy(keys, (key) => key.tag)) {
    for (let at = 0; at < own.length; at += AT_ONCE) {
      const some = own.slice(at, at + AT_ONCE);
      const all = await store.peek(
        some.map(({ counted }) => counted),
        tag,
      );
      for (const [index, one] of all.entries()) if (some[index]) told.set(some[index], one);
    }
  }
  return told;
}

function heldRow(limit: HeldLimit, seen: Seen, held: Held, { who, most }: Wanted): JsonObject {
  const places = held.places.get(limit.name);
  const all = (places?.rooms() ?? []).map(({ key, ...room }) => {
    const values: unknown = JSON.parse(key);
    const texts = Array.isArray(values) ? values.map(String) : [];
    return {
      key: texts.map(shown).join(' · ') || 'all',
      remaining: Math.max(0, limit.most - room.held),
      ...room,
    };
  });
  const keys = all
    .filter(({ key }) => who === undefined || isOf(key, who))
    .sort((a, b) => a.remaining - b.remaining || b.queued - a.queued)
    .slice(0, most);
  const { admitted, refused } = seen.of(limit.name);
  return {
    ...common(limit),
    kind: 'concurrency',
    most: limit.most,
    admitted,
    refused,
    seen: all.length,
    keys,
  };
}

function common({ name, text, per, shadow }: CountedLimit | HeldLimit): JsonObject {
  return { name, limit: text, per: [...per], shadow };
}

/** A principal is kept as its tenant and its id. */
function shown(value: string): string {
  try {
    const read: unknown = JSON.parse(value);
    if (Array.isArray(read) && read.length > 1) return nameOf(read.map(String));
  } catch {
    // It is the value itself.
  }
  return value;
}

function nameOf([tenant = '', id = '', issuer]: readonly string[]): string {
  const name = tenant === '' ? id : `${tenant}/${id}`;
  return issuer === undefined ? name : `${name} (${issuer})`;
}

function isOf(told: string, who: string): boolean {
  return told === who || told.endsWith(`/${who}`);
}
