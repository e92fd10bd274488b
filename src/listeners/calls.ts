// The calls of one client that run, by the ids it gave them, so that it can cancel them.

import type { RawId } from '../protocol/jsonrpc.ts';

/** The reason of a call that its client has cancelled. */
export const CALLER_CANCELLED = new Error('cancelled by the client');
/** The reason for what is left of a call that has been answered. */
export const CALL_OVER = new Error('the call is over');

export class Calls {
  readonly #calls = new Map<string, Set<AbortController>>();

  get size(): number {
    return this.#calls.size;
  }

  /**
   * Registers a call. `end` is for when its answer is out; with a reason, what still waits for the call somewhere
   * goes with it, such as a question that nobody will be asked.
   */
  begin(id: RawId): { signal: AbortSignal; end: (reason?: Error) => void } {
    const controller = new AbortController();
    const same = this.#calls.get(id.key) ?? new Set();
    this.#calls.set(id.key, same.add(controller));
    return {
      signal: controller.signal,
      end: (reason) => {
        same.delete(controller);
        if (same.size === 0) this.#calls.delete(id.key);
        if (reason) controller.abort(reason);
      },
    };
  }

  /** The client cancels its call. Where it reuses an id at once, the latest of them. @returns whether there is one */
  cancel(id: RawId): boolean {
    const latest = [...(this.#calls.get(id.key) ?? [])].at(-1);
    latest?.abort(CALLER_CANCELLED);
    return latest !== undefined;
  }

  abortAll(reason: Error): void {
    for (const same of this.#calls.values()) for (const call of same) call.abort(reason);
  }
}
