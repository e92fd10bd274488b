// zod issues → problems in the words of somebody who writes configurations.
// Knows zod and JSON Schema, and no section of gateway.yaml.
import type { z } from 'zod';
import { suggest } from '../lib/suggest.ts';
import type { JsonValue } from '../protocol/values.ts';
import { CODES } from './codes.ts';
import type { Problem } from './document.ts';
import { unpack } from './fields.ts';
import { valueAt } from './place.ts';
import type { Path } from './schema.ts';

/** A problem and its place. */
export interface PlacedProblem extends Problem {
  readonly path: Path;
  /** It is about a map as such: what is wrong inside the map is another matter. */
  readonly isContainer?: boolean;
}

/** A JSON Schema as far as it says which keys are allowed where. */
export interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | KeySchema;
  readonly items?: KeySchema;
  readonly anyOf?: readonly KeySchema[];
}

type Issue = z.core.$ZodIssue;

/**
 * Translates the issues of one failed parse of `values`.
 * `keys` is the JSON Schema of the same zod schema: unknown keys are compared with it.
 */
export function explainIssues(issues: readonly Issue[], values: JsonValue, keys: KeySchema): PlacedProblem[] {
  return issues.flatMap((issue) => explain(issue, [], values, keys));
}

/** The keys a JSON Schema allows at a path, in the order they are declared. */
function keysAt(schema: KeySchema | undefined, path: Path): string[] {
  if (schema === undefined) return [];
  const [step, ...rest] = path;
  const here = step === undefined ? Object.keys(schema.properties ?? {}) : keysAt(below(schema, step), rest);
  return [...here, ...(schema.anyOf ?? []).flatMap((branch) => keysAt(branch, path))];
}

/** The keys that have to stand at a path, of the first branch that names some. */
function requiredAt(schema: KeySchema | undefined, path: Path): readonly string[] {
  if (schema === undefined) return [];
  const [step, ...rest] = path;
  const here = step === undefined ? (schema.required ?? []) : requiredAt(below(schema, step), rest);
  return here.length > 0
    ? here
    : ((schema.anyOf ?? []).map((branch) => requiredAt(branch, path)).find((each) => each.length > 0) ?? []);
}

function below(schema: KeySchema, step: string | number): KeySchema | undefined {
  if (typeof step === 'number') return schema.items;
  const open = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return Object.hasOwn(schema.properties ?? {}, step) ? schema.properties?.[step] : open;
}

function explain(issue: Issue, above: Path, values: JsonValue, keys: KeySchema): PlacedProblem[] {
  const path: Path = [...above, ...(issue.path as Path)];
  const [code, message, hint] = unpack(issue.message);
  if (Object.hasOwn(CODES, code)) {
    const missing = valueAt(values, path) === undefined;
    return [missing ? missingAt(path) : { path, code, message, hint }];
  }
  switch (issue.code) {
    case 'invalid_type':
      return [
        isOwn(issue.message) ? said(issue.message, path) : wrongType(issue.expected, path, values, keys),
      ];
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], keys));
    case 'invalid_value':
      return [notOneOf(issue.values.map(String), path, values)];
    case 'invalid_union':
      return union(issue, path, values, keys);
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues
        .flatMap((inner) => explain(inner, path, values, keys))
        .map((found) => ({ ...found, on: 'key' }));
    case 'too_small':
    case 'too_big':
      return [{ path, code: 'VALUE_INVALID', message: bound(issue) }];
    default:
      return [said(issue.message, path)];
  }
}

/** Whether a schema has words of its own for a value of another type. */
function isOwn(message: string): boolean {
  return !/^Invalid input\b/.test(message);
}

/** A plugin's schema has one text for what is wrong and what to write: `100 has no unit: write 100ms`. */
function said(text: string, path: Path): PlacedProblem {
  const [message = '', hint] = plain(text).split(/: (?=write )/);
  return { path, code: 'VALUE_INVALID', message, hint };
}

