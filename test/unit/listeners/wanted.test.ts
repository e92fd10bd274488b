// Which events a subscription asked for.
import { expect, test } from 'bun:test';
import { wantedBy } from '../../../src/listeners/wanted.ts';
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
