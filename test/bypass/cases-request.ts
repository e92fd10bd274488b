// Groups 43–46, 49: a request that says two things at once.
import { type Case, changes } from './case.ts';
import { MODERN, WAYS } from './scene.ts';

const twin = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const posts = WAYS.filter(({ method }) => method === 'POST');
const body = (from: string, to: string) => ({ body: (text: string) => text.replace(from, to) });
/** A header with other values than it should have, or with none. */
export const instead = (name: string, ...values: string[]) => ({
  without: [name],
  lines: values.map((value) => `${name}: ${value}`),
});
const mismatch = { ways: MODERN, status: 400, code: -32020 } as const;

export default [
  ...changes(
    43,
    {
      'another name': instead('mcp-name', 'other'),
      'another name, encoded': instead('mcp-name', twin('other')),
      'the name with a space that counts': instead('mcp-name', twin(' other')),
      'two names': { lines: ['Mcp-Name: other'] },
      'no name': instead('mcp-name'),
      'an empty name': instead('mcp-name', ''),
    },
    mismatch,
  ),
  ...changes(
    44,
    {
      'a list for a call': instead('mcp-method', 'tools/list'),
      'a method in other letters': instead('mcp-method', 'Tools/Call'),
      'two methods': { lines: ['Mcp-Method: tools/list'] },
      'no method': instead('mcp-method'),
    },
    mismatch,
  ),
  ...changes(45, {
    'without a credential, of 2024': { proof: [], ...instead('mcp-protocol-version', '2024-11-05') },
    'without a credential, of 2025': { proof: [], ...instead('mcp-protocol-version', '2025-03-26') },
    'without a credential, of no version': { proof: [], ...instead('mcp-protocol-version') },
    'without a credential, of two': {
      proof: [],
      ...instead('mcp-protocol-version', '2026-07-28', '2025-11-25'),
    },
    'without a credential, of a word': { proof: [], ...instead('mcp-protocol-version', 'latest') },
  }),
  // Of such a version there is no GET and no DELETE for anybody.
  ...changes(
    45,
    {
      'without a credential, of an age to come': {
        proof: [],
        ...instead('mcp-protocol-version', '2999-01-01'),
      },
    },
    { ways: posts },
  ),
  ...changes(
    46,
    {
      'another method before it': body('{', '{"method":"tools/list",'),
      'another method behind it': { body: (text) => text.replace(/\}$/, ',"method":"tools/list"}') },
      'another method, encoded': body('{', '{"m\\u0065thod":"tools/list",'),
      'a Method beside it': body('{', '{"Method":"tools/list",'),
      'paramſ beside params': body('{', '{"param\u017f":{},'),
      'params twice': body('"params":{', '"params":{},"params":{'),
      'a name twice': body('"params":{', '"params":{"_meta":{},"_meta":{},'),
    },
    { ways: posts, status: 400 },
  ),
  ...changes(
    49,
    {
      'the name with an underscore': { without: ['mcp-name'], lines: ['mcp_name: other'] },
      'the method with an underscore': { without: ['mcp-method'], lines: ['mcp_method: tools/list'] },
    },
    mismatch,
  ),
] satisfies Case[];
