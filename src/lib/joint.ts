// One piece of work for as many as wait for it: made once, and given up when nobody waits any more.

import { unlessAborted } from './unless-aborted.ts';

export class Joint<T> {
  /** As it ends, whoever waits. Rejects when the last one has left. */
  readonly settled: Promise<T>;
  readonly #work = new AbortController();
  #waiting = 0;
  #over = false;

  /** @param work begins at once; its signal aborts when the last one who waited has left */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.settled = unlessAborted(work(this.#work.signal), this.#work.signal);
    const over = (): void => {
      this.#over = true;
    };
    this.settled.then(over, over);
  }

  /** Whether there is nothing left to wait for: it has ended, or was given up. */
  get over(): boolean {
    return this.#over || this.#work.signal.aborted;
  }

  /** Waits for the end. @throws what the work throws, and the signal's reason when it aborts first */
  async wait(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    try {
      return await unlessAborted(this.settled, signal);
    } finally {
      if (--this.#waiting === 0 && !this.#over) this.#work.abort(signal.reason);
    }
  }
}
