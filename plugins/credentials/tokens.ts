// Tokens that were got: kept until shortly before their end, got once however many wait for them, and not asked for
// while the server is to be left alone. Outlives reloads. Knows neither servers nor callers.

import { LRUCache } from 'lru-cache';
import { type FaultKind, TokenFault } from './faults.ts';

/** A token as it is kept. Times in milliseconds since the epoch. */
interface Kept {
  readonly value: string;
  readonly at: number;
  readonly renewAt: number;
  readonly until: number;
}

interface Entry {
  kept: Kept | undefined;
  flight: Promise<Kept> | undefined;
  /** The last failure, as long as it counts. */
  failure: { readonly fault: TokenFault; readonly until: number } | undefined;
  /** Failures in a row. */
  failures: number;
}

/** Durations in milliseconds. */
export interface TokenLimits {
  readonly refresh_before: number;
  readonly lifetime: number;
  readonly backoff: number;
  readonly backoff_max: number;
  readonly refused_max: number;
  readonly renew_least: number;
}

/** One to be got. */
export interface Asking {
  /** Two with the same are the same token. */
  readonly key: string;
  /** Until when it may be used at most, whatever its own end. */
  readonly until?: number | undefined;
  /** @throws TokenFault */
  ask(): Promise<{ readonly value: string; readonly lifetime: number | undefined }>;
}

export interface TokenHooks {
  now(): number;
  /** @param until when it is good no more, whoever has it; milliseconds since the epoch */
  got(value: string, until: number): void;
  failed(fault: TokenFault, wait: number): void;
  evicted(): void;
}

/** A token that ends within this is not used any more: it may take as long to be looked at. */
const MARGIN = 2_000;

/** There is no token, and none is asked for until a time. */
export class NoToken extends Error {
  constructor(
    readonly fault: TokenFault,
    readonly retryAfterMs: number,
  ) {
    super(fault.message);
  }
}

export class Tokens {
  readonly #entries: LRUCache<string, Entry>;
  /** Those of the generation that asked last. */
  #hooks: TokenHooks;

  constructor(most: number, hooks: TokenHooks) {
    this.#hooks = hooks;
    this.#entries = new LRUCache({
      max: most,
      dispose: (_entry, _key, reason) => {
        if (reason === 'evict') this.#hooks.evicted();
      },
    });
  }

  /** Who is told from here on: a reload has come. */
  hand(hooks: TokenHooks): void {
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** At once where there is one. @throws NoToken, later or at once */
  take(asking: Asking, limits: TokenLimits): string | Promise<string> {
    const entry = this.#entries.get(asking.key) ?? this.#create(asking.key);
    const { kept } = entry;
    const now = this.#hooks.now();
    if (!kept || now >= kept.until - MARGIN)
      return this.#get(entry, asking, limits).then(({ value }) => value);
    // Calls go on with the old one, and what comes of this shows when it is over.
    if (now >= kept.renewAt) this.#get(entry, asking, limits).catch(() => {});
    return kept.value;
  }

  /**
   * The upstream does not take this one.
   * @returns whether another is to be had: it has been got meanwhile, or this one is old enough to be got anew
   */
  refused(key: string, value: string, { renew_least }: TokenLimits): boolean {
    const entry = this.#entries.peek(key);
    if (!entry) return true;
    const { kept } = entry;
    if (kept?.value !== value) return true;
    if (this.#hooks.now() - kept.at < renew_least) return false;
    entry.kept = undefined;
    return true;
  }

  clear(): void {
    this.#entries.clear();
  }

  #create(key: string): Entry {
    const entry: Entry = { kept: undefined, flight: undefined, failure: undefined, failures: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #get(entry: Entry, asking: Asking, limits: TokenLimits): Promise<Kept> {
    if (entry.flight) return entry.flight;
    const { failure } = entry;
    const left = failure ? failure.until - this.#hooks.now() : 0;
    if (failure && left > 0) return Promise.reject(new NoToken(failure.fault, left));
    entry.flight = this.#ask(entry, asking, limits).finally(() => {
      entry.flight = undefined;
    });
    return entry.flight;
  }

  async #ask(entry: Entry, asking: Asking, limits: TokenLimits): Promise<Kept> {
    try {
      const { value, lifetime } = await asking.ask();
      const at = this.#hooks.now();
      const own = at + (lifetime === undefined ? limits.lifetime : lifetime * 1_000);
      const until = Math.min(own, asking.until ?? Number.POSITIVE_INFINITY);
      entry.kept = { value, at, until, renewAt: renewalOf(at, until, limits) };
      entry.failure = undefined;
      entry.failures = 0;
      this.#hooks.got(value, own);
      return entry.kept;
    } catch (error) {
      const fault = error instanceof TokenFault ? error : new TokenFault('odd', 'failed');
      const wait = waitAfter(fault, entry.failures++, limits);
      entry.failure = { fault, until: this.#hooks.now() + wait };
      this.#hooks.failed(fault, wait);
      throw new NoToken(fault, wait);
    }
  }
}

/** Gateways that began together do not all come at once; one with a short life is not got anew all the time. */
function renewalOf(at: number, until: number, { refresh_before }: TokenLimits): number {
  const early = refresh_before * (1 + Math.random() / 2);
  return Math.max(until - early, at + (until - at) / 2);
}

const LASTS: readonly FaultKind[] = ['refused', 'caller'];

/** Twice as long each time. What passes is never waited for so long that it locks anybody out. */
function waitAfter(
  { kind, wait = 0 }: TokenFault,
  failures: number,
  { backoff, backoff_max, refused_max }: TokenLimits,
): number {
  const most = LASTS.includes(kind) ? refused_max : backoff_max;
  const grown = Math.min(backoff * 2 ** Math.min(failures, 30), most);
  return Math.max(grown * (0.5 + Math.random() / 2), Math.min(wait, backoff_max));
}
