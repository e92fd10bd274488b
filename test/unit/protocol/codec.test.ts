// What an era's wire has of tasks that the other has not.
import { describe, expect, test } from 'bun:test';
import { forStatelessClient, statelessCapabilities, statelessResult } from '../../../src/protocol/codec.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const raw = (value: object): RawObject => RawObject.of({ ...value });

describe('a task in place of a result', () => {
  const task = raw({ resultType: 'task', taskId: 't', status: 'working' });

  test('is one for a call of a tool by a client that takes it, and for no other', () => {
    const taken = statelessResult('tools/call', task, true);
    expect([taken?.kind, taken?.raw.string('resultType')]).toEqual(['complete', 'task']);
    expect(statelessResult('tools/call', task, false)).toBeUndefined();
    for (const method of ['prompts/get', 'resources/read', 'tasks/get', 'x/y'])
      expect(statelessResult(method, task, true)).toBeUndefined();
  });

  test('has an id', () => {
    for (const bad of [{ resultType: 'task' }, { resultType: 'task', taskId: 1 }])
      expect(statelessResult('tools/call', raw(bad), true)).toBeUndefined();
  });

  test('keeps its type toward the client', () => {
    const { raw: told } = forStatelessClient('tools/call', new McpResult('complete', task));
    expect(told.text).toBe(task.text);
  });
});

const declared = (capabilities: object, version = '2025-11-25') =>
  statelessCapabilities({
    version,
    info: undefined,
    logLevel: undefined,
    capabilities: raw({ ...capabilities }),
  }).value;

test('a session declares no tasks to a server of 2026-07-28', () => {
  const extensions = { [TASKS]: {}, 'com.example/x': { a: 1 } };
  expect(declared({ tasks: { list: {} }, extensions, roots: { listChanged: true } })).toEqual({
    extensions: { 'com.example/x': { a: 1 } },
    roots: {},
  });
  expect(declared({ extensions: { [TASKS]: {} } })).toEqual({});
  const elicitation = { form: {}, url: {} };
  expect(declared({ elicitation })).toEqual({ elicitation });
  expect(declared({ elicitation }, '2025-06-18')).toEqual({ elicitation: { form: {} } });
});

test('a client of 2026-07-28 hears nothing of the tasks of sessions', () => {
  const told = (method: string, value: object) =>
    forStatelessClient(method, new McpResult('complete', raw(value))).value as Record<string, unknown>;
  expect(told('server/discover', { capabilities: { tools: {}, tasks: { list: {} } } }).capabilities).toEqual({
    tools: {},
  });
  const tools = [{ name: 'a', execution: { taskSupport: 'required' } }, { name: 'b' }];
  expect(told('tools/list', { tools }).tools).toEqual([{ name: 'a' }, { name: 'b' }]);
});
