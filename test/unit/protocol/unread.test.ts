// Whose a message is that was refused: as far as that can be read.
import { expect, test } from 'bun:test';
import { MessageError, parseBatch, parseMessage } from '../../../src/protocol/jsonrpc.ts';
import { unreadIn } from '../../../src/protocol/unread.ts';

const LIMITS = { depth: 4, keys: 8, string: 16 };
const DEEP = `${'['.repeat(9)}${']'.repeat(9)}`;
const read = (text: string) => [...unreadIn(text)].map(({ id, kind }) => [id.key, kind]);

test.each([
  ['a request', `{"jsonrpc":"2.0","method":"a","params":{"x":${DEEP}},"id":7}`, [['n:7', 'request']]],
  ['an answer', `{"id":"7","jsonrpc":"2.0","result":{"x":${DEEP}}}`, [['s:7', 'answer']]],
  ['an error', `{"id":7,"error":{"x":${DEEP}}}`, [['n:7', 'answer']]],
  ['neither', `{"id":7,"x":${DEEP}}`, [['n:7', 'none']]],
  ['one whose id stands twice', `{"id":7,"id":8,"result":${DEEP}}`, []],
  ['one without', `{"method":"a","params":${DEEP}}`, []],
  ['one whose id is none', `{"id":{},"result":${DEEP}}`, []],
  [
    'a batch',
    ` [ {"id":1,"method":"a"} , 5, "]", [${DEEP}], {"id":2,"result":{}} ] `,
    [
      ['n:1', 'request'],
      ['n:2', 'answer'],
    ],
  ],
  [
    'what breaks off',
    '[{"id":1,"method":"a"},{"id":2,"met',
    [
      ['n:1', 'request'],
      ['n:2', 'none'],
    ],
  ],
  ['nothing', '', []],
  ['an empty batch', '[]', []],
  ['commas', '[,,,]', []],
])('%s', (_, text, expected) => {
  expect(read(text)).toEqual(expected as never);
});

test('a refusal names the limit, and only where it is one', () => {
  const limitOf = (work: () => unknown): string | undefined => {
    try {
      work();
    } catch (error) {
      if (error instanceof MessageError) return error.limit ?? 'none';
    }
    return undefined;
  };
  expect(limitOf(() => parseMessage(`{"id":1,"result":{"x":${DEEP}}}`, LIMITS))).toBe('depth');
  expect(limitOf(() => parseMessage(`{"id":1,"result":{"x":"${'x'.repeat(20)}"}}`, LIMITS))).toBe('string');
  const many = JSON.stringify(Object.fromEntries([...Array(9).keys()].map((i) => [`k${i}`, i])));
  expect(limitOf(() => parseMessage(many, LIMITS))).toBe('keys');
  expect(limitOf(() => parseBatch(`[${many}]`, LIMITS, 9))).toBe('keys');
  expect(limitOf(() => parseMessage('{"id":1,"id":2}', LIMITS))).toBe('none');
  expect(limitOf(() => parseMessage('{"id":1', LIMITS))).toBe('none');
});
