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
  return { version: 1, limits: rows };
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
    .flatMap((key, index) => {
      const one = told[index];
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

async function peek(store: Store, keys: readonly SeenKey[]): Promise<Told[]> {
  const told: Told[] = [];
  for (let at = 0; at < keys.length; at += AT_ONCE)
    told.push(...(await store.peek(keys.slice(at, at + AT_ONCE).map(({ counted }) => counted))));
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
    if (Array.isArray(read) && read.length === 2) return read[0] === '' ? String(read[1]) : read.join('/');
  } catch {
    // It is the value itself.
  }
  return value;
}

function isOf(told: string, who: string): boolean {
  return told === who || told.endsWith(`/${who}`);
}
