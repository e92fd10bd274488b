// Progress tokens that outlive their call: that of a call that made a task is good until the task is over
// (2025-11-25 basic/utilities/tasks §Task Progress Notifications).

import { LRUCache } from 'lru-cache';
import type { Host } from '../core/host.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Call, Settled } from './call.ts';

export interface TaskToken {
  readonly taskId: string;
  /** The caller's token, as JSON text. */
  readonly theirs: string;
  /** The last progress value, to keep it from going back. */
  progress: number;
}

export class TaskTokens {
  readonly #tokens: LRUCache<string, TaskToken>;

  /** @param most tasks whose progress is known to be somebody's; nothing says when one is over */
  constructor(most: number, host: Host) {
    const full = (_token: TaskToken, _key: string, reason: LRUCache.DisposeReason): void => {
      if (reason === 'evict') host.metrics.limitHits.inc({ limit: 'task_tokens' });
    };
    this.#tokens = new LRUCache({ max: most, dispose: full });
  }

  /** @param key of our token · @param settled how the call ended that it belongs to */
  keep(key: string, { x, progress }: Call, settled: Settled): void {
    const theirs = x.request.meta.progressToken;
    if (settled.kind !== 'result' || theirs === undefined || x.request.raw?.has('task') !== true) return;
    const taskId = settled.raw.object('task')?.string('taskId');
    if (taskId !== undefined) this.#tokens.set(key, { taskId, theirs, progress });
  }

  get(key: string): TaskToken | undefined {
    return this.#tokens.get(key);
  }
}

/** The token under which progress of a task is told on the stream of a call that waits for its result. */
export function tokenFor({ theirs }: TaskToken, waiting: Call | undefined): string | undefined {
  // A call that the gateway made into a task may be in a later round, with a token of its own.
  return waiting?.x.request.method === 'tools/call' ? waiting.x.request.meta.progressToken : theirs;
}

/** Whether it is one for whoever counts: larger than the last. */
export function goesOn(token: { progress: number }, params: RawObject): boolean {
  const value = params.get('progress');
  if (typeof value !== 'number' || value < token.progress) return false;
  token.progress = value;
  return true;
}
