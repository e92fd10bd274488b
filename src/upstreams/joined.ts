// Requests at work that others may join: the same request of the same audience reaches the upstream once.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { Joint } from '../lib/joint.ts';
import type { Wanted } from './cache-key.ts';

interface Going<T> {
  readonly wanted: Wanted;
  readonly joint: Joint<T>;
}

/** What of one request is common to all who wait for it. */
export type Work<T> = (x: Exchange, emit: Emit) => Promise<T>;

export class Joined<T> {
  /** Of those that are the same, the latest. */
  readonly #going = new Map<string, Going<T>>();

  get size(): number {
    return this.#going.size;
  }

  /**
   * Joins the same request at work, or begins it. It goes on until nobody waits for it.
   * @returns whether it was begun here
   * @throws what the work throws, and the reason of the exchange's signal when that aborts first
   */
  async take(wanted: Wanted, x: Exchange, emit: Emit, work: Work<T>): Promise<{ began: boolean; of: T }> {
    const key = JSON.stringify([wanted.listing, wanted.page, wanted.audience]);
    const going = this.#going.get(key);
    if (going && !going.joint.over) return { began: false, of: await going.joint.wait(x.signal) };
    const mine = { wanted, joint: begin(x, emit, work) };
    this.#going.set(key, mine);
    const forget = (): void => void (this.#going.get(key) === mine && this.#going.delete(key));
    mine.joint.settled.then(forget, forget);
    return { began: true, of: await mine.joint.wait(x.signal) };
  }

  /** Who comes from now on joins none that `concerns`: it may have been answered as things were before. */
  close(concerns: (wanted: Wanted) => boolean): void {
    for (const [key, { wanted }] of this.#going) if (concerns(wanted)) this.#going.delete(key);
  }
}

/** Its exchange may outlive that of the caller who began it; then it is what keeps the generation it runs on. */
function begin<T>(x: Exchange, emit: Emit, work: Work<T>): Joint<T> {
  let leave: (() => void) | undefined;
  const outlive = (): void => {
    leave = x.runsOn.hold();
  };
  x.signal.addEventListener('abort', outlive, { once: true });
  const over = (): void => {
    x.signal.removeEventListener('abort', outlive);
    leave?.();
  };
  return new Joint((signal) =>
    work(x.fork(x.leg?.upstream ?? '', x.request, signal), toBeginner(x, emit)).finally(over),
  );
}

/** Notifications are the beginner's as long as it waits, and none of them holds up those who joined. */
function toBeginner({ signal }: Exchange, emit: Emit): Emit {
  let held = false;
  return (note) => {
    if (held || signal.aborted) return undefined;
    const sent = emit(note);
    if (!sent) return undefined;
    held = true;
    const free = (): void => {
      held = false;
    };
    sent.then(free, free);
    return undefined;
  };
}
