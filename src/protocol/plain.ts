// JSON as plain values: written without loss, frozen. Knows nothing of texts to keep.

import { JsonError } from './scan.ts';
import type { JsonValue } from './values.ts';

/**
 * JSON.stringify, which alone would write NaN and the infinities as null: 1e400 read from a peer is one.
 * @throws JsonError `shape`
 */
export function stringify(value: JsonValue): string {
  const text = JSON.stringify(value);
  if (text.includes('null')) refuseNonFinite(value);
  return text;
}

function refuseNonFinite(value: JsonValue): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new JsonError('shape', 0, `${value} cannot be written as JSON`);
  }
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) refuseNonFinite(part);
}

/** Freezes all of a freshly parsed value; by a stack, since it may be deep. */
export function freeze(value: JsonValue): void {
  const open: JsonValue[] = [value];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    Object.freeze(part);
    for (const inner of Object.values(part)) if (typeof inner === 'object') open.push(inner);
  }
}
