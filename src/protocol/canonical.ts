// One text for all JSON texts of a value: clients may write the members of an object in another order each time.

import type { JsonValue } from './values.ts';

export function canonical(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each as JsonValue)).join(',')}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each as JsonValue)}`).join(',')}}`;
}
