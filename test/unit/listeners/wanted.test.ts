// Which events a subscription asked for.
import { expect, test } from 'bun:test';
import { filterRefusal, wantedBy } from '../../../src/listeners/wanted.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

test('a subscription hears what it asked for', () => {
  const wanted = wantedBy(
    RawObject.of({
      toolsListChanged: true,
      promptsListChanged: false,
      resourceSubscriptions: ['a'],
      taskIds: ['t'],
    }),
  );
  const note = (method: string, params = {}) => McpNotification.of(`notifications/${method}`, params);
  expect(wanted(note('tools/list_changed'))).toBe(true);
  for (const method of ['prompts/list_changed', 'resources/list_changed'])
    expect(wanted(note(method))).toBe(false);
  expect([
    wanted(note('resources/updated', { uri: 'a' })),
    wanted(note('resources/updated', { uri: 'b' })),
  ]).toEqual([true, false]);
  expect([wanted(note('tasks', { taskId: 't' })), wanted(note('tasks', { taskId: 'u' }))]).toEqual([
    true,
    false,
  ]);
  expect(wanted(note('other', {}))).toBe(true);
  expect(wantedBy(undefined)(note('tools/list_changed'))).toBe(false);
});

test.each([
  ['{}', 'params.notifications must be'],
  ['{"notifications":[]}', 'params.notifications must be'],
  ['{"notifications":{"toolsListChanged":"yes"}}', 'toolsListChanged must be'],
  ['{"notifications":{"resourceSubscriptions":"test://a"}}', 'resourceSubscriptions must be'],
  ['{"notifications":{"resourceSubscriptions":[1]}}', 'resourceSubscriptions must be'],
  ['{"notifications":{"taskIds":null}}', 'taskIds must be'],
])('%s is no filter', (params, why) => {
  const refusal = filterRefusal(RawObject.of(JSON.parse(params)));
  expect(refusal?.code).toBe(-32602);
  expect(refusal?.raw.string('message')).toContain(why);
});

test('a filter may be empty, and name kinds of events that are not known', () => {
  for (const filter of ['{}', '{"toolsListChanged":false,"com.example/x":"any","resourceSubscriptions":[]}'])
    expect(filterRefusal(RawObject.of(JSON.parse(`{"notifications":${filter}}`)))).toBeUndefined();
});
