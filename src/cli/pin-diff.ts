// Two definitions of a tool, member by member, as text for people who decide about them.

import { painter } from '../config/diagnostic.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';

/** Each member that differs by its path, old above new. */
export function pinDiff(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  color: boolean,
): string[] {
  const paint = painter(color);
  const [old, now] = [leaves(before), leaves(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [a, b] = [old.get(path), now.get(path)];
    if (a === b) return [];
    return [
      `  ${path}`,
      ...(a === undefined ? [] : a.split('\n').map((line) => paint('error', `  - ${line}`))),
      ...(b === undefined ? [] : b.split('\n').map((line) => paint('bold', `  + ${line}`))),
    ];
  });
}

function leaves(value: JsonValue | undefined, path = '', found = new Map<string, string>()) {
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) found.set(path, shown(value));
    return found;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 && path !== '') found.set(path, Array.isArray(value) ? '[]' : '{}');
  for (const [key, held] of entries) {
    const step = Array.isArray(value) ? `[${key}]` : path === '' ? plain(key) : `.${plain(key)}`;
    leaves(held as JsonValue, path + step, found);
  }
  return found;
}

/** Text for people may hold what they cannot see and a model reads: each such character is spelt out. */
const UNSEEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

function plain(text: string): string {
  return text.replace(UNSEEN, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

function shown(value: JsonValue): string {
  return plain(typeof value === 'string' ? value : JSON.stringify(value));
}
