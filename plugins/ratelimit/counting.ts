// Takes of all limits that are about a call, or of none; and settles with what it has cost in the end.

import type { Exchange, PluginHost } from '../../src/plugin.ts';
import type { Ending } from './costs.ts';
import { headersOf } from './headers.ts';
import { type CountedLimit, isCharged } from './limits.ts';
import type { Refused } from './refusals.ts';
import type { Seen } from './seen.ts';
import type { Ask, Settlement, Store, Told } from './store.ts';
import type { Subject } from './subject.ts';

export interface Counting {
  readonly store: Store;
  readonly host: PluginHost;
  readonly seen: Seen;
  /** In front of every key: entries do not count for each other. */
  readonly place: string;
  /** Whether every key belongs to one tenant. */
  readonly hasTenant: boolean;
}

/** What a limit has been asked for a call. */
interface Asked extends Ask {
  readonly of: CountedLimit;
  readonly values: readonly string[];
}

/** What a call has taken. */
export interface Taken {
  readonly at: number;
  readonly subject: Subject;
  readonly asked: readonly Asked[];
}

export class Charge {
  readonly #c: Counting;

  constructor(counting: Counting) {
    this.#c = counting;
  }

  /** @returns what was taken, or which limit has no room for it */
  async take(x: Exchange, subject: Subject, limits: readonly CountedLimit[]): Promise<Taken | Refused> {
    const { store, host } = this.#c;
    const all = limits.flatMap((limit) => this.#ask(limit, subject, isCharged(x)) ?? []);
    const [shadows, asked] = [all.filter(({ of }) => of.shadow), all.filter(({ of }) => !of.shadow)];
    const tag = this.#tag(subject);
    const told = asked.length === 0 ? [] : await store.take(asked, tag);
    if (store.size !== undefined) host.level('keys', store.size);
    const pairs = asked.flatMap((each, index) => {
      const one = told[index];
      return one ? [[each, one] as const] : [];
    });
    const refused = pairs.filter(([, { admitted }]) => !admitted);
    const [first] = refused;
    const worst = first && refused.reduce((a, b) => (b[1].retryMs > a[1].retryMs ? b : a), first);
    const tightest = worst ?? tightestOf(pairs);
    if (tightest) this.#headers(x, tightest, worst !== undefined);
    // Of a call that is refused nothing was taken, and it is the fault of those that had no room for it.
    for (const [each, one] of worst ? refused : pairs)
      this.#tell(each, subject, one.admitted ? 'admitted' : 'refused');
    if (worst) return refusedBy(...worst);
    for (const each of shadows) {
      const [one] = await store.take([each], tag);
      if (one) this.#tell(each, subject, one.admitted ? 'admitted' : 'would_refuse');
    }
    return { at: host.now(), subject, asked: all };
  }

  /** The call was not made after all. */
  giveBack({ asked, at, subject }: Taken): void {
    const afterMs = Math.max(0, this.#c.host.now() - at);
    const all = asked.filter(({ cost }) => cost > 0);
    this.#settle(
      all.map((each) => ({ ...each, taken: each.cost, cost: 0, afterMs })),
      subject,
    );
  }

  /** The call is over. */
  settle({ asked, at, subject }: Taken, ending: Omit<Ending, 'ms'>): void {
    const ms = Math.max(0, this.#c.host.now() - at);
    const all = asked.flatMap((each) => {
      const cost = this.#costAfter(each, subject, { ...ending, ms });
      return cost === undefined || cost === each.cost
        ? []
        : [{ ...each, taken: each.cost, cost, afterMs: ms }];
    });
    this.#settle(all, subject);
  }

  /** A caller was not let in. */
  count(limits: readonly CountedLimit[], subject: Subject): void {
    const all = limits.flatMap((limit) => this.#ask(limit, subject, true) ?? []);
    this.#settle(
      all.map((each) => ({ ...each, taken: 0, cost: 1, afterMs: 0 })),
      subject,
    );
  }

  /** Which of these limits has nothing left. */
  async exhausted(limits: readonly CountedLimit[], subject: Subject): Promise<Refused | undefined> {
    const asked = limits.flatMap((limit) => this.#ask(limit, subject, true) ?? []);
    if (asked.length === 0) return undefined;
    const told = await this.#c.store.peek(asked, this.#tag(subject));
    for (const [index, each] of asked.entries()) {
      const one = told[index];
      if (!one || one.remaining > 0) continue;
      const { limit, shadow } = each.of;
      // Until one more is there, not until all are.
      const spare = limit.kind === 'rate' ? ((limit.burst - 1) * limit.window) / limit.units : 0;
      const retryMs = Math.max(1, one.resetMs - spare);
      this.#tell(each, subject, shadow ? 'would_refuse' : 'refused');
      if (!shadow) return refusedBy(each, { ...one, retryMs });
    }
    return undefined;
  }

  #ask(limit: CountedLimit, subject: Subject, isCharged: boolean): Asked | undefined {
    const values = limit.applies(subject) ? limit.keys.valuesOf(subject) : undefined;
    if (!values) return undefined;
    const key = JSON.stringify([this.#c.place, limit.name, ...limit.per, ...values]);
    return {
      of: limit,
      values,
      key,
      limit: limit.limit,
      cost: isCharged ? limit.cost(subject) : 0,
      fail: limit.fail,
    };
  }

  #tag({ tenant }: Subject): string | undefined {
    return this.#c.hasTenant ? tenant : undefined;
  }

  #tell(asked: Asked, subject: Subject, word: 'admitted' | 'refused' | 'would_refuse'): void {
    const { seen, host } = this.#c;
    const { of, key, limit, values } = asked;
    host.count(word, { kind: of.name });
    const counted = { key, limit };
    seen.saw(of.name, { counted, values, who: subject.who, tag: this.#tag(subject) }, word !== 'admitted');
  }

  #headers(x: Exchange, [{ of }, told]: readonly [Asked, Told], isRefused: boolean): void {
    if (!of.keys.isOwn || told.failing === 'open' || told.failing === 'closed') return;
    this.#c.host.answerHeaders(x, headersOf(of, told), isRefused ? -1 : told.remaining);
  }

  #costAfter({ of, cost }: Asked, subject: Subject, ending: Ending): number | undefined {
    try {
      return of.after?.(subject, cost, ending);
    } catch (error) {
      // The call is over: there is nobody to refuse.
      this.#c.host.count('failed', { kind: of.name });
      this.#c.host.log.warn('the cost of a call could not be told in the end', {
        limit: of.name,
        error: String(error),
      });
      return undefined;
    }
  }

  #settle(settlements: readonly Settlement[], subject: Subject): void {
    if (settlements.length > 0) void this.#c.store.adjust(settlements, this.#tag(subject));
  }
}

function tightestOf(pairs: readonly (readonly [Asked, Told])[]): readonly [Asked, Told] | undefined {
  const own = pairs.filter(([{ of }]) => of.keys.isOwn);
  return own.reduce<readonly [Asked, Told] | undefined>(
    (a, b) => (a && a[1].remaining <= b[1].remaining ? a : b),
    undefined,
  );
}

function refusedBy({ of, cost }: Asked, { retryMs, failing }: Told): Refused {
  const { name, text, most } = of;
  return { name, text, isOwn: of.keys.isOwn, retryMs, cost, most, isUncounted: failing === 'closed' };
}
