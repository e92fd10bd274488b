// The one redactor of a process: what it has learned is taken out of every text that leaves. Knows neither where
// values come from nor where texts go.

import { createMask } from './mask.ts';
import { PassingMask } from './passing-mask.ts';

/** A value of fewer bytes is a word or a number that stands everywhere; names of fields hide those. */
const LEAST_BYTES = 8;
/** Values kept; the one learned longest ago goes first. Fixed: it is more than a configuration of its size can hold. */
const MOST = 10_000;

export interface Redactor {
  /** The text without any value that was learned. */
  (text: string): string;
  /** From now on these are taken out, and those learned before as well: what was valid is still at work. */
  learn(values: Iterable<string>): void;
  /** Takes this one out until a time, in milliseconds since the epoch. */
  hide(value: string, until: number): void;
}

export function createRedactor(now: () => number = Date.now): Redactor {
  const values = new Set<string>();
  const passing = new PassingMask();
  let mask = createMask([]);
  const redact = (text: string): string => passing.mask(mask(text));
  return Object.assign(redact, {
    hide: (value: string, until: number) => passing.hide(value, until, now()),
    learn(given: Iterable<string>) {
      const known = values.size;
      let isNew = false;
      for (const value of given) {
        if (Buffer.byteLength(value) < LEAST_BYTES) continue;
        isNew = !values.delete(value) || isNew;
        values.add(value);
      }
      for (const oldest of values) {
        if (values.size <= MOST) break;
        values.delete(oldest);
      }
      if (isNew || values.size !== known) mask = createMask([...values], LEAST_BYTES);
    },
  });
}

/** A copy of plain data with every string redacted, keys included. */
export function redactData<T>(data: T, redact: (text: string) => string): T {
  if (typeof data === 'string') return redact(data) as T;
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map((item) => redactData(item, redact)) as T;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [redact(key), redactData(value, redact)]),
  ) as T;
}
