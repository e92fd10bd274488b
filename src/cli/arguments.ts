// `key=value` words of a command line → the arguments a tool's inputSchema asks for. Pure; reports every problem.

import { suggest } from '../lib/suggest.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';

export type Typed =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly problems: readonly string[] };

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly JsonValue[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly additionalProperties?: boolean | Schema;
}

/** Types each word by the property it names. A key that stands twice makes a list where the property is one. */
export function typeArguments(words: readonly string[], inputSchema: unknown): Typed {
  const root = asSchema(inputSchema);
  const given = new Map<string, string[]>();
  const problems: string[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) problems.push(`"${word}" is not key=value`);
    else given.set(word.slice(0, at), [...(given.get(word.slice(0, at)) ?? []), word.slice(at + 1)]);
  }
  const value = new Map<string, JsonValue>();
  for (const [key, texts] of given) {
    const property = propertyOf(key, root);
    const typed = property === undefined ? unlisted(key, texts, root) : listed(key, texts, property, root);
    if ('problem' in typed) problems.push(typed.problem);
    else value.set(key, typed.value);
  }
  const missing = (root.required ?? []).filter((key) => !given.has(key));
  problems.push(...missing.map((key) => `${key} is missing${kindOf(propertyOf(key, root))}`));
  return problems.length === 0 ? { ok: true, value: Object.fromEntries(value) } : { ok: false, problems };
}

/** Own members only: a schema has no property `constructor` because objects have one. */
function propertyOf(key: string, root: Schema): Schema | undefined {
  const { properties = {} } = root;
  return Object.hasOwn(properties, key) ? resolve(properties[key], root) : undefined;
}

type One = { readonly value: JsonValue } | { readonly problem: string };

function listed(key: string, texts: readonly string[], schema: Schema, root: Schema): One {
  const types = typesOf(schema, root);
  if (texts.length > 1 || (types.includes('array') && !looksLikeList(texts[0]))) {
    if (!types.includes('array')) return { problem: `${key} is given ${texts.length} times` };
    const items = texts.map((text) => one(key, text, resolve(schema.items, root) ?? {}, root));
    const bad = items.find((item) => 'problem' in item);
    return bad ?? { value: items.flatMap((item) => ('value' in item ? [item.value] : [])) };
  }
  return one(key, texts[0] ?? '', schema, root);
}

function one(key: string, text: string, schema: Schema, root: Schema): One {
  const types = typesOf(schema, root);
  if (schema.enum !== undefined) {
    const match = schema.enum.find((allowed) => String(allowed) === text);
    if (match !== undefined) return { value: match };
    return { problem: `${key} is one of ${schema.enum.join(', ')}; not "${text}"` };
  }
  for (const type of types.filter((name) => name !== 'string')) {
    const value = read(type, text);
    if (value !== undefined) return { value };
  }
  if (types.includes('string') || types.length === 0)
    return { value: types.length === 0 ? guess(text) : text };
  return { problem: `${key} takes ${types.map(article).join(' or ')}; "${text}" is not` };
}

/** The value a text stands for as a JSON type, or undefined when it is not of that type. */
function read(type: string, text: string): JsonValue | undefined {
  if (type === 'number' || type === 'integer') {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(number) && (type === 'number' || Number.isInteger(number)) ? number : undefined;
  }
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type === 'null') return text === 'null' ? null : undefined;
  const value = parse(text);
  if (type === 'array') return Array.isArray(value) ? value : undefined;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** A property without a type takes JSON, and any other text as text. */
function guess(text: string): JsonValue {
  return parse(text) ?? text;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function unlisted(key: string, texts: readonly string[], root: Schema): One {
  const known = Object.keys(root.properties ?? {});
  const open = root.additionalProperties;
  if (open === true || typeof open === 'object' || root.properties === undefined)
    return listed(key, texts, typeof open === 'object' ? open : {}, root);
  const near = suggest(key, known);
  const list = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  return {
    problem: `unknown argument ${key}${near === undefined ? '' : `, did you mean ${near}?`} (${list})`,
  };
}

function typesOf(schema: Schema, root: Schema): string[] {
  const own = typeof schema.type === 'string' ? [schema.type] : [...(schema.type ?? [])];
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return [...new Set([...own, ...branches.flatMap((branch) => typesOf(resolve(branch, root) ?? {}, root))])];
}

/** Follows references within the same schema; another document is not fetched for a command line. */
function resolve(schema: Schema | undefined, root: Schema): Schema | undefined {
  let found = schema;
  for (let hops = 0; found?.$ref !== undefined && hops < 16; hops++) {
    if (!found.$ref.startsWith('#/')) return {};
    let at: unknown = root;
    for (const step of found.$ref.slice(2).split('/'))
      at = typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined;
    found = asSchema(at);
  }
  return found;
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}

function looksLikeList(text = ''): boolean {
  return text.trimStart().startsWith('[');
}

function kindOf(schema: Schema | undefined): string {
  const type = typeof schema?.type === 'string' ? schema.type : undefined;
  return type === undefined ? '' : ` (${type})`;
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    array: 'a list ([…])',
    object: 'a map ({…})',
    null: 'null',
  };
  return words[type] ?? type;
}
