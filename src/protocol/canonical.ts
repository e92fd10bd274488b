// One text for all JSON texts of a value: clients may write the members of an object in another order each time.

import type { JsonValue } from './values.ts';

export function canonical(value: JsonValue): string {
  return write(value);
}

/**
 * The same for a JSON text, to the last digit: 9007199254740993 is another number than 9007199254740992, which a
 * double is not. 1.0 and 1 are told apart, too.
 */
export function canonicalText(text: string): string {
  return write(
    parse(text, (_key, value, { source }) => (typeof value === 'number' ? new Digits(source) : value)),
  );
}

/** JSON.parse as it is since ES2026: the reviver is shown the text of what it is given. */
const parse = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source: string }) => unknown,
) => Written;

/** A number as it was written. */
class Digits {
  constructor(readonly text: string) {}
}

type Written = JsonValue | Digits;

function write(value: Written): string {
  if (value instanceof Digits) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((each) => write(each as Written)).join(',')}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${write(each as Written)}`).join(',')}}`;
}
