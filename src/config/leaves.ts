// The scalars below two places of two documents, side by side: what a plan shows of a change.
// Must not know which section it looks at, but for one thing: an entry of a pipeline is flattened.
import type { JsonValue } from '../protocol/values.ts';
import type { ConfigDocument } from './document.ts';
import { valueAt } from './place.ts';
import { asMap } from './relations/guess.ts';
import { pluginKeys } from './relations/pipeline.ts';
import type { Path } from './schema.ts';
import { MASK } from './secret.ts';

/** A document and a place in it. */
export interface Side {
  readonly document: ConfigDocument;
  readonly path: Path;
}

/** A scalar that differs: its path within the place, and both values as they may be shown. */
interface LeafChange {
  readonly key: string;
  readonly before: string;
  readonly after: string;
}

/** An item of a list that has come or gone, by its name. */
interface ItemChange {
  readonly key: string;
  readonly sign: '+' | '-';
}

const EMPTY = '{}';

interface Leaf {
  readonly value: JsonValue;
  readonly shown: string;
  /** The outermost item with a name that it is of. */
  readonly item: string | undefined;
}

/**
 * Every scalar that differs. Values are compared as they are resolved; where one side has none, `default` is shown.
 * Items of a list are paired by what they are called, so that one that comes or goes moves no other.
 */
export function changedLeaves(before: Side, after: Side): (LeafChange | ItemChange)[] {
  const [old, fresh] = [leaves(before), leaves(after)];
  const [were, are] = [itemsOf(old), itemsOf(fresh)];
  const told = new Set<string>();
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key): (LeafChange | ItemChange)[] => {
    const [a, b] = [old.get(key), fresh.get(key)];
    const item = (a ?? b)?.item;
    if (item !== undefined && were.has(item) !== are.has(item)) {
      if (told.has(item)) return [];
      told.add(item);
      return [{ key: item, sign: are.has(item) ? '+' : '-' }];
    }
    if (a?.value === b?.value) return [];
    return [{ key, before: a?.shown ?? 'default', after: b?.shown ?? 'default' }];
  });
}

function itemsOf(leaves: ReadonlyMap<string, Leaf>): Set<string> {
  return new Set([...leaves.values()].flatMap(({ item }) => (item === undefined ? [] : [item])));
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

/** What an item of a list is known by. */
const NAMES = ['id', 'name', 'principal', 'tenant', 'issuer', 'fingerprint', 'dns', 'uri', 'uid'];

function collect(
  value: JsonValue,
  shown: JsonValue | undefined,
  key: string,
  found: Map<string, Leaf>,
  item?: string,
): void {
  const put = (value: JsonValue, text: string): void => void found.set(key, { value, shown: text, item });
  if (Array.isArray(value)) {
    const items = Array.isArray(shown) ? shown : [];
    // What is in a list of texts is shown as the list: nothing in it has a place of its own to be known by.
    if (!value.some(isHolding)) put(JSON.stringify(value), `[${items.map(textOf).join(', ')}]`);
    else
      for (const [index, name] of namesOf(items).entries()) {
        const below = `${key}[${name ?? index}]`;
        collect(value[index] ?? null, items[index], below, found, item ?? (name && below));
      }
  } else if (isHolding(value)) {
    // An empty map is no default: `anonymous: {}` lets callers in.
    if (key !== '' && Object.keys(asMap(value)).length === 0) put(EMPTY, EMPTY);
    for (const [name, held] of Object.entries(asMap(value)))
      collect(held, asMap(shown)[name], key === '' ? name : `${key}.${name}`, found, item);
  } else put(value, textOf(shown));
}

function isHolding(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

/** What each item is called, by what may be shown of it; the second of a name is ` #2`. */
function namesOf(items: readonly JsonValue[]): (string | undefined)[] {
  const names = items.map(nameOf);
  return names.map((name, index) => {
    const nth = names.slice(0, index + 1).filter((other) => other === name).length;
    return name !== undefined && nth > 1 ? `${name} #${nth}` : name;
  });
}

function textOf(shown: JsonValue | undefined): string {
  return typeof shown === 'string' ? shown : JSON.stringify(shown ?? null);
}

function nameOf(item: JsonValue): string | undefined {
  const map = asMap(item);
  const name = NAMES.map((field) => map[field]).find(
    (value) => typeof value === 'number' || (typeof value === 'string' && value !== MASK),
  );
  return name === undefined ? undefined : String(name);
}
