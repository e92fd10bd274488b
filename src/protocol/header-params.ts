// Which arguments of a tool are mirrored into Mcp-Param-* headers: the x-mcp-header annotations of its
// inputSchema, checked (2026-07-28 basic/transports/streamable-http, "Schema Extension"). Knows no values.

import { HeaderError } from './header-value.ts';
import type { JsonObject, JsonValue } from './values.ts';

/** One annotated argument. */
export interface ParamDeclaration {
  /** The header's name without `Mcp-Param-`, as declared. */
  readonly header: string;
  /** The `properties` keys that lead to the argument from the root. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

const ANNOTATION = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Keywords whose value is data, in which a member named x-mcp-header is no annotation. */
const DATA = new Set(['default', 'const', 'enum', 'examples', 'example']);
/** Keywords whose value is a map from names to schemas, not a schema. */
const MAPS = new Set(['patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']);
/** A schema deeper than this is refused rather than walked. */
const MAX_DEPTH = 128;

/**
 * The annotations of a schema, in the order of its text.
 * @throws HeaderError for the first violation; the tool is then to be left out of tools/list over HTTP
 */
export function paramDeclarations(inputSchema: JsonObject): ParamDeclaration[] {
  const found: ParamDeclaration[] = [];
  const names = new Map<string, string>();
  visit(inputSchema, [], true);
  return found;

  function visit(node: JsonValue, path: readonly string[], isReachable: boolean): void {
    if (typeof node !== 'object' || node === null) return;
    if (path.length > MAX_DEPTH) throw new HeaderError('the schema is nested too deep');
    for (const [keyword, value] of Object.entries(node)) {
      if (isObject(node) && keyword === ANNOTATION) add(declaration(node, value, path, isReachable));
      else if (isObject(node) && keyword === 'properties') each(value, path, isReachable);
      else if (MAPS.has(keyword)) each(value, [...path, `<${keyword}>`], false);
      else if (!DATA.has(keyword)) visit(value, [...path, `<${keyword}>`], false);
    }
  }

  function each(schemas: JsonValue, path: readonly string[], isReachable: boolean): void {
    if (!isObject(schemas)) return;
    for (const [key, schema] of Object.entries(schemas)) visit(schema, [...path, key], isReachable);
  }

  function add(one: ParamDeclaration): void {
    const lower = one.header.toLowerCase();
    const other = names.get(lower);
    if (other !== undefined) {
      throw new HeaderError(
        `${ANNOTATION} "${one.header}" is used twice: at ${other} and ${one.path.join('.')}`,
      );
    }
    names.set(lower, one.path.join('.'));
    found.push(one);
  }
}

function declaration(
  schema: JsonObject,
  header: JsonValue,
  path: readonly string[],
  isReachable: boolean,
): ParamDeclaration {
  const where = `${ANNOTATION} at ${path.join('.') || 'the root'}`;
  if (!isReachable || path.length === 0) {
    throw new HeaderError(`${where} is not on a property that is reached through "properties" alone`);
  }
  if (typeof header !== 'string') throw new HeaderError(`${where} is not a string`);
  if (header === '') throw new HeaderError(`${where} is empty`);
  if (!TOKEN.test(header)) {
    throw new HeaderError(`${where} is no header name: ${JSON.stringify(header.slice(0, 100))}`);
  }
  const type = Object.hasOwn(schema, 'type') ? schema.type : undefined;
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    throw new HeaderError(
      `${where} is on type ${JSON.stringify(type) ?? 'unknown'}, not string, integer or boolean`,
    );
  }
  return { header, path, type };
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
