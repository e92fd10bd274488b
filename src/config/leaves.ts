// The scalars below two places of two documents, side by side: what a plan shows of a change.
// Must not know which section it looks at, but for one thing: an entry of a pipeline is flattened.
import type { JsonValue } from '../protocol/values.ts';
import type { ConfigDocument } from './document.ts';
import { valueAt } from './place.ts';
import { asMap } from './relations/guess.ts';
import { pluginKeys } from './relations/pipeline.ts';
import type { Path } from './schema.ts';

/** A document and a place in it. */
export interface Side {
  readonly document: ConfigDocument;
  readonly path: Path;
}

/** A scalar that differs: its path within the place, and both values as they may be shown. */
export interface LeafChange {
  readonly key: string;
  readonly before: string;
  readonly after: string;
}

const EMPTY = '{}';

interface Leaf {
  readonly value: JsonValue;
  readonly shown: string;
}

/** Every scalar that differs. Values are compared as they are resolved; where one side has none, `default` is shown. */
export function changedLeaves(before: Side, after: Side): LeafChange[] {
  const [old, fresh] = [leaves(before), leaves(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key): LeafChange[] => {
    const [a, b] = [old.get(key), fresh.get(key)];
    if (a?.value === b?.value) return [];
    return [{ key, before: a?.shown ?? 'default', after: b?.shown ?? 'default' }];
  });
}

function leaves({ document, path }: Side): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  const value = valueAt(document.values(), path);
  const shown = document.shown(path);
  if (path.at(-2) === 'pipeline') {
    // The id says which plugin it is, so its options and the fields beside them are one level.
    const [plugin = ''] = pluginKeys(asMap(value));
    const { [plugin]: options, ...fields } = asMap(value);
    collect(fields, shown, '', found);
    collect(options ?? {}, asMap(shown)[plugin], '', found);
  } else if (value !== undefined) collect(value, shown, '', found);
  return found;
}

function collect(
  value: JsonValue,
  shown: JsonValue | undefined,
  key: string,
  found: Map<string, Leaf>,
): void {
  if (Array.isArray(value)) {
    const items = Array.isArray(shown) ? shown : [];
    for (const [index, item] of value.entries()) collect(item, items[index], `${key}[${index}]`, found);
  } else if (typeof value === 'object' && value !== null) {
    // An empty map is no default: `anonymous: {}` lets callers in.
    if (key !== '' && Object.keys(value).length === 0) found.set(key, { value: EMPTY, shown: EMPTY });
    for (const [name, held] of Object.entries(value)) {
      collect(held, asMap(shown)[name], key === '' ? name : `${key}.${name}`, found);
    }
  } else {
    const text = typeof shown === 'string' ? shown : JSON.stringify(shown ?? null);
    found.set(key, { value, shown: text });
  }
}
