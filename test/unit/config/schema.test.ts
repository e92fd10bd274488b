// The one schema: every field speaks for itself, editors accept what the gateway accepts, generated files are fresh.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { generated } from '../../../scripts/gen-config.ts';
import { fieldNames, type JsonSchema, jsonSchema } from '../../../src/config/jsonschema.ts';
import { referencePage } from '../../../src/config/reference.ts';
import { accepted } from './world.ts';

const ROOT = join(import.meta.dir, '../../..');
const CASES = join(ROOT, 'test/config');

/** The part of JSON Schema that ours uses; an unknown keyword is an error, so none is silently ignored. */
function accepts(schema: JsonSchema, value: unknown): boolean {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const map = isMap ? (value as Record<string, unknown>) : {};
  return Object.entries(schema).every(([keyword, rule]) => {
    switch (keyword) {
      case 'type':
        return typeName(value) === rule || (rule === 'number' && typeName(value) === 'integer');
      case 'const':
        return value === rule;
      case 'enum':
        return (rule as unknown[]).includes(value);
      case 'pattern':
        return typeof value !== 'string' || new RegExp(rule as string).test(value);
      case 'minimum':
        return typeof value !== 'number' || value >= (rule as number);
      case 'maximum':
        return typeof value !== 'number' || value <= (rule as number);
      case 'minLength':
        return typeof value !== 'string' || value.length >= (rule as number);
      case 'minItems':
        return !Array.isArray(value) || value.length >= (rule as number);
      case 'items':
        return !Array.isArray(value) || value.every((item) => accepts(rule as JsonSchema, item));
      case 'anyOf':
        return (rule as JsonSchema[]).some((branch) => accepts(branch, value));
      case 'oneOf':
        return (rule as JsonSchema[]).filter((branch) => accepts(branch, value)).length === 1;
      case 'required':
        return !isMap || (rule as string[]).every((key) => key in map);
      case 'dependentRequired':
        return Object.entries(rule as Record<string, string[]>).every(
          ([key, needs]) => !(key in map) || needs.every((need) => need in map),
        );
      case 'dependentSchemas':
        return Object.entries(rule as Record<string, JsonSchema>).every(
          ([key, inner]) => !(key in map) || accepts(inner, value),
        );
      case 'properties':
        return Object.entries(rule as Record<string, JsonSchema>).every(
          ([key, inner]) => !(key in map) || accepts(inner, map[key]),
        );
      case 'propertyNames':
        return Object.keys(map).every((key) => accepts(rule as JsonSchema, key));
      case 'additionalProperties': {
        const others = Object.keys(map).filter((key) => !Object.hasOwn(schema.properties ?? {}, key));
        return rule === false
          ? others.length === 0
          : others.every((key) => accepts(rule as JsonSchema, map[key]));
      }
      case '$schema':
      case 'title':
      case 'description':
      case 'examples':
      case 'default':
        return true;
      default:
        throw new Error(`unknown keyword ${keyword}`);
    }
  });
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** Every field with its path. */
function fields(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const { properties = {}, items, additionalProperties, anyOf = [] } = schema;
  return [
    ...Object.entries(properties).flatMap(([key, inner]): [string, JsonSchema][] => [
      [`${path}.${key}`, inner],
      ...fields(inner, `${path}.${key}`),
    ]),
    ...(items === undefined ? [] : fields(items, `${path}[]`)),
    ...(typeof additionalProperties === 'object' ? fields(additionalProperties, `${path}.*`) : []),
    ...anyOf.flatMap((branch) => fields(branch, path)),
  ];
}

/** The configurations of the case files, with whether the gateway takes them. */
const EXAMPLES = readdirSync(CASES).map((name) => {
  const [text = '', outcome = ''] = readFileSync(join(CASES, name), 'utf8').split('----------\n');
  return { name, text, isAccepted: outcome.includes('"upstreams": [') };
});

test.each(fields(jsonSchema(), ''))('%s has a description and an example', (_, schema) => {
  const about = [schema, ...(schema.anyOf ?? [])];
  expect(about.find(({ description }) => description !== undefined)?.description).toEndWith('.');
  expect(about.flatMap(({ examples = [] }) => examples).length).toBeGreaterThan(0);
});

test('every example and every default is accepted by its own field', () => {
  for (const [path, schema] of fields(jsonSchema(), '')) {
    const given = [schema, ...(schema.anyOf ?? [])].flatMap((part) => [
      ...(part.examples ?? []),
      ...('default' in part ? [part.default] : []),
    ]);
    for (const value of given) expect([path, value, accepts(schema, value)]).toEqual([path, value, true]);
  }
});

test('editors accept gateway.yaml, and the gateway starts with it', () => {
  const text = readFileSync(join(ROOT, 'gateway.yaml'), 'utf8');
  expect(accepts(jsonSchema(), parse(text))).toBe(true);
  const { config } = accepted(text);
  expect(config.upstreams.map(({ name, kind }) => [name, kind])).toEqual([['demo', 'builtin']]);
  expect(config.pipeline.map(({ plugin }) => plugin)).toEqual(['progress']);
});

test('what is commented out in gateway.yaml works once it is not', () => {
  const text = readFileSync(join(ROOT, 'gateway.yaml'), 'utf8')
    .replace(/^ {2}# {1}/gm, '  ')
    .replace('secret:github', 'secret:api');
  const { config } = accepted(text, { HOME: '/home/me' });
  expect(config.upstreams.map(({ kind }) => kind)).toEqual(['builtin', 'command', 'url']);
});

test.each(EXAMPLES.filter(({ name, isAccepted }) => isAccepted && !name.startsWith('env')))(
  'editors accept $name',
  ({ text }) => {
    expect(accepts(jsonSchema(), parse(text) ?? {})).toBe(true);
  },
);

test.each(['unknown-keys', 'wrong-types', 'upstream-kinds', 'upstream-fields', 'upstream-names', 'version'])(
  'editors refuse %s',
  (name) => {
    const { text } = EXAMPLES.find((example) => example.name === `${name}.txt`) ?? { text: '' };
    expect(accepts(jsonSchema(), parse(text))).toBe(false);
  },
);

test.each(Object.entries(generated()))('%s is fresh', (path, text) => {
  expect(readFileSync(join(ROOT, path), 'utf8') === text).toBe(true);
});

test('the reference names every field', () => {
  const page = referencePage();
  for (const name of fieldNames()) expect(page).toMatch(new RegExp(`[.\`]${name}\``));
});

test('two-word fields are camelCase in the program', () => {
  const { config } = accepted(
    'limits: { stream_buffer: 2MiB }\nupstreams: { a: { url: http://a/, timeouts: { first_byte: 5s } } }',
  );
  expect(config.limits.streamBuffer).toBe(2_097_152);
  expect(config.upstreams[0]?.timeouts.firstByte).toBe(5_000);
  expect(Object.keys(config.limits).filter((key) => key.includes('_'))).toEqual([]);
});