/** Of a union, the branch that was meant: one that takes the type at all, with the fewest complaints. */
function union(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  values: JsonValue,
  keys: KeySchema,
): PlacedProblem[] {
  // Of a union that is told apart by one member, no branch was tried.
  const { options } = issue as { readonly options?: readonly unknown[] };
  if (issue.errors.length === 0 && options) return [notOneOf(options.map(String), path, values)];
  const type = typeof valueAt(values, path);
  const isOther = (found: Issue): boolean => {
    if (found.path.length > 0) return false;
    if (found.code === 'invalid_value') return found.values.every((word) => typeof word !== type);
    return found.code === 'invalid_type';
  };
  const fitting = issue.errors.filter((branch) => !branch.some(isOther));
  const [best] = fitting.sort((a, b) => a.length - b.length);
  if (best !== undefined) return best.flatMap((found) => explain(found, path, values, keys));
  const types = issue.errors
    .flat()
    .flatMap((found) => (isOther(found) && 'expected' in found ? [String(found.expected)] : []));
  return [wrongType([...new Set(types)].join('|'), path, values, keys)];
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  fraction: 'a fraction',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

function wrongType(expected: string, path: Path, values: JsonValue, keys: KeySchema): PlacedProblem {
  const found = valueAt(values, path);
  if (found === undefined) return missingAt(path);
  const wanted = expected.split('|').map((type) => TYPES[type] ?? type);
  const message = `${wanted.join(' or ')} is wanted, not ${typeName(found)}`;
  const hint = typeHint(expected, found) ?? mapHint(expected, requiredAt(keys, path));
  return { path, code: 'FIELD_TYPE', message, hint };
}

function typeName(value: JsonValue): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction';
  return typeof value === 'object' ? 'a map' : (TYPES[typeof value] ?? typeof value);
}

function typeHint(expected: string, found: JsonValue): string | undefined {
  if (expected === 'boolean' && typeof found === 'string') {
    if (/^(?:yes|on|y)$/i.test(found)) return 'write true';
    if (/^(?:no|off|n)$/i.test(found)) return 'write false';
  }
  if (expected === 'string' && (typeof found === 'number' || typeof found === 'boolean'))
    return 'put it in quotes';
  if (found === null) return 'remove the key, or give it a value';
  if (expected === 'array') return 'write a list: [a, b], or one "- " line for each item';
  if (/number|int/.test(expected) && typeof found === 'string' && /^-?[\d.]+$/.test(found))
    return 'remove the quotes';
  return undefined;
}

/** What the map has to hold at least. */
function mapHint(expected: string, required: readonly string[]): string | undefined {
  if (!/object|record/.test(expected) || required.length === 0) return undefined;
  return `write { ${required.map((key) => `${key}: …`).join(', ')} }`;
}

function missingAt(path: Path, hint?: string): PlacedProblem {
  const message = `"${path.at(-1)}" is missing`;
  return { path: path.slice(0, -1), code: 'FIELD_MISSING', message, hint, on: 'key' };
}

/** The hint looks for the key here, then one level below, where people often think they are. */
function unknownKey(path: Path, keys: KeySchema): PlacedProblem {
  const key = String(path.at(-1));
  const above = path.slice(0, -1);
  const known = keysAt(keys, above);
  const deeper = known.flatMap((outer) => keysAt(keys, [...above, outer]).map((inner) => ({ outer, inner })));
  const below = suggest(
    key,
    deeper.map(({ inner }) => inner),
    0,
  );
  const outer = deeper.find(({ inner }) => inner === below)?.outer;
  const meant = suggest(key, known) ?? (below === undefined ? undefined : `${outer}.${below}`);
  if (key === '<<') {
    const hint = 'merge keys are YAML 1.1; write the fields out';
    return { path, code: 'FIELD_UNKNOWN', message: 'unknown field "<<"', hint, on: 'key' };
  }
  const all = known.length > 0 ? `known here: ${known.join(', ')}` : undefined;
  const hint = meant === undefined ? all : `did you mean "${meant}"?`;
  return { path, code: 'FIELD_UNKNOWN', message: `unknown field "${key}"`, hint, on: 'key' };
}

function notOneOf(allowed: readonly string[], path: Path, values: JsonValue): PlacedProblem {
  const found = valueAt(values, path);
  const distinct = [...new Set(allowed)];
  if (found === undefined) return missingAt(path, `add it, as one of ${distinct.join(', ')}`);
  const meant = typeof found === 'string' ? suggest(found, distinct) : undefined;
  const message = `not one of ${distinct.join(', ')}`;
  return { path, code: 'VALUE_INVALID', message, hint: meant && `did you mean "${meant}"?` };
}

function bound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const [side, limit] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum];
  const than = issue.inclusive === false ? (issue.code === 'too_small' ? 'more than' : 'less than') : side;
  if (issue.origin === 'string') return `must have ${than} ${limit} characters`;
  return issue.origin === 'array' ? `must have ${than} ${limit} items` : `must be ${than} ${limit}`;
}

/** A message of zod or of a plugin's schema, kept to one line. */
function plain(message: string): string {
  return message.replace(/\s+/g, ' ').slice(0, 200);
}
