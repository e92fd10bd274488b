// What a client is told of the progress of its call, over all rounds of it: each may begin anew at an upstream, but
// for the client it is one call, and its progress never goes back. While it waits for the client's user, it says so.

import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { McpNotification, META } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';

const PROGRESS = 'notifications/progress';
const WAITING = 'waiting for your answer';

export interface CallProgress {
  readonly emit: Emit;
  /** Tells at once, and again `every` so many milliseconds, that the answer is waited for, until stopped. */
  waiting(every: number): () => void;
}

/** @param token the client's progress token as JSON text; without one it hears nothing of this */
export function callProgress(token: string | undefined, out: Emit, host: Host): CallProgress {
  let last: number | undefined;
  const emit: Emit = (note) => {
    const value = note.method === PROGRESS ? note.raw?.get('progress') : undefined;
    if (typeof value === 'number') {
      if (last !== undefined && value < last) {
        host.metrics.dropped.inc({ reason: 'progress_decreasing' });
        return undefined;
      }
      last = value;
    }
    return out(note);
  };
  return {
    emit,
    waiting(every) {
      if (token === undefined) return () => {};
      const tell = (): void => {
        // It has to increase (2025-11-25 basic/utilities/progress), and must leave room for what the upstream says next.
        last = last === undefined ? 0 : nextAfter(last);
        const params = RawObject.of({ progress: last, message: WAITING });
        const note = new McpNotification(PROGRESS, params.with({ [META.progressToken]: new RawJson(token) }));
        void Promise.resolve(out(note)).catch(() => {});
      };
      tell();
      const timer = setInterval(tell, every);
      return () => clearInterval(timer);
    },
  };
}

/** A number just above. */
function nextAfter(value: number): number {
  return value + Math.max(Math.abs(value), 1) * Number.EPSILON;
}
