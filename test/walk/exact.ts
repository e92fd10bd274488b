// JSON compared as it was written: numbers keep their digits, and where they differ the place is named.

/** A wildcard among expected values. */
export const ANYTHING = '…';

/** Numbers become `{ "#": text }`, so that 1.0 is not 1 and 9007199254740993 is itself. */
export function exact(text: string): unknown {
  const parts = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(text.replace(parts, (part) => (part.startsWith('"') ? part : `{"#":"${part}"}`)));
}

/** A value in the same form. */
export function written(value: unknown): unknown {
  return value === undefined ? undefined : exact(JSON.stringify(value));
}

/** What differs, each with its place; nothing where the two agree. Members may come in any order. */
export function differences(expected: unknown, actual: unknown, at = ''): string[] {
  if (expected === ANYTHING) return actual === undefined ? [`${at || '.'}: nothing is there`] : [];
  if (isPlain(expected) && isPlain(actual)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...names].flatMap((name) => differences(expected[name], actual[name], `${at}.${name}`));
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length)
    return expected.flatMap((item, i) => differences(item, actual[i], `${at}[${i}]`));
  if (Bun.deepEquals(expected, actual, true)) return [];
  return [`${at || '.'}: expected ${shown(expected)}, is ${shown(actual)}`];
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).replace(/\{"#":"([^"]*)"\}/g, '$1');
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
