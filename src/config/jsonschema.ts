// The one schema as JSON Schema, for editors and for the reference page. Pure.
import { z } from 'zod';
import { schema } from './schema.ts';

/** A JSON Schema node as far as we look into it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** JSON Schema (draft 2020-12) of gateway.yaml as it is written, for `# yaml-language-server: $schema=…`. */
export function jsonSchema(): JsonSchema {
  const { $schema, ...rest } = plainSchema();
  return { $schema, ...withReferences(rest) };
}

/** The JSON Schema of what the file holds once references are read. */
export function plainSchema(): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    reused: 'inline',
    // zod leaves examples out where input and output differ; ours are examples of the input.
    override: ({ zodSchema, jsonSchema: node }) => {
      const examples = z.globalRegistry.get(zodSchema)?.examples;
      if (Array.isArray(examples)) node.examples = examples;
    },
  }) as JsonSchema;
}

/** Allows `${…}` wherever the value is not free text already. */
function withReferences(node: JsonSchema): JsonSchema {
  const inner = (child: JsonSchema): JsonSchema => withReferences(child);
  if (node.anyOf !== undefined) return { ...node, anyOf: node.anyOf.map(inner) };
  if (isNarrow(node)) {
    const { description, default: preset, examples, ...core } = node;
    const about = { description, default: preset, examples };
    const shown = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined));
    return { ...shown, anyOf: [core, { type: 'string', pattern: '\\$\\{' }] };
  }
  const { properties, additionalProperties, items } = node;
  return {
    ...node,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, inner(child)])),
    }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: inner(additionalProperties) }),
    ...(items && { items: inner(items) }),
  };
}

function isNarrow({ type, pattern, enum: values }: JsonSchema): boolean {
  return pattern !== undefined || values !== undefined || /^(?:integer|number|boolean)$/.test(type ?? '');
}

/** Every field name of the schema, at whatever place. */
export function fieldNames(): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = ({ properties = {}, additionalProperties, items, anyOf = [] }: JsonSchema): void => {
    for (const [name, child] of Object.entries(properties)) {
      names.add(name);
      collect(child);
    }
    for (const child of [additionalProperties, items, ...anyOf])
      if (typeof child === 'object') collect(child);
  };
  collect(plainSchema());
  return names;
}
