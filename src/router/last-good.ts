// One thing that an upstream says, as it was said last: asked for once for all who wait, waited for as long as it
// is worth, and given from before where the upstream fails or hangs. Knows nothing of what it is.

import { asGatewayError, catalogue, type ErrorName, type GatewayError } from '../core/errors.ts';
import { Joint } from '../lib/joint.ts';

/** Milliseconds. */
export interface Patience {
  /** How long whoever asks waits where nothing is known. */
  readonly timeout: number;
  /** The same where something is known from before, or where it came to nothing the last time. */
  readonly patience: number;
  /** One that hung holds nobody up for this long. */
  readonly retry: number;
  /** What is known from before is given for this long while it cannot be had anew. */
  readonly grace: number;
  /** An answer that nobody waits for any more may take this long. */
  readonly refresh: number;
}

export interface Asking<T> {
  readonly ask: (signal: AbortSignal) => Promise<T>;
  /** Of whoever asks. */
  readonly signal: AbortSignal;
  /** Aborts when that through which it is asked is to go: what nobody waits for ends then. */
  readonly leaving: AbortSignal;
  /** What is younger is good enough, milliseconds. */
  readonly maxAge: number;
}

/** What there is: a value, or why there is none, or both. */
export interface Outcome<T> {
  readonly value: T | undefined;
  /** When the value came. */
  readonly at: number;
  /** Why it could not be had anew. */
  readonly failure: GatewayError | undefined;
  /** Whether it is said to have changed since. */
  readonly isInvalid: boolean;
}

export interface LastGoodParts<T> {
  readonly now: () => number;
  readonly patience: () => Patience;
  /** @param before what there was until then */
  came(value: T, before: T | undefined): void;
  differs(value: T | undefined, before: T | undefined): boolean;
  /** What is given out from now on differs from what was given out before. */
  changed(): void;
  /** It did not come in time. */
  /** @param limit that has run out, as the configuration names it */
  late(waited: number, limit: string): GatewayError;
}

interface Failure {
  readonly error: GatewayError;
  readonly at: number;
  /** When it was first in vain. */
  readonly since: number;
  readonly isLate: boolean;
}

interface Flight {
  readonly turn: number;
  readonly joint: Joint<void>;
  readonly leaving: AbortSignal;
  isKept: boolean;
}

export class LastGood<T> {
  readonly #parts: LastGoodParts<T>;
  #good: { readonly value: T; readonly at: number } | undefined;
  #failure: Failure | undefined;
  #flight: Flight | undefined;
  #isInvalid = false;
  #begun = 0;
  #landed = 0;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: LastGoodParts<T>, from?: { readonly value: T; readonly at: number }) {
    this.#parts = parts;
    this.#good = from;
  }

  /** What there is, without asking. */
  get known(): Outcome<T> {
    return {
      value: this.#good?.value,
      at: this.#good?.at ?? 0,
      failure: this.#failure?.error,
      isInvalid: this.#isInvalid,
    };
  }

  /** What is known is not believed any more; what is being asked for already may be as old. */
  invalidate(): void {
    this.#isInvalid = true;
    this.#flight = undefined;
  }

  /** @throws the signal's reason when it aborts first */
  async get(asking: Asking<T>): Promise<Outcome<T>> {
    if (this.#suffices(asking.maxAge)) return this.known;
    const { now, patience, late } = this.#parts;
    const flight = this.#ask(asking);
    const { timeout, patience: little } = patience();
    const isKnown = this.#good !== undefined || this.#failure !== undefined;
    const waits = isKnown ? Math.min(little, timeout) : timeout;
    const enough = new AbortController();
    const timer = setTimeout(() => {
      this.#keep(flight);
      const error = late(waits, isKnown ? 'list_patience' : 'list_timeout');
      this.#land(flight.turn, () => this.#fail(error, now(), true));
      enough.abort();
    }, waits);
    try {
      await flight.joint.wait(AbortSignal.any([asking.signal, enough.signal]));
    } catch {
      asking.signal.throwIfAborted();
    } finally {
      clearTimeout(timer);
    }
    return this.known;
  }

  /** What came for another, who is like those that ask here. */
  adopt(value: T): void {
    const before = this.#good?.value;
    const failed = this.#failure !== undefined;
    this.#good = { value, at: this.#parts.now() };
    // It can be had again: a failure from now on is the first one.
    this.#failure = undefined;
    clearTimeout(this.#expiry);
    this.#parts.came(value, before);
    if (failed && this.#parts.differs(value, before)) this.#parts.changed();
  }

  close(): void {
    clearTimeout(this.#expiry);
  }

  #suffices(maxAge: number): boolean {
    if (this.#isInvalid) return false;
    const now = this.#parts.now();
    if (this.#failure) {
      const { retry } = this.#parts.patience();
      return now - this.#failure.at < (this.#failure.isLate ? retry : Math.min(maxAge, retry));
    }
    return this.#good !== undefined && now - this.#good.at < maxAge;
  }

  #ask({ ask, leaving }: Asking<T>): Flight {
    const there = this.#flight;
    if (there && !there.joint.over) return there;
    const turn = ++this.#begun;
    this.#isInvalid = false;
    const joint = new Joint(async (signal) => {
      try {
        const value = await ask(signal);
        signal.throwIfAborted();
        this.#land(turn, () => this.#came(value));
      } catch (error) {
        signal.throwIfAborted();
        this.#land(turn, () => this.#fail(asGatewayError(error), this.#parts.now(), false));
      }
    });
    joint.settled.catch(() => {});
    this.#flight = { turn, joint, leaving, isKept: false };
    return this.#flight;
  }

  /** One that was begun later and has answered already knows better. */
  #land(turn: number, act: () => void): void {
    if (turn < this.#landed) return;
    this.#landed = turn;
    act();
  }

  /** Whoever waited goes on without it; it may still come. */
  #keep(flight: Flight): void {
    if (flight.isKept || flight.joint.over) return;
    flight.isKept = true;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), this.#parts.patience().refresh);
    const end = (): void => clearTimeout(timer);
    flight.joint.wait(AbortSignal.any([flight.leaving, over.signal])).then(end, end);
  }

  #came(value: T): void {
    const before = this.#good?.value;
    const told = before !== undefined || this.#failure !== undefined;
    this.#good = { value, at: this.#parts.now() };
    this.#failure = undefined;
    clearTimeout(this.#expiry);
    this.#parts.came(value, before);
    if (told && this.#parts.differs(value, before)) this.#parts.changed();
  }

  #fail(error: GatewayError, at: number, isLate: boolean): void {
    const since = this.#failure?.since ?? at;
    const isFirst = this.#failure === undefined;
    this.#failure = { error, at, since, isLate };
    if (!this.#good) return;
    if (isRefusal(error)) this.#forget();
    else if (isFirst) {
      clearTimeout(this.#expiry);
      this.#expiry = setTimeout(() => this.#forget(), this.#parts.patience().grace);
      this.#expiry.unref();
    }
  }

  /** It is given out no longer. */
  #forget(): void {
    const before = this.#good?.value;
    this.#good = undefined;
    if (this.#parts.differs(undefined, before)) this.#parts.changed();
  }
}

/** What is denied for now, and no word on what the caller may have. */
const BUSY: ReadonlySet<ErrorName> = new Set(['BUSY', 'RATE_LIMITED', 'SUBSCRIPTIONS_FULL']);

/** A fault is got over; a refusal says that this caller is not to have it. */
function isRefusal({ code }: GatewayError): boolean {
  return code === 'PLUGIN_FAILED' || (catalogue[code].fault === 'denied' && !BUSY.has(code));
}
