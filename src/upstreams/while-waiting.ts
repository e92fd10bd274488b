// What a caller that wants progress is told while its call waits here and nothing has been sent to its upstream yet.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification, META } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';

const PROGRESS = 'notifications/progress';

export interface Waiting {
  /** For what comes after: progress that would go back behind what was told here is left out. */
  readonly emit: Emit;
  stop(): void;
}

/** Says `message` at once, and again `every` so many milliseconds until stopped. */
export function whileWaiting(x: Exchange, emit: Emit, message: string, every: number): Waiting {
  const token = x.request.meta.progressToken;
  if (token === undefined) return { emit, stop() {} };
  // Below all that an upstream is likely to begin with, and rising: it has to (2025-11-25 basic/utilities/progress).
  let last = 0;
  const tell = (): void => {
    const params = RawObject.of({ progress: last, message });
    const note = new McpNotification(PROGRESS, params.with({ [META.progressToken]: new RawJson(token) }));
    void Promise.resolve(emit(note)).catch(() => {});
  };
  tell();
  const timer = setInterval(() => {
    last += Number.EPSILON;
    tell();
  }, every);
  return {
    emit(note) {
      const value = note.method === PROGRESS ? note.raw?.get('progress') : undefined;
      return typeof value === 'number' && value <= last ? undefined : emit(note);
    },
    stop: () => clearInterval(timer),
  };
}
