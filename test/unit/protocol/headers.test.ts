// Mcp-* headers mirror the body: values, the standard headers, tool parameters (SEP-2243's case tables).

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  checkParamHeaders,
  checkStandardHeaders,
  decodeHeaderValue,
  encodeHeaderValue,
  HeaderError,
  type ParamDeclaration,
  paramHeaders,
  standardHeaders,
} from '../../../src/protocol/headers.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const get = (headers: Record<string, string>) => {
  const all = new Headers(headers);
  return (name: string) => all.get(name);
};
const params = (text: string) => RawObject.trusted(text);

describe('values', () => {
  test('any string round trips as a legal header value', () => {
    const looksWrapped = fc.string({ unit: 'binary', maxLength: 6 }).map((text) => `=?base64?${text}?=`);
    const padded = fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '\n', '?', '='), maxLength: 8 });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), looksWrapped, padded), (text) => {
        const value = encodeHeaderValue(text);
        expect(value).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
        expect(decodeHeaderValue(value)).toBe(text);
        expect(decodeHeaderValue(new Headers({ x: value }).get('x') ?? '')).toBe(text);
        expect(decodeHeaderValue(` \t${value}\t `)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['us-west1', 'us-west1'],
    ['us west 1', 'us west 1'],
    ['', ''],
    ['~!', '~!'],
    [' us-west1', '=?base64?IHVzLXdlc3Qx?='],
    ['us-west1 ', '=?base64?dXMtd2VzdDEg?='],
    [' us-west1 ', '=?base64?IHVzLXdlc3QxIA==?='],
    ['日本語', '=?base64?5pel5pys6Kqe?='],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['line1\r\nline2', '=?base64?bGluZTENCmxpbmUy?='],
    ['\tindented', '=?base64?CWluZGVudGVk?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['file:///path/to/file%20name.txt', 'file:///path/to/file%20name.txt'],
  ])('%j is written %j', (text, value) => {
    expect(encodeHeaderValue(text)).toBe(value);
    expect(decodeHeaderValue(value)).toBe(text);
  });

  test.each([
    ['SGVsbG8='],
    ['=?base64?SGVsbG8='],
    ['=?BASE64?SGVsbG8=?='],
    ['=?base64?='],
    ['SGVsbG8=?='],
    ['a\tb'],
  ])('%s is literal', (value) => {
    expect(decodeHeaderValue(value)).toBe(value);
  });

  test.each([
    ['no padding', '=?base64?SGVsbG8?='],
    ['too much padding', '=?base64?SGVsbG8==?='],
    ['another alphabet', '=?base64?SGVs!!!bG8=?='],
    ['the URL alphabet', '=?base64?PT9-_w==?='],
    ['white space', '=?base64?SGVs bG8=?='],
    ['stray bits', '=?base64?SGVsbG9=?='],
    ['no UTF-8', '=?base64?/w==?='],
    ['raw non-ASCII', 'Région'],
    ['a control character', 'a\x01b'],
    ['DEL', 'a\x7fb'],
  ])('%s is malformed', (_, value) => {
    expect(() => decodeHeaderValue(value)).toThrow(HeaderError);
  });

  test('an empty payload is the empty string', () => {
    expect(decodeHeaderValue('=?base64??=')).toBe('');
  });

  test('a lone surrogate cannot be written', () => {
    expect(() => encodeHeaderValue('a\ud800')).toThrow(HeaderError);
  });
});

describe('standard headers', () => {
  test.each([
    ['tools/call', '{"name":"github__search"}', 'github__search'],
    ['prompts/get', '{"name":" é"}', '=?base64?IMOp?='],
    ['resources/read', '{"uri":"file:///a","name":"not this"}', 'file:///a'],
    ['tasks/get', '{"taskId":"t1"}', 't1'],
    ['tasks/update', '{"taskId":"t1"}', 't1'],
    ['tasks/cancel', '{"taskId":"t1"}', 't1'],
    ['tools/call', '{"name":"m\\u0065"}', 'me'],
    ['tools/call', '{"name":7}', undefined],
    ['tools/call', '{}', undefined],
    ['tools/list', '{"name":"x"}', undefined],
    ['constructor', '{"name":"x"}', undefined],
  ])('%s %s', (method, text, name) => {
    const headers = standardHeaders(method, params(text));
    expect(headers).toEqual({ 'Mcp-Method': method, ...(name === undefined ? {} : { 'Mcp-Name': name }) });
    expect(checkStandardHeaders(get(headers), method, params(text))).toBeUndefined();
  });

  test('no params, and a method that cannot be a header', () => {
    expect(standardHeaders('tools/call', undefined)).toEqual({ 'Mcp-Method': 'tools/call' });
    for (const bad of ['a\r\nX: y', 'é', ' a', 'a\t'])
      expect(() => standardHeaders(bad, undefined)).toThrow(HeaderError);
  });

  const call = params('{"name":"foo"}');
  test.each([
    [{ 'mcp-method': 'tools/call', 'MCP-NAME': ' foo ' }, undefined],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': '=?base64?Zm9v?=' }, undefined],
    [{ 'Mcp-Name': 'foo' }, 'the Mcp-Method header is missing'],
    [{ 'Mcp-Method': 'TOOLS/CALL', 'Mcp-Name': 'foo' }, 'says "TOOLS/CALL"'],
    [{ 'Mcp-Method': 'prompts/get', 'Mcp-Name': 'foo' }, 'but the body says "tools/call"'],
    [{ 'Mcp-Method': 'tools/call' }, 'the Mcp-Name header is missing'],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': '' }, 'says ""'],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': 'Foo' }, 'says "Foo", but the body says "foo"'],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': 'foo, foo' }, 'says "foo, foo"'],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': '=?base64?Zm9?=' }, 'malformed'],
  ])('%j', (headers, reason) => {
    const found = checkStandardHeaders(get(headers as Record<string, string>), 'tools/call', call);
    if (reason === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(reason);
  });

  test('a name in the header alone is refused', () => {
    const stated = get({ 'Mcp-Method': 'tools/call', 'Mcp-Name': 'foo' });
    expect(checkStandardHeaders(stated, 'tools/call', params('{}'))).toContain('the body has no params.name');
    expect(checkStandardHeaders(stated, 'tools/call', undefined)).toContain('the body has no params.name');
  });
});

