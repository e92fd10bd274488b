// Syntax tree → plain values, references read, every value's place remembered.
// Must not know the schema: it refuses only what no configuration could mean.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { JsonValue } from '../protocol/values.ts';
import type { Code } from './codes.ts';
import { nameOf, seenIn } from './duplicates.ts';
import {
  maskLiterals,
  type Part,
  parseReferences,
  type ReferenceProblem,
  resolveReference,
  type World,
} from './interpolate.ts';
import { isHidden, isSensitive, mayHoldSecret, pathKey } from './place.ts';
import type { Path } from './schema.ts';

/** Where a value stands. A list item and the top have no key. */
export interface Place {
  readonly key: Node | undefined;
  readonly value: Node | null;
}

/** A scalar that holds references. */
export interface Interpolated {
  readonly path: Path;
  readonly written: string;
  /** As it may be shown: `written`, with literal text masked where it may be secret. */
  readonly shown: string;
  readonly value: string;
  /** What each reference stands for. */
  readonly read: readonly { readonly written: string; readonly value: string }[];
  /** One reference to a variable or file and nothing else: may be read as a number or a boolean. */
  readonly whole: boolean;
}

/** A problem at a node; `find` narrows it to a piece of the node's text. */
export interface TreeProblem {
  readonly path: Path;
  readonly node: Node;
  readonly code: Code;
  readonly message: string;
  readonly hint?: string;
  readonly find?: string;
}

export interface Tree {
  /** References read. */
  readonly values: JsonValue;
  /** References as written. */
  readonly written: JsonValue;
  readonly places: ReadonlyMap<string, Place>;
  readonly interpolated: ReadonlyMap<string, Interpolated>;
  /** Nodes whose literal text may be secret. */
  readonly sensitive: readonly Node[];
  readonly problems: readonly TreeProblem[];
}

const MAX_ALIASES = 100;
const MAX_DEPTH = 64;
const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

type Pair = readonly [value: JsonValue, written: JsonValue];

/**
 * Reads the tree under `root`. Never throws; a value with a problem is `null` and its path is in `problems`.
 * @param reading which value of a key that stands several times is read, see duplicates.ts
 */
export function readTree(document: Document.Parsed, root: Node | null, world: World, reading = 0): Tree {
  return new Reader(document, world, reading).read(root);
}

/** One walk over one document; holds what the walk has found so far. */
class Reader {
  readonly #document: Document.Parsed;
  readonly #world: World;
  #reading: number;
  readonly #sensitive: Node[] = [];
  #places = new Map<string, Place>();
  #interpolated = new Map<string, Interpolated>();
  #problems: TreeProblem[] = [];
  readonly #open = new Set<Node>();
  #aliases = 0;

  constructor(document: Document.Parsed, world: World, reading: number) {
    this.#document = document;
    this.#world = world;
    this.#reading = reading;
  }

  read(root: Node | null): Tree {
    this.#places.set(pathKey([]), { key: undefined, value: root });
    const [values, written] = this.#node(root, []);
    return {
      values,
      written,
      places: this.#places,
      interpolated: this.#interpolated,
      sensitive: this.#sensitive,
      problems: this.#problems,
    };
  }

