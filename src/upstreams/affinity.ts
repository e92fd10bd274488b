// What a server without sessions gives out to be handed back, the state of a call with several rounds and the ids of
// its tasks, goes back to the place it is from: that place is written before it. Nothing is remembered, so it
// holds after a restart and at another gateway; where the place is gone or away, any other is asked.

import type { Exchange } from '../core/exchange.ts';
import { digest } from '../lib/digest.ts';
import type { McpNotification, McpRequest, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { noteWithTasks, type Rename, requestWithTasks, resultWithTasks } from '../protocol/task-messages.ts';
import type { Target } from './targets.ts';

const MARK = /^@sluice\.([0-9a-f]{8})@/;
const LISTEN = 'subscriptions/listen';

export class Affinity {
  readonly #byTag = new Map<string, Target>();
  readonly #marks = new Map<Target, string>();

  constructor(targets: readonly Target[]) {
    for (const target of targets) {
      const tag = digest(target.url).slice(0, 8);
      this.#byTag.set(tag, target);
      this.#marks.set(target, `@sluice.${tag}@`);
    }
  }

  /** Whether anything has to be written: there is more than one place. */
  get writes(): boolean {
    return this.#marks.size > 1;
  }

  /** Takes what was written out of the request. @returns the place that it names first */
  takeOut(x: Exchange): Target | undefined {
    const { request } = x;
    // Also where one place is left of several.
    if (!request.raw?.text.includes('@sluice.')) return undefined;
    let first: Target | undefined;
    const bare: Rename = (text) => {
      const [mark, tag = ''] = MARK.exec(text) ?? [''];
      first ??= this.#byTag.get(tag);
      return text.slice(mark.length);
    };
    x.replace(unmarked(request, bare));
    return first;
  }

  /** The result of a call at that place, as it goes on from here. */
  writeIn(target: Target | undefined, { request }: Exchange, result: McpResult): McpResult {
    if (!this.writes || !target) return result;
    const mark = this.#mark(target);
    const state = result.kind === 'input_required' ? result.raw.string('requestState') : undefined;
    const named = resultWithTasks(request, result, mark);
    return state === undefined ? named : named.with({ requestState: mark(state) });
  }

  /** The same for a notification. */
  tell(target: Target | undefined, note: McpNotification): McpNotification {
    if (!this.writes || !target) return note;
    const mark = this.#mark(target);
    const filter = note.raw?.object('notifications');
    if (filter?.has('taskIds')) return note.with({ notifications: renamed(filter, mark) });
    return noteWithTasks(note, mark) ?? note;
  }

  #mark(target: Target): (text: string) => string {
    const mark = this.#marks.get(target) ?? '';
    return (text) => `${mark}${text}`;
  }
}

function unmarked(request: McpRequest, bare: Rename): McpRequest {
  const { method, raw } = request;
  const state = raw?.string('requestState');
  const taskId = methodRow(method)?.name === 'taskId' ? raw?.string('taskId') : undefined;
  const filter = method === LISTEN ? raw?.object('notifications') : undefined;
  return requestWithTasks(request, bare).with({
    ...(state === undefined ? {} : { requestState: bare(state) }),
    ...(taskId === undefined ? {} : { taskId: bare(taskId) }),
    ...(filter?.has('taskIds') ? { notifications: renamed(filter, bare) } : {}),
  });
}

function renamed(filter: RawObject, rename: Rename): RawObject {
  const ids = filter.get('taskIds');
  if (!Array.isArray(ids)) return filter;
  return filter.with({
    taskIds: ids.flatMap((id) => (typeof id === 'string' ? [rename(id) ?? id] : [])),
  });
}