describe('parameter headers', () => {
  const declarations: ParamDeclaration[] = [
    { header: 'Region', path: ['region'], type: 'string' },
    { header: 'Count', path: ['page', 'count'], type: 'integer' },
    { header: 'Dry', path: ['dry'], type: 'boolean' },
  ];
  const check = (headers: Record<string, string>, args?: string) =>
    checkParamHeaders(get(headers), declarations, args === undefined ? undefined : params(args));

  test.each([
    ['{"region":"eu","page":{"count":42},"dry":false}', { Region: 'eu', Count: '42', Dry: 'false' }],
    ['{"region":"","page":{"count":-0.0}}', { Region: '', Count: '0' }],
    ['{"region":null,"page":null,"dry":null}', {}],
    ['{"region":" é","page":{"count":4.2e1}}', { Region: '=?base64?IMOp?=', Count: '42' }],
    ['{"region":{"a":1},"page":[1],"dry":[]}', {}],
    ['{"region":5,"page":{"count":"5"},"dry":"true"}', { Region: '5', Count: '5', Dry: 'true' }],
    ['{"Region":"x","page.count":1}', {}],
    ['{}', {}],
  ])('%s', (args, expected) => {
    const headers = paramHeaders(declarations, params(args));
    const named = Object.fromEntries(
      Object.entries(expected).map(([name, value]) => [`Mcp-Param-${name}`, value]),
    );
    expect(headers).toEqual(named);
    expect(check(headers, args)).toBeUndefined();
  });

  test('no arguments, no headers', () => {
    expect(paramHeaders(declarations, undefined)).toEqual({});
    expect(check({})).toBeUndefined();
    expect(check({ 'Mcp-Param-Other': 'x' }, '{}')).toBeUndefined();
  });

  test.each([
    ['{"region":"eu"}', {}, 'Mcp-Param-Region header is missing'],
    ['{"region":"eu"}', { Region: 'us' }, 'says "us", but the body says "eu"'],
    ['{"region":"eu"}', { Region: 'EU' }, 'says "EU"'],
    ['{"region":"Hello"}', { Region: '=?base64?SGVsbG8?=' }, 'malformed'],
    ['{}', { Region: 'eu' }, 'present, but the body has no region'],
    ['{"region":null}', { Region: 'null' }, 'present, but the body has no region'],
    ['{"page":{"count":42}}', { Count: '43' }, 'says "43"'],
    ['{"page":{"count":42}}', { Count: '0x2a' }, 'says "0x2a"'],
    ['{"page":{"count":42}}', { Count: '42.5' }, 'says "42.5"'],
    ['{"page":{"count":42}}', { Count: '42.00000000000000000001' }, 'says "42.0000'],
    ['{"page":{"count":9007199254740993}}', { Count: '9007199254740993' }, 'beyond'],
    ['{"page":{"count":1e400}}', { Count: 'Infinity' }, 'beyond'],
    ['{"dry":true}', { Dry: 'TRUE' }, 'says "TRUE"'],
    ['{"dry":true}', { Dry: '1' }, 'says "1"'],
  ])('%s %j disagree', (args, stated, reason) => {
    const headers = Object.fromEntries(
      Object.entries(stated).map(([name, value]) => [`Mcp-Param-${name}`, value]),
    );
    expect(check(headers, args)).toContain(reason);
  });

  test('integers agree by their number, in any letter case of the name', () => {
    for (const text of ['42', '42.0', '42.000', '=?base64?NDI=?=', ' 42 ']) {
      expect(check({ 'MCP-PARAM-COUNT': text }, '{"page":{"count":42.0}}')).toBeUndefined();
    }
    expect(
      check({ 'mcp-param-count': '-9007199254740991' }, '{"page":{"count":-9007199254740991}}'),
    ).toBeUndefined();
  });

  test('what no header can carry is refused', () => {
    for (const count of ['9007199254740993', '-1e300', '1e400']) {
      expect(() => paramHeaders(declarations, params(`{"page":{"count":${count}}}`))).toThrow(
        'page.count is a number',
      );
    }
    expect(() => paramHeaders(declarations, params('{"region":"\\ud800"}'))).toThrow(HeaderError);
  });

  test('our headers agree with our check', () => {
    const args = fc.record(
      {
        region: fc.string({ unit: 'binary' }),
        page: fc.record({ count: fc.maxSafeInteger() }),
        dry: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(args, (value) => {
        const raw = RawObject.of(value);
        expect(checkParamHeaders(get(paramHeaders(declarations, raw)), declarations, raw)).toBeUndefined();
      }),
    );
  });
});
