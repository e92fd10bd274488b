// RawObject: reading members, and `with`, which edits text without touching the rest.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { JsonError, RawJson, RawObject } from '../../../src/protocol/raw.ts';
import type { JsonObject, JsonValue } from '../../../src/protocol/values.ts';
import { AMPLE, objectText, valueText } from './json-text.ts';

function isDeeplyFrozen(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

describe('reading', () => {
  const raw = RawObject.parse(' { "a" : {"b": [1.0]} , "s":"x\\ny", "n":null, "\\u006bey" :"v" } ', AMPLE);

  test('members by their decoded key', () => {
    expect(raw.keys()).toEqual(['a', 's', 'n', 'key']);
    expect([raw.has('key'), raw.has('b'), raw.has('toString')]).toEqual([true, false, false]);
    expect(raw.raw('a')).toBe('{"b": [1.0]}');
    expect(raw.raw('missing')).toBeUndefined();
    expect(raw.string('s')).toBe('x\ny');
    expect([raw.string('a'), raw.string('n'), raw.object('s')]).toEqual([undefined, undefined, undefined]);
    expect(raw.object('a')?.raw('b')).toBe('[1.0]');
    expect([raw.get('n'), raw.get('missing')]).toEqual([null, undefined]);
  });

  test('the same object and value every time', () => {
    expect(raw.object('a')).toBe(raw.object('a') as RawObject);
    const before = raw.get('a');
    expect(raw.value.a).toEqual(before as JsonValue);
    expect(raw.get('a')).toBe(before as JsonValue);
    expect(raw.value).toBe(raw.value);
  });

  test('values are deeply frozen', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const object = RawObject.parse(text, AMPLE);
        expect(object.keys().every((key) => isDeeplyFrozen(object.get(key) ?? null))).toBe(true);
        expect(isDeeplyFrozen(object.value)).toBe(true);
      }),
    );
  });

  test('__proto__ is a member and pollutes nothing', () => {
    const text = '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}';
    const object = RawObject.parse(text, AMPLE);
    expect(Object.hasOwn(object.value, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(object.value)).toBe(Object.prototype);
    expect('admin' in {}).toBe(false);
    expect(object.get('__proto__')).toEqual({ admin: true });
    expect(object.has('hasOwnProperty')).toBe(false);
    expect(RawObject.of(object.value).text).toBe(text);
    expect(object.with(JSON.parse('{"__proto__":1}')).text).toBe(
      '{"__proto__":1,"constructor":{"prototype":{"x":1}}}',
    );
  });

  test('objects wider than the pass notes are read all the same', () => {
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, { i }]));
    const object = RawObject.parse(JSON.stringify({ wide }), AMPLE).object('wide');
    expect(object?.keys()).toHaveLength(100);
    expect(object?.object('k99')?.get('i')).toBe(99);
  });

  test('text that is trusted wrongly ends, with an error or with something', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '"', ':', ',', '\\', 'a', '[', ' ') }),
        (text) => {
          try {
            expect(RawObject.trusted(text).keys().length).toBeLessThanOrEqual(text.length);
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError);
          }
        },
      ),
    );
  });
});

describe('of', () => {
  test('writes a value, and refuses what JSON cannot write', () => {
    expect(RawObject.of({ a: [1, 'x', null], b: { c: true } }).text).toBe(
      '{"a":[1,"x",null],"b":{"c":true}}',
    );
    const infinite: JsonValue = JSON.parse('1e400');
    expect(() => RawObject.of({ a: [{ b: infinite }] })).toThrow('cannot be written');
    expect(() => RawObject.trusted('{}').with({ a: Number.NaN })).toThrow(JsonError);
    expect(() => RawObject.of([] as unknown as JsonObject)).toThrow('expected an object');
  });
});

