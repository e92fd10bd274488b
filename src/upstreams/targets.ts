// The places where one upstream can be reached, and which of them the next call goes to: those that work, spread
// as configured; one that does not is passed over until it is found to work again (breaker.ts).

import type { Host } from '../core/host.ts';
import { Breaker, type BreakerOptions, type BreakerState } from './breaker.ts';
import { Refused, type Verdict } from './health.ts';
import { type Slot, STATELESS } from './sharing.ts';

export type Balance = 'least' | 'round_robin' | 'first';

/** What is configured of them. Durations in milliseconds. */
export interface TargetOptions {
  readonly balance: Balance;
  readonly breaker: BreakerOptions | 'off';
  readonly health: HealthOptions;
}

export interface HealthOptions {
  /** When one is asked whether it works: once it does not, so often, or never. */
  readonly probe: 'tripped' | 'off' | number;
  /** Longest wait for the answer to that. */
  readonly timeout: number;
  /** What is asked for; undefined: what its era has. */
  readonly path: string | undefined;
}

export interface Target {
  readonly index: number;
  /** Empty where there is none. */
  readonly url: string;
  readonly breaker: Breaker | undefined;
  /** Of the era without sessions, where all share one link to it. */
  readonly stateless: Slot;
  /** Exchanges that use it. */
  busy: number;
  /** Links to it. */
  links: number;
}

/** What is wanted of a target. */
export interface Wish {
  /** Who asks: whoever finds out whether one works again is known by this. */
  readonly by: object;
  /** The caller, as one text. */
  readonly who: () => string;
  /** Whether nothing is lost when the server does not answer. */
  readonly safe: boolean;
  readonly prefer?: Target | undefined;
  /** Those that have failed this call already. */
  readonly exclude?: ReadonlySet<Target> | undefined;
}

/** `works`: it speaks. `reached`: something is there, which a call has to try. */
export type Probed = 'works' | 'reached';

export interface TargetsParts {
  readonly upstream: string;
  /** One at least; a single empty one for what is not reached over the network. */
  readonly urls: readonly string[];
  readonly options: TargetOptions;
  readonly host: Host;
  /** Asks one whether it works. @throws when it does not. Absent where only a call can find out */
  readonly probe?: ((target: Target, signal: AbortSignal) => Promise<Probed>) | undefined;
  /** It does not work, and another may. */
  lost(target: Target): void;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Runs later, unless the returned function is called before. */
  readonly after?: (ms: number, run: () => void) => () => void;
}

/** What is told of one to people. */
export interface TargetState {
  readonly target: string;
  readonly state: BreakerState;
  readonly error?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

const GAUGE: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

/** Those of the same name, over reloads: the figures are of the latest. By the figures, then by name. */
const SHOWN = new WeakMap<object, Map<string, readonly Targets[]>>();

export class Targets {
  readonly all: readonly Target[];
  readonly #p: TargetsParts;
  readonly #random: () => number;
  readonly #after: (ms: number, run: () => void) => () => void;
  readonly #closing = new AbortController();
  /** What is to be done later for which. */
  readonly #later = new Map<Target, () => void>();
  /** Tripped ones that somebody has asked for since they were last looked at. */
  readonly #wanted = new Set<Target>();
  #turn = 0;

