// Whose a method is that only an extension can have.
import { expect, test } from 'bun:test';
import type { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, codeOf, exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const having = (name: string, ...extensions: string[]) =>
  source(
    name,
    { 'widgets/list': { from: name }, 'other/list': { from: name } },
    { capabilities: { extensions: Object.fromEntries([...extensions, TASKS].map((each) => [each, {}])) } },
  );
const WIDGETS = 'com.example/widgets';
const from = (result: McpResult): unknown => result.value.from ?? codeOf(result);

test.each([
  ['the one that has the only extension', [having('a'), having('b', 'com.example/x')], 'b', 'b'],
  [
    'the one whose extension is called so',
    [having('a', 'x', 'y'), having('b', WIDGETS)],
    'b',
    'METHOD_UNKNOWN',
  ],
  [
    'nobody, where several have it',
    [having('a', WIDGETS), having('b', WIDGETS)],
    'METHOD_UNKNOWN',
    'METHOD_UNKNOWN',
  ],
  ['nobody, where none has any', [having('a'), having('b')], 'METHOD_UNKNOWN', 'METHOD_UNKNOWN'],
  [
    'nobody while the one that may have it is not there',
    [having('a'), source('b', {}, new Error('down'))],
    'METHOD_UNKNOWN',
    'METHOD_UNKNOWN',
  ],
] as const)('an unknown method is of %s', async (_who, sources, widgets, other) => {
  const { handle } = routerOver(sources);
  expect([
    from(await handle(exchange('widgets/list', {}))),
    from(await handle(exchange('other/list', {}))),
  ]).toEqual([widgets, other]);
});

test('sessions, which are told of no extensions, have no such methods', async () => {
  const upstream = having('b', WIDGETS);
  const { handle } = routerOver([having('a'), upstream]);
  const client = clientOf({ era: '2025', session: 's' });
  expect(codeOf(await handle(exchange('widgets/list', {}, { client })))).toBe('METHOD_UNKNOWN');
  expect(upstream.asked()).toEqual([]);
});