describe('with', () => {
  const key = fc.constantFrom('a', 'b', 'id', '__proto__', 'constructor', '', '1', 'new', 'é"\n', 'toString');
  const change = fc.oneof(
    fc.constant(undefined),
    fc.jsonValue().map((value) => value as JsonValue),
    valueText.map((text) => new RawJson(text)),
    objectText.map((text) => RawObject.trusted(text)),
  );
  const changes = fc.array(fc.tuple(key, change), { maxLength: 6 }).map((pairs) => {
    const object: Record<string, JsonValue | RawJson | RawObject | undefined> = Object.create(null);
    for (const [name, value] of pairs) object[name] = value;
    return object;
  });

  test('gives the edited value, and leaves every other member and its place alone', () => {
    fc.assert(
      fc.property(objectText, changes, (text, edit) => {
        const before = RawObject.parse(text, AMPLE);
        const names = Object.keys(edit);
        const after = before.with(edit);
        RawObject.parse(after.text, AMPLE);
        const kept = before.keys().filter((name) => !(name in edit) || edit[name] !== undefined);
        const added = names.filter((name) => edit[name] !== undefined && !before.has(name));
        expect(after.keys()).toEqual([...kept, ...added]);
        for (const name of after.keys()) {
          const value = edit[name];
          if (value === undefined) expect(after.raw(name)).toBe(before.raw(name) as string);
          else if (value instanceof RawObject || value instanceof RawJson) {
            expect(after.raw(name)).toBe(value.text.trim());
          } else expect(after.raw(name)).toBe(JSON.stringify(value));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('keeps the white space between the members that stay', () => {
    const text = '\n{ "a" : 1 ,\t"b" :2,  "c": 3 }\n';
    const raw = RawObject.parse(text, AMPLE);
    expect(raw.with({ b: 20 }).text).toBe('\n{ "a" : 1 ,\t"b" :20,  "c": 3 }\n');
    expect(raw.with({ a: undefined }).text).toBe('\n{ "b" :2,  "c": 3 }\n');
    expect(raw.with({ b: undefined }).text).toBe('\n{ "a" : 1,  "c": 3 }\n');
    expect(raw.with({ c: undefined }).text).toBe('\n{ "a" : 1 ,\t"b" :2 }\n');
    expect(raw.with({ a: undefined, b: undefined }).text).toBe('\n{ "c": 3 }\n');
    expect(raw.with({ a: undefined, c: undefined }).text).toBe('\n{ "b" :2 }\n');
    expect(raw.with({ b: undefined, c: undefined, d: 4 }).text).toBe('\n{ "a" : 1,"d":4 }\n');
    expect(raw.with({ a: undefined, b: undefined, c: undefined }).text).toBe('\n{  }\n');
    expect(raw.with({ a: undefined, b: undefined, c: undefined, d: 4, e: 5 }).text).toBe(
      '\n{ "d":4,"e":5 }\n',
    );
    expect(RawObject.trusted('{ }').with({ a: 1 }).text).toBe('{ "a":1}');
    expect(RawObject.trusted('{"a":"}"}').with({ a: undefined }).text).toBe('{}');
  });

  test('what changes nothing returns the same object', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const raw = RawObject.parse(text, AMPLE);
        expect(raw.with({})).toBe(raw);
        expect(raw.with({ 'not there': undefined })).toBe(raw);
        const own: Record<string, RawJson> = Object.create(null);
        for (const name of raw.keys()) own[name] = new RawJson(raw.raw(name) ?? '');
        expect(raw.with(own)).toBe(raw);
        for (const name of raw.keys()) {
          const inner = raw.object(name);
          if (inner !== undefined) expect(raw.with({ [name]: inner })).toBe(raw);
        }
      }),
    );
  });

  test('a value that was handed out is put back with its own bytes', () => {
    const raw = RawObject.parse('{"a":{"n":1.0,"big":9007199254740993},"l":[1e2]}', AMPLE);
    const { a } = raw.value;
    expect(raw.with({ a: raw.get('a') })).toBe(raw);
    expect(raw.with({ a, l: raw.get('l') })).toBe(raw);
    expect(raw.with({ a: { n: 1 } }).text).toBe('{"a":{"n":1},"l":[1e2]}');
    expect(raw.with({ l: [100] }).text).toBe('{"a":{"n":1.0,"big":9007199254740993},"l":[100]}');
    const early = RawObject.parse(raw.text, AMPLE);
    const got = early.get('a');
    expect(early.with({ a: early.value.a, l: 0 }).raw('a')).toBe('{"n":1.0,"big":9007199254740993}');
    expect(early.with({ a: got })).toBe(early);
  });

  test('the result can be edited again, and the original is untouched', () => {
    const raw = RawObject.parse('{"a":1,"b":2}', AMPLE);
    const twice = raw
      .with({ c: 3 })
      .with({ a: undefined })
      .with({ c: { d: 1 } });
    expect(twice.text).toBe('{"b":2,"c":{"d":1}}');
    expect(twice.object('c')?.with({ d: 2 }).text).toBe('{"d":2}');
    expect(raw.text).toBe('{"a":1,"b":2}');
  });
});