  constructor(parts: TargetsParts) {
    this.#p = parts;
    this.#random = parts.random ?? Math.random;
    this.#after = parts.after ?? afterMs;
    this.all = parts.urls.map((url, index) => this.#create(url, index));
    this.#shown((others) => [...others, this]);
    const { probe } = parts.options.health;
    if (typeof probe === 'number') for (const target of this.all) this.#again(target, probe);
  }

  /**
   * The one that a call goes to, or a link is opened to.
   * @throws Refused when none works and it is not time to find out
   */
  pick(wish: Wish): Target | Promise<Target> {
    const [first, second] = this.all;
    // The way of nearly all calls.
    if (first && second === undefined && (first.breaker?.state ?? 'closed') === 'closed') return first;
    return (
      this.#choose(wish) ?? (wish.exclude && this.#choose({ ...wish, exclude: undefined })) ?? this.#due(wish)
    );
  }

  /** @throws Refused when a call of this caller would be now */
  refuse(who: () => string): void {
    if (this.all.every(({ breaker }) => breaker?.isFor(who) && breaker.wait > 0))
      throw this.#refusal(this.all[0]?.breaker);
  }

  /** How a call at a target ended. */
  heard(target: Target, { by, who }: Pick<Wish, 'by' | 'who'>, verdict: Verdict): void {
    const { breaker } = target;
    if (breaker === undefined || verdict === undefined) return;
    if (verdict === 'answered') breaker.answered(by);
    else breaker.failed(by, { error: verdict, who: who() });
  }

  /** A link to it stands, or not; that is no one caller's doing. */
  opened({ breaker }: Target, by: object, verdict: Verdict): void {
    if (verdict === 'answered') breaker?.probed();
    else if (verdict) breaker?.failed(by, { error: verdict, who: undefined });
  }

  /** Nothing more is heard of a call. */
  leave(target: Target, by: object): void {
    if (target.breaker && target.breaker.state !== 'closed') target.breaker.leave(by);
  }

  /** Whether another one works, for this caller. */
  hasOther(than: ReadonlySet<Target>, who: () => string): boolean {
    return this.all.some((target) => !than.has(target) && !target.breaker?.isFor(who));
  }

  state(): TargetState[] {
    return this.all.map(({ url, breaker }) => {
      const target = shown(url);
      if (breaker === undefined || breaker.state === 'closed') return { target, state: 'closed' };
      return { target, state: breaker.state, error: breaker.last?.message, retryAfterMs: breaker.wait };
    });
  }

  close(): void {
    this.#closing.abort();
    for (const cancel of this.#later.values()) cancel();
    this.#later.clear();
    this.#shown((others) => others.filter((each) => each !== this));
  }

  /** Another one may begin before an older one has ended, and be given up before that: then its figures are back. */
  #shown(change: (all: readonly Targets[]) => readonly Targets[]): void {
    const { upstream, host } = this.#p;
    const names = SHOWN.get(host.metrics) ?? new Map<string, readonly Targets[]>();
    SHOWN.set(host.metrics, names);
    const before = names.get(upstream) ?? [];
    const after = change(before);
    if (after.length > 0) names.set(upstream, after);
    else names.delete(upstream);
    if (before.at(-1) === after.at(-1)) return;
    for (const { index } of before.at(-1)?.all ?? [])
      host.metrics.upstreamBreaker.remove({ upstream, target: String(index) });
    for (const { index, breaker } of after.at(-1)?.all ?? [])
      if (breaker && breaker.state !== 'closed')
        host.metrics.upstreamBreaker.set({ upstream, target: String(index) }, GAUGE[breaker.state]);
  }

  #create(url: string, index: number): Target {
    const { options, host } = this.#p;
    const { breaker, health } = options;
    const target: Target = {
      index,
      url,
      breaker:
        breaker === 'off'
          ? undefined
          : new Breaker({
              options: breaker,
              now: host.now,
              random: this.#random,
              patience: health.timeout,
              changed: (state, was) => this.#changed(target, state, was),
            }),
      stateless: index === 0 ? STATELESS : { ...STATELESS, key: `${STATELESS.key} ${index}` },
      busy: 0,
      links: 0,
    };
    return target;
  }

  /** One that works, or one that this call may find out about. */
  #choose({ by, who, safe, prefer, exclude }: Wish): Target | undefined {
    const left = this.all.filter((target) => !exclude?.has(target));
    const works = left.filter(({ breaker }) => !breaker?.isFor(who));
    if (works.length < left.length) {
      const away = left.filter((target) => !works.includes(target));
      for (const target of away) this.#want(target);
      const mayTry = (target: Target): boolean =>
        (target.breaker?.state === 'half_open' || !this.#probes) && target.breaker?.admits(by) === true;
      if (prefer && works.includes(prefer)) return prefer;
      // Where another one works, only what can be sent again finds out.
      const trial = safe || works.length === 0 ? away.find(mayTry) : undefined;
      if (trial) return trial;
    }
    return prefer && works.includes(prefer) ? prefer : this.#balance(works);
  }

