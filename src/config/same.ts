// Whether two parts of two configurations are the same, so that a reload can keep what runs. Compares resolved
// values, secrets included, and shows none.
import type { Config, Entry, Listener, Upstream } from './schema.ts';
import { Secret } from './secret.ts';

/**
 * Whether a running upstream can go on as it is: everything but its place in the file is equal. A plugin file of
 * its pipeline may have changed on disk all the same; that is not looked at here.
 */
export function sameUpstream(a: Upstream, b: Upstream): boolean {
  return same(withoutPlaces(a), withoutPlaces(b));
}

/** Whether a plugin instance can go on as it is. As with `sameUpstream`, its file is not looked at. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return same(withoutPlace(a), withoutPlace(b));
}

/** Whether one section without places is equal in two configurations. */
export function sameSection(
  section: Exclude<keyof Config, 'upstreams' | 'pipeline'>,
  a: Config,
  b: Config,
): boolean {
  return same(a[section], b[section]);
}

/** Whether listeners are the same but for their certificates, which are exchanged while they run. */
export function sameListeners(a: Config, b: Config): boolean {
  return same(a.listeners.map(withoutCertificates), b.listeners.map(withoutCertificates));
}

function withoutCertificates(listener: Listener): unknown {
  if (listener.kind !== 'http' || listener.tls === undefined) return listener;
  const { minVersion, client } = listener.tls;
  return { ...listener, tls: { minVersion, client: client && { require: client.require } } };
}

/** All that makes an upstream what it is as one text, secrets included: for a digest with a key, and nothing else. */
export function textOf(upstream: Upstream): string {
  return canonical(withoutPlaces(upstream));
}

function canonical(value: unknown): string {
  if (value instanceof Secret) return JSON.stringify(value.reveal());
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key as keyof typeof value])}`);
  return `{${members.join(',')}}`;
}

function withoutPlace({ path: _, ...entry }: Entry): Omit<Entry, 'path'> {
  return entry;
}

function withoutPlaces({ path: _, pipeline, ...upstream }: Upstream): object {
  return { ...upstream, pipeline: pipeline.map(withoutPlace) };
}

/** Deep equality of plain data and secrets. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Secret || b instanceof Secret)
    return a instanceof Secret && b instanceof Secret && a.equals(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) => Object.hasOwn(b, key) && same(a[key as keyof typeof a], b[key as keyof typeof b]),
  );
}
