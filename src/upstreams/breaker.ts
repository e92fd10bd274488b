// Whether one target of an upstream is called at all: closed until so many calls in a row have failed, then open
// for a while, then half open for one at a time. Knows no network, no timer and no clock of its own.

export type BreakerState = 'closed' | 'half_open' | 'open';

/** Durations in milliseconds. */
export interface BreakerOptions {
  /** Failures in a row at which it opens. */
  readonly failures: number;
  /** How long it is open the first time. */
  readonly open: number;
  /** The longest it is open; each time without a success in between doubles it up to that. */
  readonly openMax: number;
}

export interface BreakerParts {
  readonly options: BreakerOptions;
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** How long a trial is waited for before another may be made, milliseconds. */
  readonly patience: number;
  changed(state: BreakerState, was: BreakerState): void;
}

/** A failure, and whose call it was; undefined where no caller can have brought it about. */
export interface Failure {
  readonly error: Error;
  readonly who: string | undefined;
}

interface Span {
  readonly at: number;
  readonly ms: number;
}

export class Breaker {
  readonly #p: BreakerParts;
  #state: BreakerState = 'closed';
  /** In a row. */
  #failures = 0;
  /** Times it opened without a success in between. */
  #trips = 0;
  #opened: Span = { at: 0, ms: 0 };
  #last: Error | undefined;
  /** Whose calls failed, where they were all one caller's: then it opens for that one alone. */
  #whose: string | undefined;
  /** While it is open for that one: failures of others since one of them was answered. */
  #others = 0;
  #trial: { readonly by: object; readonly at: number } | undefined;
  /** Those let through since it opened: their success counts, that of calls from before does not. */
  #trials = new WeakSet<object>();
  /** One fault that many calls share is one failure. */
  readonly #counted = new WeakSet<Error>();

  constructor(parts: BreakerParts) {
    this.#p = parts;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** What failed last, while it is not closed. */
  get last(): Error | undefined {
    return this.#state === 'closed' ? undefined : this.#last;
  }

  /** Failures in a row up to now. */
  get failures(): number {
    return this.#failures;
  }

  /** Until somebody may try again, milliseconds. */
  get wait(): number {
    if (this.#state === 'closed') return 0;
    if (this.#state === 'open') return this.#left(this.#opened);
    return this.#trial ? this.#left({ at: this.#trial.at, ms: this.#p.patience }) : 0;
  }

  /** A clock that was put back must not make it longer. */
  #left({ at, ms }: Span): number {
    const passed = this.#p.now() - at;
    return passed < 0 ? 0 : Math.max(0, Math.ceil(ms - passed));
  }

  /** Whether it stands in the way of this caller. */
  isFor(who: () => string): boolean {
    if (this.#state === 'closed') return false;
    return this.#whose === undefined || this.#whose === who();
  }

  /** Lets `by` through as the one that finds out, if it is time and nobody else does. */
  admits(by: object): boolean {
    if (this.#state === 'closed') return true;
    if (this.wait > 0 && this.#trial?.by !== by) return false;
    this.begin(by);
    return true;
  }

  /** The same at a time of the caller's choosing. */
  begin(by: object): void {
    this.#trial = { by, at: this.#p.now() };
    this.#trials.add(by);
    this.#turn('half_open');
  }

  /** Whoever was let through is done, and nothing is known of how it went. */
  leave(by: object): void {
    if (this.#trial?.by === by) this.#trial = undefined;
  }

  /** A call was answered. */
  answered(by: object): void {
    if (this.#state !== 'closed' && !this.#trials.has(by)) {
      // It works for somebody: one failure is no reason to keep everybody away.
      this.#others = 0;
      return;
    }
    this.#trips = 0;
    this.#close(0);
  }

  /** A probe was answered, which says less than a call: the next failure opens it again. */
  probed(): void {
    if (this.#state !== 'closed') this.#close(this.#p.options.failures - 1);
  }

  failed(by: object, { error, who }: Failure): void {
    if (this.#counted.has(error)) return;
    this.#counted.add(error);
    if (this.#state === 'closed') {
      this.#whose = this.#failures === 0 || this.#whose === who ? who : undefined;
      this.#failures++;
      this.#last = error;
      if (this.#failures >= this.#p.options.failures) this.#open();
    } else if (this.#trial?.by === by) {
      this.#last = error;
      if (who === undefined) this.#whose = undefined;
      this.#open();
    } else if (this.#whose !== undefined && this.#whose !== who) this.#alsoFor(who);
  }

  /** Another one's call failed, or nobody's, while it is open for one alone. */
  #alsoFor(who: string | undefined): void {
    if (who === undefined || ++this.#others >= this.#p.options.failures) this.#whose = undefined;
  }

  #open(): void {
    const { options, now, random } = this.#p;
    const longest = Math.min(options.open * 2 ** Math.min(this.#trips, 30), options.openMax);
    this.#trips++;
    this.#trial = undefined;
    this.#trials = new WeakSet();
    this.#others = options.failures - 1;
    this.#opened = { at: now(), ms: longest * (0.5 + random() / 2) };
    this.#turn('open');
  }

  #close(failures: number): void {
    this.#failures = failures;
    this.#whose = undefined;
    this.#trial = undefined;
    this.#turn('closed');
  }

  #turn(state: BreakerState): void {
    const was = this.#state;
    if (was === state) return;
    this.#state = state;
    this.#p.changed(state, was);
  }
}
