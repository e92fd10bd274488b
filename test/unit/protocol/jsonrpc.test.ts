// One text is one message or is refused: parseMessage, batches and the writers.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  errorText,
  isBatch,
  type Message,
  MessageError,
  notificationText,
  parseBatch,
  parseMessage,
  requestText,
  resultText,
} from '../../../src/protocol/jsonrpc.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { AMPLE, objectText } from './json-text.ts';

const LIMITS = { depth: 20, keys: 1000, string: 100_000 };

function refusal(run: () => unknown): { code: number; id: string | undefined; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof MessageError)
      return { code: error.code, id: error.id?.text, message: error.message };
    throw error;
  }
  throw new Error('was accepted');
}

const parse = (text: string): Message => parseMessage(text, LIMITS);
const refused = (text: string) => {
  const { code, id } = refusal(() => parse(text));
  return [code, id];
};

describe('parseMessage', () => {
  test('tells the four kinds', () => {
    const request = parse('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x"}}');
    expect(request).toMatchObject({ kind: 'request', id: { text: '"a"', key: 's:a' }, method: 'tools/call' });
    expect(request.kind === 'request' && request.params?.string('name')).toBe('x');
    const note = parse('{"jsonrpc":"2.0","method":"notifications/x"}');
    expect(note).toMatchObject({ kind: 'notification', method: 'notifications/x', params: undefined });
    const result = parse('{"result":{"a":1.0},"id":0,"jsonrpc":"2.0"}');
    expect(result.kind === 'result' && [result.id.key, result.result.text]).toEqual(['n:0', '{"a":1.0}']);
    const error = parse('{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"m"}}');
    expect(error.kind === 'error' && [error.id?.text, error.error.get('code')]).toEqual(['7', -1]);
  });

  test('an error may have no id or a null one', () => {
    expect(parse('{"jsonrpc":"2.0","id":null,"error":{}}')).toMatchObject({ kind: 'error', id: undefined });
    expect(parse('{"jsonrpc":"2.0","error":{}}')).toMatchObject({ kind: 'error', id: undefined });
    expect(refused('{"jsonrpc":"2.0","id":1.5,"error":{}}')).toEqual([-32600, undefined]);
  });

  test('absent params stay absent, empty ones empty, unknown members stay', () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"m","params":{ "x":-0, "y":[1e400] },"extra":{"k":1}}';
    const message = parse(text);
    expect(message.raw.text).toBe(text);
    expect(message.kind === 'request' && message.params?.text).toBe('{ "x":-0, "y":[1e400] }');
    const empty = parse('{"jsonrpc":"2.0","id":1,"method":"m","params":{}}');
    expect(empty.kind === 'request' && empty.params?.keys()).toEqual([]);
  });

  test('a method spelled with escapes is that method', () => {
    const message = parse('{"jsonrpc":"2.\\u0030","id":1,"m\\u0065thod":"tools\\/c\\u0061ll"}');
    expect(message).toMatchObject({ kind: 'request', method: 'tools/call' });
  });

  test.each([
    ['', -32700, undefined],
    ['{', -32700, undefined],
    ['{"jsonrpc":"2.0","id":1,"method":"m"', -32700, undefined],
    ['{"jsonrpc":"2.0","id":01,"method":"m"}', -32700, undefined],
    ['\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}', -32700, undefined],
    ['1', -32600, undefined],
    ['"x"', -32600, undefined],
    ['[]', -32600, undefined],
    ['{}', -32600, undefined],
    ['{"id":1,"method":"m"}', -32600, '1'],
    ['{"jsonrpc":"1.0","id":1,"method":"m"}', -32600, '1'],
    ['{"jsonrpc":2.0,"id":1,"method":"m"}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":2}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":null}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":2,"result":{}}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', -32600, undefined],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', -32600, undefined],
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', -32600, undefined],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":null}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}', -32600, '1'],
    ['{"jsonrpc":"2.0","method":"m","params":7}', -32600, undefined],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","result":{}}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","error":{}}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"result":[]}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"result":null}', -32600, '1'],
    ['{"jsonrpc":"2.0","id":1,"error":"x"}', -32600, '1'],
    ['{"jsonrpc":"2.0","result":{}}', -32600, undefined],
    ['{"jsonrpc":"2.0","id":null,"result":{}}', -32600, undefined],
  ] as const)('%s -> %d, id %s', (text, code, id) => {
    expect(refused(text)).toEqual([code, id]);
  });

  test('duplicate keys at any level are -32600, with the id when it is there once', () => {
    expect(refused('{"jsonrpc":"2.0","id":5,"method":"a","method":"b"}')).toEqual([-32600, '5']);
    expect(refused('{"jsonrpc":"2.0","method":"a","params":{"x":{"y":1,"y":2}},"id":"z"}')).toEqual([
      -32600,
      '"z"',
    ]);
    expect(refused('{"jsonrpc":"2.0","id":5,"id":6,"method":"a"}')).toEqual([-32600, undefined]);
    expect(refused('{"jsonrpc":"2.0","id":5,"i\\u0064":6,"method":"a"}')).toEqual([-32600, undefined]);
    expect(refused('{"a":1,"a":2,"id":"')).toEqual([-32600, undefined]);
  });

  test('a text over a limit is -32600 with its id', () => {
    const deep = `{"jsonrpc":"2.0","id":3,"method":"m","params":{"a":${'['.repeat(30)}${']'.repeat(30)}}}`;
    expect(refused(deep)).toEqual([-32600, '3']);
    const wide = `{"jsonrpc":"2.0","id":4,"method":"m","params":{${Array.from({ length: 1001 }, (_, i) => `"k${i}":0`)}}}`;
    expect(refused(wide)).toEqual([-32600, '4']);
  });

  test.each([
    ['"ID":2', ''],
    ['"Method":"x"', ''],
    ['"para\u017fms":1,"param\u017f":{}', ''],
    ['"x":0', '"Name":"y"'],
    ['"x":0', '"ARGUMENTS":{}'],
    ['"x":0', '"reque\u017ftState":"s"'],
    ['"x":0', '"tas\u212a":{}'],
    ['"x":0', '"_Meta":{}'],
    ['"x":0', '"_meta":{"ProgressToken":1}'],
    ['"x":0', '"_meta":{"progressTo\u212aen":1}'],
    ['"x":0', '"_meta":{"IO.modelcontextprotocol/protocolVersion":"2026-07-28"}'],
    ['"x":0', '"_meta":{"io.modelcontextprotocol/loglevel":"debug"}'],
  ])('a twin of a reserved key is refused: %s %s', (top, params) => {
    const { code, id, message } = refusal(() =>
      parse(`{"jsonrpc":"2.0","id":1,"method":"m",${top},"params":{${params}}}`),
    );
    expect([code, id]).toEqual([-32600, '1']);
    expect(message).toContain('mistaken');
  });

  test('twins are nobody’s business in arguments and results', () => {
    const call =
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"Name":1,"ID":2,"URI":3},"_meta":{"x/Y":1}}}';
    expect(parse(call).kind).toBe('request');
    expect(parse('{"jsonrpc":"2.0","id":1,"result":{"Name":1,"_Meta":{}}}').kind).toBe('result');
    expect(refused('{"jsonrpc":"2.0","id":1,"Result":{},"result":{}}')).toEqual([-32600, '1']);
  });
});

