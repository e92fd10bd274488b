// One leg whose upstream knows its tasks by other names than the client does.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import {
  noteWithTasks,
  type Rename,
  requestWithTasks,
  resultWithTasks,
  TaskIdError,
} from '../protocol/task-messages.ts';
import type { Source } from './source.ts';
import type { TaskNames } from './tasks.ts';

/** @param request as the upstream is to have it, but for the tasks it names */
export async function legWithTasks(
  source: Source,
  request: McpRequest,
  x: Exchange,
  emit: Emit,
  tasks: TaskNames,
): Promise<McpResult> {
  const { name: upstream } = source;
  const tool = madeBy(x, tasks);
  const outward: Rename = (id) => tasks.outward({ upstream, id, tool }, x);
  const inward: Rename = (name) => {
    const task = tasks.inward(name, x);
    return task?.upstream === upstream ? task.id : undefined;
  };
  const result = await source.handle(x.fork(upstream, requestWithTasks(request, inward)), (note) => {
    const told = noteWithTasks(note, outward);
    return told && emit(told);
  });
  try {
    return resultWithTasks(x.request, result, outward);
  } catch (error) {
    if (!(error instanceof TaskIdError)) throw error;
    const detail = `The upstream "${upstream}" gave an id of more than ${tasks.longest()} characters to a task.`;
    return errorResult('UPSTREAM_INVALID', detail, { upstream, requestId: x.id });
  }
}

/** The tool whose task this is about. */
function madeBy(x: Exchange, tasks: TaskNames): string | undefined {
  const { method, raw } = x.request;
  if (method === 'tools/call') return x.route.kind === 'one' ? x.route.name : undefined;
  const name = methodRow(method)?.name === 'taskId' ? raw?.string('taskId') : undefined;
  return name === undefined ? undefined : tasks.inward(name, x)?.tool;
}
