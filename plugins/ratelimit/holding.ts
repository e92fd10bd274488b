// Places that calls and streams hold: taken before they go on, given back when they are over, however that comes about.

import type { Exchange, PluginHost } from '../../src/plugin.ts';
import type { HeldLimit } from './limits.ts';
import type { Comer, NoPlace, Place, Places } from './places.ts';
import type { Refused } from './refusals.ts';
import type { Seen } from './seen.ts';
import type { Subject } from './subject.ts';

/** Streams begin anew on each configuration, as other exchanges of the same id: they hold one place meanwhile. */
interface Stream {
  readonly places: readonly Place[];
  exchanges: number;
}

type Session = NonNullable<Exchange['client']['session']>;
/** With which a session begins. */
const BEGINNING = 'server/discover';

/** What outlives a reload: places by limit, and who holds them. */
export class Held {
  readonly places = new Map<string, Places>();
  readonly calls = new WeakMap<Exchange, readonly Place[]>();
  readonly streams = new WeakMap<Exchange['inbound'], Map<string, Stream>>();
  /** Sessions that have their place, by limit. */
  readonly sessions = new WeakMap<Session, Set<string>>();
  /** What is over before it has its place: a place that comes later goes back at once. */
  readonly over = new WeakSet<Exchange>();
}

export interface HoldingParts {
  readonly held: Held;
  readonly host: PluginHost;
  readonly seen: Seen;
  readonly limits: readonly HeldLimit[];
}

export class Holding {
  readonly #p: HoldingParts;

  constructor(parts: HoldingParts) {
    this.#p = parts;
  }

  /** @returns the limit that has no place for it. Throws, holding nothing, when the call is cancelled meanwhile. */
  async enter(x: Exchange, subject: Subject): Promise<Refused | undefined> {
    const limits = this.#p.limits.filter((limit) => limit.applies(subject));
    const refused = await this.#enterSession(x, subject, limits);
    if (refused) return refused;
    const about = limits.filter(({ of }) => of !== 'sessions');
    if (about.length === 0) return undefined;
    const isStream = about.some(({ of }) => of === 'streams');
    if (isStream && this.#goesOn(x)) return undefined;
    const places: Place[] = [];
    try {
      for (const limit of about) {
        const got = await this.#place(limit, x, subject);
        if (got && 'leave' in got) places.push(got);
        else if (got) {
          leaveAll(places);
          return got;
        }
      }
    } catch (error) {
      leaveAll(places);
      throw error;
    }
    if (isStream) this.#keepStream(x, places);
    else if (this.#p.held.over.has(x)) leaveAll(places);
    else this.#p.held.calls.set(x, places);
    return undefined;
  }

  /** The call is over. */
  leave(x: Exchange): void {
    const { over, calls, streams } = this.#p.held;
    over.add(x);
    leaveAll(calls.get(x) ?? []);
    calls.delete(x);
    const own = x.inbound.answer ? undefined : streams.get(x.inbound);
    const stream = own?.get(x.id);
    if (!own || !stream || --stream.exchanges > 0) return;
    own.delete(x.id);
    leaveAll(stream.places);
    this.#tell();
  }

  /** One that is there already, as after a restart, is let in whatever is free. */
  async #enterSession(
    x: Exchange,
    subject: Subject,
    limits: readonly HeldLimit[],
  ): Promise<Refused | undefined> {
    const { session } = x.client;
    if (!session || session.ended.aborted) return undefined;
    const has = this.#p.held.sessions.get(session) ?? new Set<string>();
    this.#p.held.sessions.set(session, has);
    for (const limit of limits.filter(({ of, name }) => of === 'sessions' && !has.has(name))) {
      // Of messages that come together, as in a batch, one takes the place of all.
      has.add(limit.name);
      const got = await this.#place(limit, x, subject, x.request.method !== BEGINNING);
      if (!got || !('leave' in got)) has.delete(limit.name);
      if (!got) continue;
      if (!('leave' in got)) return got;
      session.ended.addEventListener('abort', () => got.leave(), { once: true });
      if (session.ended.aborted) got.leave();
    }
    return undefined;
  }

  /** @param goesOn whether it is to have one whatever is free */
  async #place(
    limit: HeldLimit,
    x: Exchange,
    subject: Subject,
    goesOn = x.round > 1,
  ): Promise<Place | Refused | undefined> {
    const places = this.#p.held.places.get(limit.name);
    const values = limit.keys.valuesOf(subject);
    if (!places || !values) return undefined;
    const key = JSON.stringify(values);
    const comer = comerOf(subject, limit.cost(subject));
    if (goesOn) return this.#told(places.force(key, comer));
    const isShadow = limit.shadow || this.#p.host.mode === 'shadow';
    const entered = places.enter(key, comer, isShadow ? undefined : x.signal);
    const got = entered instanceof Promise ? await this.#wait(entered, x, limit) : entered;
    const { host, seen } = this.#p;
    seen.entered(limit.name, typeof got === 'string');
    if (typeof got !== 'string') {
      host.count('admitted', { kind: limit.name });
      return this.#told(got);
    }
    host.count(isShadow ? 'would_refuse' : 'refused', { kind: limit.name, reason: got });
    if (isShadow) return this.#told(places.force(key, comer));
    this.#tell();
    return { name: limit.name, text: limit.text, isOwn: limit.keys.isOwn, retryMs: undefined };
  }

  async #wait(entered: Promise<Place | NoPlace>, x: Exchange, { name }: HeldLimit): Promise<Place | NoPlace> {
    const { host } = this.#p;
    const since = host.now();
    this.#tell();
    try {
      return await x.hold(entered, { phase: 'queued' });
    } catch (error) {
      // It may have got its place at the very moment.
      void entered.then((got) => typeof got !== 'string' && got.leave());
      throw error;
    } finally {
      host.took(`${name} queued`, Math.max(0, host.now() - since));
      this.#tell();
    }
  }

  /** Whether it is a stream that has its place already. */
  #goesOn(x: Exchange): boolean {
    const stream = this.#p.held.streams.get(x.inbound)?.get(x.id);
    if (!stream) return false;
    stream.exchanges++;
    return true;
  }

  #keepStream(x: Exchange, places: readonly Place[]): void {
    const { streams, over } = this.#p.held;
    const { answer } = x.inbound;
    if (!answer && over.has(x)) {
      leaveAll(places);
      return;
    }
    const own = streams.get(x.inbound) ?? new Map<string, Stream>();
    streams.set(x.inbound, own);
    own.set(x.id, { places, exchanges: 1 });
    void answer?.over.then(() => {
      own.delete(x.id);
      leaveAll(places);
      this.#tell();
    });
  }

  #told(place: Place): Place {
    this.#tell();
    return {
      leave: () => {
        place.leave();
        this.#tell();
      },
    };
  }

  #tell(): void {
    for (const { name } of this.#p.limits) {
      const places = this.#p.held.places.get(name);
      this.#p.host.level(`${name} held`, places?.held ?? 0);
      this.#p.host.level(`${name} queued`, places?.queued ?? 0);
    }
  }
}

/** Tenants share evenly; where there are none, principals do. */
function comerOf({ tenant, principal }: Subject, cost: number): Comer {
  return { tenant: tenant === '' ? principal : `tenant ${tenant}`, principal, cost };
}

function leaveAll(places: readonly Place[]): void {
  for (const place of places) place.leave();
}
