// How many calls of one upstream are at work at once, and who waits for a place among them: first come, first
// served. As long as there is room, this is a number that goes up and down.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { during, phases } from '../core/phases.ts';

export interface Concurrency {
  /** Most calls at work. */
  readonly max: number;
  /** Most that wait. */
  readonly queue: number;
  /** How long each of them waits, milliseconds. */
  readonly wait: number;
}

/** When one that finds no place may try again: spread, so that those refused together do not come back together. */
const RETRY_MS = { least: 500, most: 1_500 } as const;

export class Places {
  #taken = 0;
  /** What gives a place to each that waits, longest waiting first. */
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly upstream: string,
    readonly limits: Concurrency,
    readonly host: Host,
  ) {}

  /** Takes a place that is free. Whoever takes one, leaves it. */
  take(): boolean {
    if (this.#taken >= this.limits.max) return false;
    this.#taken++;
    return true;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether calls are kept waiting, or turned away, for want of a place. */
  get crowded(): boolean {
    const { max, queue } = this.limits;
    return this.#waiting.size > 0 || (queue === 0 && this.#taken >= max);
  }

  /** Takes a place whether or not one is free: for what goes on with a call that was at work before. */
  squeeze(): void {
    this.#taken++;
  }

  /**
   * Waits for a place, and takes it.
   * @throws GatewayError BUSY when too many wait, or when it took too long
   * @throws the signal's reason when the caller goes
   */
  async wait(x: Exchange): Promise<void> {
    x.signal.throwIfAborted();
    const { max, queue, wait } = this.limits;
    if (this.#waiting.size >= queue)
      throw this.#busy(
        'concurrency_queue',
        `works on ${max} calls (concurrency.max), and ${queue} more wait (concurrency.queue)`,
      );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (why: unknown): void => {
      // At once: a place that is left meanwhile is for the next.
      this.#waiting.delete(resolve);
      reject(why);
    };
    const gone = (): void => giveUp(x.signal.reason);
    const late = (): void =>
      giveUp(
        this.#busy('concurrency_wait', `had no place for the call within concurrency.wait (${wait} ms)`),
      );
    const timer = setTimeout(late, wait);
    x.signal.addEventListener('abort', gone, { once: true });
    this.#waiting.add(resolve);
    this.#count();
    try {
      await during(x, phases.place(this.upstream), promise);
    } finally {
      clearTimeout(timer);
      x.signal.removeEventListener('abort', gone);
      this.#waiting.delete(resolve);
      this.#count();
    }
  }

  leave(): void {
    this.#taken--;
    const [first] = this.#waiting;
    if (!first || this.#taken >= this.limits.max) return;
    // At once: nobody else may take it before the one that waits has heard.
    this.#waiting.delete(first);
    this.#taken++;
    first();
  }

  #count(): void {
    this.host.metrics.upstreamQueue.set({ upstream: this.upstream }, this.#waiting.size);
  }

  #busy(limit: 'concurrency_queue' | 'concurrency_wait', why: string): GatewayError {
    const { upstream, host } = this;
    host.metrics.limitHits.inc({ limit });
    const { least, most } = RETRY_MS;
    const retryAfterMs = Math.round(least + (host.random ?? Math.random)() * (most - least));
    return new GatewayError('BUSY', `The upstream "${upstream}" ${why}.`, { upstream, retryAfterMs });
  }
}
