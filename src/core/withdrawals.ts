// Questions to which an upstream needs no answer any more, told to whoever asks the client for real. 2026-07-28 has
// no form for that inside a message, so it travels beside it. One object for each round.

import { fact } from './facts.ts';

export class Withdrawals {
  readonly #keys = new Map<string, AbortController>();

  /** Aborts when the answer to this question is of no more use; it may have done so already. */
  of(key: string): AbortSignal {
    return this.#at(key).signal;
  }

  withdraw(key: string): void {
    this.#at(key).abort(WITHDRAWN);
  }

  #at(key: string): AbortController {
    const there = this.#keys.get(key) ?? new AbortController();
    this.#keys.set(key, there);
    return there;
  }
}

const WITHDRAWN = new Error('the upstream needs no answer any more');

export const withdrawalsFact = fact<Withdrawals>('withdrawals');
