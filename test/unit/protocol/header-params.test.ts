// x-mcp-header annotations: what a tool's inputSchema may declare, and what makes the tool invalid.

import { describe, expect, test } from 'bun:test';
import { HeaderError, paramDeclarations } from '../../../src/protocol/headers.ts';
import type { JsonObject, JsonValue } from '../../../src/protocol/values.ts';

const mark = (header: JsonValue, type: JsonValue = 'string'): JsonObject => ({
  type,
  'x-mcp-header': header,
});
const schema = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...more,
});

describe('declarations', () => {
  test('by their path, in the order of the schema', () => {
    const found = paramDeclarations(
      schema({
        region: mark('Region'),
        query: { type: 'string' },
        page: schema({ count: mark('Count', 'integer'), deep: schema({ dry: mark('Method', 'boolean') }) }),
      }),
    );
    expect(found).toEqual([
      { header: 'Region', path: ['region'], type: 'string' },
      { header: 'Count', path: ['page', 'count'], type: 'integer' },
      { header: 'Method', path: ['page', 'deep', 'dry'], type: 'boolean' },
    ]);
  });

  test('properties may be named as keywords are', () => {
    const found = paramDeclarations(
      schema({
        properties: schema({ items: mark('A') }),
        'x-mcp-header': { type: 'string' },
        oneOf: mark('B'),
        default: mark('C'),
        __proto__: mark('D'),
      }),
    );
    expect(found.map((one) => one.path.join('.'))).toContain('properties.items');
    expect(found.map((one) => one.header)).toEqual(['A', 'B', 'C']);
    const proto: JsonObject = JSON.parse('{"properties":{"__proto__":{"type":"string","x-mcp-header":"D"}}}');
    expect(paramDeclarations(proto)).toEqual([{ header: 'D', path: ['__proto__'], type: 'string' }]);
  });

  test('none where there are none, whatever the schema', () => {
    for (const one of [
      {},
      { properties: null },
      { properties: [] },
      { properties: { a: true, b: null, c: 1 } },
    ]) {
      expect(paramDeclarations(one as JsonObject)).toEqual([]);
    }
  });

  test('data that looks like an annotation is none', () => {
    const data = { 'x-mcp-header': '' };
    const found = paramDeclarations(
      schema(
        { a: { type: 'object', default: data, const: data, enum: [data], examples: [data] } },
        { default: data },
      ),
    );
    expect(found).toEqual([]);
  });

  test('every token character is allowed in a name', () => {
    const header = "!#$%&'*+-.^_`|~09AZaz";
    expect(paramDeclarations(schema({ a: mark(header) }))[0]?.header).toBe(header);
  });
});

describe('violations', () => {
  test.each<[string, JsonValue, RegExp]>([
    ['empty', '', /at a is empty/],
    ['no string', 7, /at a is not a string/],
    ['null', null, /at a is not a string/],
    ['a space', 'My Region', /no header name: "My Region"/],
    ['a colon', 'Region:Primary', /no header name/],
    ['non-ASCII', 'Région', /no header name/],
    ['a tab', 'Region\t1', /no header name/],
    ['CRLF', 'A\r\nB', /no header name: "A\\r\\nB"/],
    ['a final newline', 'Region\n', /no header name/],
  ])('a name that is: %s', (_, header, reason) => {
    expect(() => paramDeclarations(schema({ a: mark(header) }))).toThrow(reason);
    expect(() => paramDeclarations(schema({ a: mark(header) }))).toThrow(HeaderError);
  });

  test.each<[JsonValue | undefined]>([
    ['number'],
    ['object'],
    ['array'],
    ['null'],
    [['string', 'null']],
    [undefined],
    [1],
  ])('type %j', (type) => {
    const property: JsonObject = type === undefined ? { 'x-mcp-header': 'A' } : mark('A', type);
    expect(() => paramDeclarations(schema({ a: property }))).toThrow('not string, integer or boolean');
  });

  test('the same name twice, in any letter case and at any depth', () => {
    expect(() => paramDeclarations(schema({ a: mark('Region'), b: mark('Region') }))).toThrow(
      'used twice: at a and b',
    );
    expect(() => paramDeclarations(schema({ a: mark('Region'), b: schema({ c: mark('REGION') }) }))).toThrow(
      'at a and b.c',
    );
  });

  const inner = mark('A');
  test.each<[string, JsonObject]>([
    ['the root', { ...schema({}), 'x-mcp-header': 'A' }],
    ['items', schema({ a: { type: 'array', items: inner } })],
    ['items below properties', schema({ a: { type: 'array', items: schema({ b: inner }) } })],
    ['prefixItems', schema({ a: { prefixItems: [inner] } })],
    ['contains', schema({ a: { contains: inner } })],
    ['oneOf', schema({ a: { oneOf: [{ type: 'string' }, inner] } })],
    ['anyOf at the root', schema({}, { anyOf: [schema({ a: inner })] })],
    ['allOf', schema({}, { allOf: [schema({ a: inner })] })],
    ['not', schema({ a: { not: inner } })],
    ...['if', 'then', 'else'].map((word): [string, JsonObject] => [
      word,
      schema({}, { [word]: schema({ a: inner }) }),
    ]),
    ['$defs', schema({ a: { $ref: '#/$defs/a' } }, { $defs: { a: inner } })],
    ['definitions', schema({}, { definitions: { a: inner } })],
    ['additionalProperties', schema({}, { additionalProperties: inner })],
    ['patternProperties', schema({}, { patternProperties: { '^a': inner } })],
    ['dependentSchemas', schema({}, { dependentSchemas: { a: schema({ b: inner }) } })],
    ['propertyNames', schema({}, { propertyNames: inner })],
    ['unevaluatedProperties', schema({}, { unevaluatedProperties: inner })],
    ['a keyword we do not know', schema({}, { newKeyword: { a: inner } })],
  ])('an annotation under %s', (_, one) => {
    expect(() => paramDeclarations(one)).toThrow('reached through "properties" alone');
  });

  test('a schema nested without end is refused, not walked', () => {
    let deep: JsonObject = {};
    for (let i = 0; i < 10_000; i++) deep = { properties: { a: deep } };
    expect(() => paramDeclarations(deep)).toThrow('nested too deep');
  });
});
