// How many updates all calls of one principal make together: what is over it waits for the next, and is replaced by it.

/** Principals that are remembered before those are looked for who need not be. */
const MANY = 1_024;

export class Quota {
  /** When all that was taken will have been earned, by principal; milliseconds. Nobody is here who has a whole second. */
  readonly #until = new Map<string, number>();

  /**
   * Takes one, if there is one: `rate` a second, as many at once.
   * @returns how long to wait before the next try, milliseconds; 0 when it was taken
   */
  take(principal: string, rate: number, now: number): number {
    const cost = 1_000 / rate;
    const until = this.#until.get(principal) ?? now;
    // Later than that it is only where the clock was set back, and that must not stop anybody.
    const from = until > now + 1_000 ? now : Math.max(until, now);
    const over = from + cost - (now + 1_000);
    if (over > ROUNDING) return over;
    if (this.#until.size >= MANY) this.#forget(now);
    this.#until.set(principal, from + cost);
    return 0;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#until.size;
  }

  #forget(now: number): void {
    for (const [principal, until] of this.#until) if (until <= now) this.#until.delete(principal);
  }
}

/** Sums of thirds are not whole. */
const ROUNDING = 1e-6;
