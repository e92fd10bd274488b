// Where task ids stand in messages, and each of them renamed: toward a client into names of this gateway, toward
// an upstream into its own.

import { RELATED_TASK } from './extensions.ts';
import type { McpNotification, McpRequest, McpResult } from './message.ts';
import { methodRow } from './methods.ts';
import type { RawObject } from './raw.ts';

/** @returns undefined for an id that must not go on */
export type Rename = (id: string) => string | undefined;

/**
 * A result with its task ids renamed.
 * @throws TaskIdError when the task it is about cannot be named
 */
export function resultWithTasks(request: McpRequest, result: McpResult, rename: Rename): McpResult {
  const { method } = request;
  const row = methodRow(method);
  if (result.kind === 'error' || !(row?.tasks || row?.name === 'taskId')) return result;
  if (!result.raw.text.includes('taskId')) return result;
  const { raw } = result;
  const changes = {
    ...related(raw, rename),
    ...(row.name === 'taskId' || raw.string('resultType') === 'task' ? own(raw, rename) : {}),
    ...nested(raw, 'task', request.raw?.has('task') === true, (task) => own(task, rename)),
    ...nested(raw, 'result', row.name === 'taskId', (inner) => related(inner, rename)),
    ...inputs(raw, rename),
  };
  return result.with(changes);
}

/** A notification with its task ids renamed; undefined when it is about a task that cannot be named. */
export function noteWithTasks(note: McpNotification, rename: Rename): McpNotification | undefined {
  const { method, raw } = note;
  if (!raw?.text.includes('taskId')) return note;
  try {
    const status = method.startsWith('notifications/tasks');
    const changes = {
      ...related(raw, rename),
      ...(status ? own(raw, rename) : {}),
      ...nested(raw, 'result', status, (inner) => related(inner, rename)),
      ...(status ? inputs(raw, rename) : {}),
    };
    return note.with(changes);
  } catch (error) {
    if (error instanceof TaskIdError) return undefined;
    throw error;
  }
}

/** A request with the tasks renamed that it or its answers belong to. What is not the caller's is left out. */
export function requestWithTasks(request: McpRequest, rename: Rename): McpRequest {
  const { raw } = request;
  if (!raw?.text.includes(RELATED_TASK)) return request;
  const answers = raw.object('inputResponses');
  return request.with({
    ...related(raw, rename),
    ...(answers ? { inputResponses: each(answers, (answer) => answer.with(related(answer, rename))) } : {}),
  });
}

export class TaskIdError extends Error {}

type Changes = Record<string, string | RawObject | undefined>;

function own(task: RawObject, rename: Rename): Changes {
  const id = task.string('taskId');
  if (id === undefined) return {};
  const renamed = rename(id);
  if (renamed === undefined) throw new TaskIdError('a task has an id that is too long');
  return { taskId: renamed };
}

function related(object: RawObject, rename: Rename): Changes {
  const meta = object.object('_meta');
  const task = meta?.object(RELATED_TASK);
  const id = task?.string('taskId');
  if (!meta || !task || id === undefined) return {};
  const taskId = rename(id);
  const bare = meta.with({ [RELATED_TASK]: taskId === undefined ? undefined : task.with({ taskId }) });
  return { _meta: bare.keys().length === 0 ? undefined : bare };
}

/** What a task, or a call, asks of the client. */
function inputs(raw: RawObject, rename: Rename): Changes {
  const requests = raw.object('inputRequests');
  if (!requests) return {};
  const renamed = each(requests, (request) => {
    const params = request.object('params');
    return params ? request.with({ params: params.with(related(params, rename)) }) : request;
  });
  return { inputRequests: renamed };
}

function nested(
  raw: RawObject,
  key: string,
  applies: boolean,
  change: (inner: RawObject) => Changes,
): Changes {
  const inner = applies ? raw.object(key) : undefined;
  return inner ? { [key]: inner.with(change(inner)) } : {};
}

function each(object: RawObject, change: (member: RawObject) => RawObject): RawObject {
  const members = object.keys().flatMap((key) => {
    const member = object.object(key);
    return member ? [[key, change(member)] as const] : [];
  });
  return object.with(Object.fromEntries(members));
}
