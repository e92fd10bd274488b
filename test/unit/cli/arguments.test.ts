// key=value on a command line, typed by a tool's schema.
import { expect, test } from 'bun:test';
import { typeArguments } from '../../../src/cli/arguments.ts';

const schema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    loud: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'integer' } },
    filter: { type: 'object' },
    level: { enum: ['low', 'high', 3] },
    either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    maybe: { type: ['number', 'null'] },
    free: {},
    point: { $ref: '#/$defs/point' },
  },
  required: ['text'],
  $defs: { point: { type: 'object' } },
  additionalProperties: false,
};

function value(...words: string[]) {
  const result = typeArguments(['text=x', ...words], schema);
  return result.ok ? result.value : result.problems;
}

test('each word becomes what its property takes', () => {
  expect(
    value('count=-3', 'ratio=0.5', 'loud=false', 'filter={"a":1}', 'maybe=null', 'point={"x":1}'),
  ).toEqual({
    text: 'x',
    count: -3,
    ratio: 0.5,
    loud: false,
    filter: { a: 1 },
    maybe: null,
    point: { x: 1 },
  });
});

test('a text stays a text, whatever it looks like', () => {
  expect(typeArguments(['text=42'], schema)).toEqual({ ok: true, value: { text: '42' } });
  expect(typeArguments(['text=a=b=c'], schema)).toEqual({ ok: true, value: { text: 'a=b=c' } });
  expect(typeArguments(['text='], schema)).toEqual({ ok: true, value: { text: '' } });
});

test('a list is JSON, or one word for each item', () => {
  expect(value('tags=["a","b"]')).toMatchObject({ tags: ['a', 'b'] });
  expect(value('tags=a', 'tags=b')).toMatchObject({ tags: ['a', 'b'] });
  expect(value('tags=a')).toMatchObject({ tags: ['a'] });
  expect(value('sizes=1', 'sizes=2')).toMatchObject({ sizes: [1, 2] });
  expect(value('sizes=1', 'sizes=b')).toEqual(['sizes takes a whole number; "b" is not']);
});

test('alternatives are tried, text last', () => {
  expect(value('either=5')).toMatchObject({ either: 5 });
  expect(value('either=five')).toMatchObject({ either: 'five' });
  expect(value('level=high')).toMatchObject({ level: 'high' });
  expect(value('level=3')).toMatchObject({ level: 3 });
  expect(value('free={"a":[1]}')).toMatchObject({ free: { a: [1] } });
  expect(value('free=hello')).toMatchObject({ free: 'hello' });
});

test('every problem is told, readably', () => {
  const result = typeArguments(
    ['count=1.5', 'loud=yes', 'levle=low', 'filter=[1]', 'level=mid', 'bare'],
    schema,
  );
  expect(result).toEqual({
    ok: false,
    problems: [
      '"bare" is not key=value',
      'count takes a whole number; "1.5" is not',
      'loud takes true or false; "yes" is not',
      expect.stringMatching(/^unknown argument levle, did you mean level\? \(it takes text, count, /),
      'filter takes a map ({…}); "[1]" is not',
      'level is one of low, high, 3; not "mid"',
      'text is missing (string)',
    ],
  });
});

test('what is no number is none', () => {
  for (const text of ['', ' ', 'NaN', 'Infinity', '1e999', '0x', '5 apples'])
    expect(value(`ratio=${text}`)).toEqual([`ratio takes a number; "${text}" is not`]);
});

test('one value given twice is a problem where no list is taken', () => {
  expect(value('count=1', 'count=2')).toEqual(['count is given 2 times']);
});

test('a schema that takes more takes it as JSON or text', () => {
  const open = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true };
  expect(typeArguments(['b=1', 'c=x'], open)).toEqual({ ok: true, value: { b: 1, c: 'x' } });
  expect(typeArguments(['b=1'], { type: 'object' })).toEqual({ ok: true, value: { b: 1 } });
  expect(typeArguments(['b=1'], undefined)).toEqual({ ok: true, value: { b: 1 } });
  expect(typeArguments(['b=1'], { type: 'object', properties: {} })).toEqual({
    ok: false,
    problems: ['unknown argument b (it takes none)'],
  });
});

test('references in circles end', () => {
  expect(typeArguments(['a=1'], { properties: { a: { $ref: '#/properties/a' } } }).ok).toBe(true);
});

test('names every object has are names like any other', () => {
  const open = typeArguments(['__proto__={"polluted":1}', 'constructor=2'], { additionalProperties: true });
  expect(open.ok && Object.entries(open.value)).toEqual([
    ['__proto__', { polluted: 1 }],
    ['constructor', 2],
  ]);
  expect(value('constructor=2')).toEqual([expect.stringMatching(/^unknown argument constructor/)]);
});
