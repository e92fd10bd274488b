// Time for tests: it stands until it is turned. Within `run`, setTimeout and setInterval go by it, whoever calls
// them. Knows nothing of plugins.

import { AsyncLocalStorage } from 'node:async_hooks';

type Callback = (...args: never[]) => void;

const platform = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
};
const turned = new AsyncLocalStorage<Clock>();

/** What setTimeout and setInterval give within `run`. */
class TurnedTimer {
  constructor(
    readonly clock: Clock,
    readonly fire: () => void,
    /** Milliseconds between two calls; undefined for setTimeout. */
    readonly every: number | undefined,
    public due: number,
  ) {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

export class Clock {
  #now: number;
  readonly #timers = new Set<TurnedTimer>();

  /** @param now milliseconds since the epoch */
  constructor(now: number) {
    this.#now = now;
    install();
  }

  now(): number {
    return this.#now;
  }

  /** Milliseconds until each timer that waits, the next one first. */
  get waiting(): number[] {
    return [...this.#timers].map(({ due }) => due - this.#now).sort((a, b) => a - b);
  }

  /** Calls `fn`; its timers, and those of all it starts, are this clock's. */
  run<T>(fn: () => T): T {
    return turned.run(this, fn);
  }

  /**
   * Turns the clock. Timers fire in order, each at its own time, and what they set going is waited for as far as
   * it needs nothing from outside.
   * @throws what a timer throws
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.due);
      if (next.every === undefined) this.#timers.delete(next);
      else next.due = this.#now + next.every;
      this.run(next.fire);
      await settle();
    }
    this.#now = until;
  }

  set(fire: () => void, ms: number, repeats: boolean): TurnedTimer {
    const wait = ms > 0 ? Math.max(1, Math.trunc(ms)) : 1;
    const timer = new TurnedTimer(this, fire, repeats ? wait : undefined, this.#now + wait);
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: TurnedTimer): void {
    this.#timers.delete(timer);
  }

  #next(until: number): TurnedTimer | undefined {
    let next: TurnedTimer | undefined;
    for (const timer of this.#timers)
      if (timer.due <= until && !(next && next.due <= timer.due)) next = timer;
    return next;
  }
}

/** Lets everything happen that waits for nothing from outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => platform.setImmediate(() => resolve()));
}

/** Calls `fn` after real time, whatever clock is turned. */
export function realTimeout(fn: () => void, ms: number): () => void {
  const timer = platform.setTimeout(fn, ms);
  return () => platform.clearTimeout(timer);
}

let isInstalled = false;

/** Outside of every `run` the timers stay the platform's own. */
function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const setter =
    (real: typeof setTimeout, repeats: boolean) =>
    (fn: Callback, ms = 0, ...args: never[]) =>
      turned.getStore()?.set(() => fn(...args), ms, repeats) ?? real(fn as () => void, ms, ...args);
  const clearer = (real: typeof clearTimeout) => (timer: unknown) => {
    if (timer instanceof TurnedTimer) timer.clock.clear(timer);
    else real(timer as Timer);
  };
  Object.assign(globalThis, {
    setTimeout: setter(platform.setTimeout, false),
    setInterval: setter(platform.setInterval as typeof setTimeout, true),
    clearTimeout: clearer(platform.clearTimeout),
    clearInterval: clearer(platform.clearInterval),
  });
}