describe('batches', () => {
  test('are told by their first character', () => {
    expect([isBatch(' \r\n[1]'), isBatch('['), isBatch('{"a":[]}'), isBatch(''), isBatch('"["')]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('come apart into the bytes of their elements', () => {
    fc.assert(
      fc.property(fc.array(objectText, { minLength: 1, maxLength: 6 }), (texts) => {
        const elements = parseBatch(` [${texts.join(',')}] `, AMPLE, 6);
        expect(elements).toEqual(texts.map((text) => text.trim()));
      }),
    );
    expect(parseBatch('[1, "x" ,[2]]', LIMITS, 3)).toEqual(['1', '"x"', '[2]']);
  });

  test.each([
    ['[]', -32600],
    [' [ ] ', -32600],
    ['{}', -32600],
    ['{"a":{}}', -32600],
    ['[{}', -32700],
    ['[{},]', -32700],
    ['[{}] x', -32700],
    ['[{"a":1,"a":2}]', -32600],
    [`[${'{},'.repeat(10)}{}]`, -32600],
    [`[${'['.repeat(25)}${']'.repeat(25)}]`, -32600],
  ])('%s is refused with %d', (text, code) => {
    expect(refusal(() => parseBatch(text, LIMITS, 10)).code).toBe(code);
  });

  test('an element may be as deep as a message of its own', () => {
    const deepest = `{"a":${'['.repeat(19)}${']'.repeat(19)}}`;
    expect(parseBatch(`[${deepest}]`, LIMITS, 10)).toEqual([deepest]);
  });
});

describe('writers', () => {
  const object = RawObject.trusted('{ "a":1.0 }');

  test('write what parseMessage reads', () => {
    expect(requestText('"x"', 'a/"b"', object)).toBe(
      '{"jsonrpc":"2.0","id":"x","method":"a/\\"b\\"","params":{ "a":1.0 }}',
    );
    expect(requestText('1', 'm')).toBe('{"jsonrpc":"2.0","id":1,"method":"m"}');
    expect(notificationText('m', object)).toBe('{"jsonrpc":"2.0","method":"m","params":{ "a":1.0 }}');
    expect(notificationText('m')).toBe('{"jsonrpc":"2.0","method":"m"}');
    expect(resultText('9007199254740993', object)).toBe(
      '{"jsonrpc":"2.0","id":9007199254740993,"result":{ "a":1.0 }}',
    );
    expect(errorText('0', object)).toBe('{"jsonrpc":"2.0","id":0,"error":{ "a":1.0 }}');
    expect(errorText(null, object)).toBe('{"jsonrpc":"2.0","id":null,"error":{ "a":1.0 }}');
    expect(errorText(undefined, object)).toBe('{"jsonrpc":"2.0","error":{ "a":1.0 }}');
  });

  test('any method and params come back from their own text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), objectText, (method, params) => {
        const message = parseMessage(
          requestText('1', method, RawObject.trusted(`{"arguments":${params}}`)),
          AMPLE,
        );
        expect(message.kind === 'request' && message.method).toBe(method);
        expect(message.kind === 'request' && message.params?.raw('arguments')).toBe(params.trim());
      }),
    );
  });
});
