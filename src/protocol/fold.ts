// Keys that some JSON decoders take for another key: equal but for letter case or Unicode form.
// Knows no key of MCP itself.

/** The reserved keys by their length, which nearly always tells a key from all of them at once. */
type Buckets = readonly (readonly string[])[];

const prepared = new WeakMap<ReadonlySet<string>, Buckets>();

/**
 * Finds a key which is not reserved but which a lenient decoder takes for a reserved one. Go's encoding/json
 * matches `METHOD`, `ſ` (U+017F) for s and `K` (U+212A) for k, so that two hops would read two messages.
 * @param reserved ASCII keys; the set must not change later
 * @returns the first such key as it is spelled
 */
export function caseFoldTwin(keys: readonly string[], reserved: ReadonlySet<string>): string | undefined {
  const buckets = prepared.get(reserved) ?? prepare(reserved);
  for (const key of keys) {
    const bucket = buckets[key.length];
    if (bucket?.includes(key)) continue;
    if (isAscii(key) ? hasName(bucket, key.toLowerCase()) : hasFoldedName(buckets, key)) return key;
  }
  return undefined;
}

function hasName(bucket: readonly string[] | undefined, lower: string): boolean {
  return bucket?.some((name) => name.toLowerCase() === lower) ?? false;
}

/** Upper before lower case, which also folds what has no lower case of its own (ß, ı). */
function hasFoldedName(buckets: Buckets, key: string): boolean {
  const folded = key.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  return hasName(buckets[folded.length], folded);
}

function prepare(reserved: ReadonlySet<string>): Buckets {
  const longest = Math.max(0, ...[...reserved].map((name) => name.length));
  const buckets: string[][] = Array.from({ length: longest + 1 }, () => []);
  for (const name of reserved) buckets[name.length]?.push(name);
  prepared.set(reserved, buckets);
  return buckets;
}

function isAscii(key: string): boolean {
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0x7f) return false;
  return true;
}