  #balance(works: readonly Target[]): Target | undefined {
    if (works.length < 2 || this.#p.options.balance === 'first') return works[0];
    if (this.#p.options.balance === 'round_robin') return works[this.#turn++ % works.length];
    const at = Math.floor(this.#random() * works.length);
    const step = 1 + Math.floor(this.#random() * (works.length - 1));
    const [a, b] = [works[at], works[(at + step) % works.length]];
    if (!a || !b) return a ?? b;
    return a.busy < b.busy || (a.busy === b.busy && a.links <= b.links) ? a : b;
  }

  /** None works: the one that is first to be tried again, if it is time. */
  #due(wish: Wish): Target | Promise<Target> {
    const [next] = [...this.all].sort((a, b) => (a.breaker?.wait ?? 0) - (b.breaker?.wait ?? 0));
    if (!next) throw this.#refusal(undefined);
    const { breaker } = next;
    if (breaker === undefined) return next;
    if (breaker.wait > 0) throw this.#refusal(breaker);
    // What could be lost goes only to one that has answered something cheap.
    if (breaker.state === 'open' && !wish.safe && this.#probes) return this.#probed(next, wish);
    if (!breaker.admits(wish.by)) throw this.#refusal(breaker);
    return next;
  }

  async #probed(target: Target, wish: Wish): Promise<Target> {
    await this.#probe(target);
    const { breaker } = target;
    if (breaker?.state === 'open' || !breaker?.admits(wish.by)) throw this.#refusal(breaker);
    return target;
  }

  #refusal(breaker: Breaker | undefined): Refused {
    return new Refused(
      this.#p.upstream,
      breaker?.failures ?? 0,
      breaker?.last,
      Math.max(1, breaker?.wait ?? 1),
    );
  }

  get #probes(): boolean {
    return this.#p.probe !== undefined && this.#p.options.health.probe !== 'off';
  }

  #want(target: Target): void {
    if (this.#wanted.has(target)) return;
    this.#wanted.add(target);
    // It has not been looked at because nobody wanted it.
    if (target.breaker?.state === 'open' && !this.#later.has(target)) this.#look(target);
  }

  #changed(target: Target, state: BreakerState, was: BreakerState): void {
    if (this.#closing.signal.aborted) return;
    const { upstream, host, options } = this.#p;
    const labels = { upstream, target: String(target.index) };
    const place = { ...labels, url: shown(target.url) };
    if (SHOWN.get(host.metrics)?.get(upstream)?.at(-1) === this)
      host.metrics.upstreamBreaker.set(labels, GAUGE[state]);
    if (state === 'closed') {
      host.log.info('upstream is called again', place);
      if (typeof options.health.probe === 'number') this.#again(target, options.health.probe);
    }
    if (state !== 'open') return;
    if (was === 'closed') {
      const { last, wait } = target.breaker ?? {};
      host.metrics.upstreamTrips.inc(labels);
      host.log.warn('upstream is not called for now', { ...place, error: last?.message, retryAfterMs: wait });
      this.#wanted.add(target);
    }
    this.#look(target);
    if (was === 'closed' && this.all.length > 1) this.#p.lost(target);
  }

  /** Looks at a tripped one when its time has come, if somebody wants it by then. */
  #look(target: Target): void {
    if (!this.#probes) return;
    this.#plan(target, target.breaker?.wait ?? 0, () => {
      if (this.#wanted.has(target) && target.breaker?.state === 'open') void this.#probe(target);
    });
  }

  /** Looks at one that works, too, so often. */
  #again(target: Target, ms: number): void {
    this.#plan(target, ms, () => {
      if (target.breaker?.state !== 'closed') return;
      void this.#probe(target).then(() => {
        if (target.breaker?.state === 'closed') this.#again(target, ms);
      });
    });
  }

  #plan(target: Target, ms: number, run: () => void): void {
    this.#later.get(target)?.();
    if (this.#closing.signal.aborted) return;
    const cancel = this.#after(ms, () => {
      this.#later.delete(target);
      run();
    });
    this.#later.set(target, cancel);
  }

  /** Never rejects: what it finds is the state of the breaker. */
  async #probe(target: Target): Promise<void> {
    const { upstream, host, probe, options } = this.#p;
    const { breaker } = target;
    if (!probe || !breaker) return;
    const by = {};
    this.#wanted.delete(target);
    if (breaker.state !== 'closed') breaker.begin(by);
    const late = AbortSignal.timeout(options.health.timeout);
    const found = await probe(target, AbortSignal.any([late, this.#closing.signal])).catch(
      (error: unknown) =>
        late.aborted ? new Error(`no answer to a probe within ${options.health.timeout} ms`) : asError(error),
    );
    if (this.#closing.signal.aborted) return;
    const outcome = found instanceof Error ? 'failed' : found;
    host.metrics.upstreamProbes.inc({ upstream, target: String(target.index), outcome });
    if (found instanceof Error) breaker.failed(by, { error: found, who: undefined });
    else if (found === 'works') breaker.probed();
    else breaker.leave(by);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** A URL without what may be secret in it. */
export function shown(url: string): string {
  if (!URL.canParse(url)) return '';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function afterMs(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
