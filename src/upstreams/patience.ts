// How long a client that takes its result slowly may keep a channel from all others. Alone on it, as long as it likes.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Sink } from '../lib/flow.ts';
import { settledWithin } from '../lib/settled.ts';

export interface Waiting {
  readonly upstream: string;
  /** Milliseconds that others may have to wait, all in all. */
  readonly most: number;
  /** Whether somebody else is at work on the channel. */
  others(): boolean;
  readonly host: Host;
}

/** Between two looks whether somebody else came, milliseconds. */
const LOOK_MS = 100;

/** Waits for room. Beyond its patience the result is broken off, and the channel goes on without it. */
export class Patience {
  readonly #at: Waiting;
  /** What others have waited for each result so far, milliseconds. */
  readonly #spent = new WeakMap<Sink, number>();

  constructor(at: Waiting) {
    this.#at = at;
  }

  room(sink: Sink): Promise<void> | undefined {
    const room = sink.room();
    return room && this.#wait(sink, room);
  }

  async #wait(sink: Sink, room: Promise<void>): Promise<void> {
    const { most, others, host, upstream } = this.#at;
    for (let spent = this.#spent.get(sink) ?? 0; ; ) {
      const isShared = others();
      const left = most - spent;
      if (isShared && left <= 0) {
        host.metrics.timeouts.inc({ kind: 'slow_client', upstream });
        sink.fail(new GatewayError('CLIENT_SLOW', undefined, { upstream, timeout: 'slow_client' }));
        return;
      }
      const before = performance.now();
      const isThere = await settledWithin(room, isShared ? Math.min(left, LOOK_MS) : LOOK_MS);
      if (isShared) spent += performance.now() - before;
      this.#spent.set(sink, spent);
      if (isThere) return;
    }
  }
}