  #node(node: Node | null, path: Path): Pair {
    if (node === null) return [null, null];
    if (path.length > MAX_DEPTH) return this.#problem(path, node, 'YAML_SYNTAX', 'nested too deeply');
    if (isAlias(node)) return this.#alias(node, path);
    if (node.tag !== undefined && !CORE_TAG.test(node.tag)) {
      if (isSensitive(path)) this.#sensitive.push(node);
      return this.#problem(path, node, 'YAML_TAG', 'tags are not supported', 'write the value itself');
    }
    this.#open.add(node);
    const pair = isMap(node)
      ? this.#map(node, path)
      : isSeq(node)
        ? this.#list(node, path)
        : this.#scalar(node as Scalar, path);
    this.#open.delete(node);
    return pair;
  }

  /** Follows an alias. Counted, because aliases of aliases grow exponentially. */
  #alias(node: Alias, path: Path): Pair {
    const target = node.resolve(this.#document);
    if (target === undefined) {
      const hint = 'for a text that begins with "*" use quotes';
      return this.#problem(path, node, 'YAML_ALIAS', 'this alias has no anchor', hint);
    }
    if (this.#open.has(target)) return this.#problem(path, node, 'YAML_ALIAS', 'this alias holds itself');
    this.#aliases += 1;
    if (this.#aliases === MAX_ALIASES + 1) {
      return this.#problem(
        path,
        node,
        'YAML_ALIAS',
        `more than ${MAX_ALIASES} aliases`,
        'write the values out',
      );
    }
    return this.#aliases > MAX_ALIASES ? [null, null] : this.#node(target, path);
  }

  #map(node: YAMLMap, path: Path): Pair {
    const values: Record<string, JsonValue> = {};
    const written: Record<string, JsonValue> = {};
    const items = node.items as { key: Node | null; value: Node | null }[];
    const named = Map.groupBy(items, ({ key }) => nameOf(key));
    for (const item of items) {
      const { key, value } = item;
      const name = nameOf(key);
      // `__proto__` would set the prototype of the map instead of a key.
      if (name === undefined || name === '__proto__') {
        const hint = name === undefined ? 'put it in quotes' : undefined;
        this.#problem(
          [...path, ''],
          isScalar(key) ? key : node,
          'YAML_KEY_INVALID',
          'this cannot be a key',
          hint,
        );
        if (value !== null && isSensitive([...path, ''])) this.#sensitive.push(value);
        continue;
      }
      const below = [...path, name];
      const { seen, within } = seenIn(this.#reading, named.get(name) ?? []);
      if (seen !== item) {
        this.#skip(value, below);
        continue;
      }
      this.#places.set(pathKey(below), { key: key ?? undefined, value });
      const reading = this.#reading;
      this.#reading = within;
      [values[name], written[name]] = this.#node(value, below) as [JsonValue, JsonValue];
      this.#reading = reading;
    }
    return [values, written];
  }

  /** Another reading sees this value; here only its secrets count, for they may stand on a line that is shown. */
  #skip(value: Node | null, path: Path): void {
    const [places, interpolated, problems] = [this.#places, this.#interpolated, this.#problems];
    [this.#places, this.#interpolated, this.#problems] = [new Map(), new Map(), []];
    this.#node(value, path);
    [this.#places, this.#interpolated, this.#problems] = [places, interpolated, problems];
  }

  #list(node: YAMLSeq, path: Path): Pair {
    const pairs = (node.items as (Node | null)[]).map((item, index) => {
      const below = [...path, index];
      this.#places.set(pathKey(below), { key: undefined, value: item });
      return this.#node(item, below);
    });
    return [pairs.map(([value]) => value), pairs.map(([, written]) => written)];
  }

  #scalar(node: Scalar, path: Path): Pair {
    const { value } = node;
    if (isHidden(path)) this.#sensitive.push(node);
    if (typeof value === 'string')
      return value.includes('${') ? this.#references(node, value, path) : [value, value];
    if (typeof value === 'boolean' || value === null) return [value, value];
    if (typeof value === 'number' && Number.isFinite(value)) {
      if (!Number.isInteger(value) || Number.isSafeInteger(value)) return [value, value];
    }
    const hint = 'in quotes it is a text';
    return this.#problem(path, node, 'YAML_NUMBER', 'this number cannot be kept exactly', hint);
  }

  #references(node: Scalar, text: string, path: Path): Pair {
    const { parts, problems } = parseReferences(text);
    const found = problems.length > 0 ? problems : resolveAll(parts, path, this.#world);
    if (!isRead(found)) {
      for (const { code, message, hint, written } of found)
        this.#problem(path, node, code, message, hint, written);
      return [null, text];
    }
    const value = parts.map((part) => (typeof part === 'string' ? part : found.get(part.written))).join('');
    if (found.size === 0) return [value, value];
    const [only] = parts;
    this.#interpolated.set(pathKey(path), {
      path,
      written: text,
      shown: isHidden(path) ? maskLiterals(parts) : text,
      value,
      read: [...found].map(([reference, meaning]) => ({ written: reference, value: meaning })),
      whole: parts.length === 1 && typeof only === 'object' && only.kind !== 'secret',
    });
    return [value, text];
  }

  #problem(path: Path, node: Node, code: Code, message: string, hint?: string, find?: string): Pair {
    this.#problems.push({ path, node, code, message, ...(hint && { hint }), ...(find && { find }) });
    return [null, null];
  }
}

type Found = ReadonlyMap<string, string> | readonly ReferenceProblem[];

function isRead(found: Found): found is ReadonlyMap<string, string> {
  return found instanceof Map;
}

/** What every reference of one scalar stands for, or all that is wrong with them. */
function resolveAll(parts: readonly Part[], path: Path, world: World): Found {
  const values = new Map<string, string>();
  const problems: ReferenceProblem[] = [];
  for (const part of parts) {
    if (typeof part === 'string') continue;
    if (part.kind === 'secret' && !mayHoldSecret(path)) {
      const hint =
        'secrets go into headers, env, keys of TLS and plugin options; elsewhere they would be shown';
      problems.push({
        code: 'SECRET_PLACE',
        message: 'a secret cannot stand here',
        hint,
        written: part.written,
      });
      continue;
    }
    const outcome = resolveReference(part, world);
    if ('value' in outcome) values.set(part.written, outcome.value);
    else problems.push(outcome);
  }
  return problems.length > 0 ? problems : values;
}
