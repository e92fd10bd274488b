// The live links of one upstream: which exchange uses which, each opened once however many wait for it, and
// closed when its session ends, when it is unused for long, or when another needs its place.

import { type Client, canBeAsked, identityKey } from '../core/client.ts';
import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { coalesce } from '../lib/coalesce.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { Era } from '../protocol/message.ts';
import { type Entry, endListening, type Holder, isOwn, isStateless, newEntry, newHolder } from './entry.ts';
import { verdictOnError } from './health.ts';
import type { Link } from './link.ts';
import { type Hold, isBusy, type Pooled, type PoolHooks, type Told, type Use } from './pooled.ts';
import {
  onceSlot,
  ownSlot,
  renew,
  SHARED,
  type Sharing,
  type Slot,
  STATELESS,
  sharingOf,
  slotAt,
  spreadSlot,
  UNASKED,
} from './sharing.ts';
import { inSomeEra } from './some-era.ts';
import type { UpstreamSpec } from './spec.ts';
import type { Target, Targets, Wish } from './targets.ts';
import { Turns } from './turns.ts';
import { createVerdicts, type Verdicts, WrongEra } from './verdict.ts';

export class Pool {
  /** By slot; a link that ends or is being closed is not here any more. */
  readonly #entries = new Map<string, Entry>();
  /** Those that nothing uses, longest unused first. */
  readonly #resting = new Set<Entry>();
  /** Those that are being closed. */
  readonly #leaving = new Set<Promise<unknown>>();
  readonly #byLink = new Map<Link, Pooled>();
  readonly #closing = new AbortController();
  readonly #sharing: Sharing;
  readonly verdicts: Verdicts;

  constructor(
    readonly spec: UpstreamSpec,
    readonly hooks: PoolHooks,
    readonly targets: Targets,
    readonly host: Host,
  ) {
    this.#sharing = sharingOf(spec);
    // That transport is older than the other era.
    const older = spec.kind === 'url' && spec.transport === 'sse';
    this.verdicts = createVerdicts(older ? '2025' : spec.era, host.now, () => spec.limits.eraMemory);
  }

  get size(): number {
    return this.#byLink.size;
  }

  of(link: Link): Pooled | undefined {
    return this.#byLink.get(link);
  }

  all(): Pooled[] {
    return [...this.#byLink.values()];
  }

  /** @param prefer the target it goes to, if that works and nothing else says otherwise */
  hold(prefer?: Target): Hold {
    const holder = newHolder(prefer);
    return {
      acquire: (client, use = {}) => this.#acquire(client, use, holder),
      async turn(pooled, client, signal, resumes) {
        holder.turns = pooled?.turns;
        await pooled?.turns?.take(holder, client, signal, resumes);
      },
      heard: (verdict) => {
        if (holder.target) this.targets.heard(holder.target, { by: holder, who: holder.who }, verdict);
      },
      get stateless() {
        const { entry } = holder;
        return entry && isStateless(entry) ? entry.target : undefined;
      },
      release: () => {
        holder.over = true;
        this.#letGo(holder);
      },
    };
  }

  /** Closes every link, and gives up those that are being opened; later requests for one fail. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#entries.values()].map(({ opening }) => opening));
    await Promise.all([...this.#leaving, ...this.all().map(({ link }) => link.close())]);
  }

  /** Forgets a link that is of no more use, so that the next request opens another. */
  drop(pooled: Pooled): void {
    const entry = this.#entries.get(pooled.slot.key);
    if (entry?.pooled === pooled) this.#forget(entry);
  }

  /** A target has failed: what is not a call at work goes elsewhere. */
  lost(target: Target): void {
    for (const entry of [...this.#entries.values()]) if (entry.target === target) this.#move(entry);
  }

  async #acquire(client: Client, use: Use, holder: Holder): Promise<Pooled> {
    holder.who = () => identityKey(client.principal);
    try {
      return await inSomeEra(this.spec.name, this.verdicts, client.era, (era) =>
        this.#take(this.#slot(era, client, use), use, holder, client),
      );
    } catch (error) {
      // What each era has said alone is told at the end.
      if (holder.target) this.targets.opened(holder.target, holder, verdictOnError(error));
      throw error;
    }
  }

  #slot(era: Era, client: Client, { place = 0, lasts = false }: Use): Slot {
    const isProcess = this.spec.kind === 'command';
    const { max } = this.#sharing;
    const isOwn = !isProcess && this.hooks.perCaller();
    // Where each caller has a credential of its own, no link is everybody's.
    if (era === '2026' && isOwn) return spreadSlot(client, place);
    const per = isOwn && this.#sharing.per === 'shared' ? 'principal' : this.#sharing.per;
    if (era === '2026' && (!isProcess || per === 'auto' || per === 'shared')) return STATELESS;
    if (per === 'shared') return SHARED;
    if (per === 'request' && !lasts) return onceSlot(client, era);
    if (per === 'auto' && max > 1 && !canBeAsked(client.capabilities)) return UNASKED;
    const own = ownSlot(per, client, era, place);
    if (!isProcess || this.#hasRoom(own)) return own.owner || !isProcess ? own : { ...own, places: max };
    if (per !== 'auto' && place === 0) return own;
    this.host.metrics.limitHits.inc({ limit: this.#limit });
    return per === 'auto' ? SHARED : ownSlot(per, client, era, 0);
  }

  get #limit(): string {
    return this.spec.kind === 'command' ? 'instances' : 'upstream_sessions';
  }

  /** Whether a process of one's own may be had. Where that is not so for all, two places are for the others. */
  #hasRoom(own: Slot): boolean {
    if (this.#entries.has(own.key)) return true;
    const { per, max } = this.#sharing;
    const taken = per === 'auto' ? [...this.#entries.values()].filter(isOwn).length + 2 : this.#entries.size;
    return taken < max || [...this.#resting].some(isOwn);
  }

  async #take(slot: Slot, use: Use, holder: Holder, client: Client): Promise<Pooled> {
    let failed: Set<Target> | undefined;
    for (;;) {
      this.#letGo(holder);
      const exclude = failed ?? use.exclude;
      const entry = await this.#entryFor(slot, { ...use, exclude }, holder);
      holder.entry = entry;
      holder.target = entry.target;
      renew(entry.slot, client);
      entry.target.busy++;
      entry.holders.add(holder);
      this.#resting.delete(entry);
      clearTimeout(entry.idle);
      try {
        return await entry.opening;
      } catch (error) {
        const verdict = this.#isOdd(error, slot.era) ? error : verdictOnError(error);
        this.targets.opened(entry.target, holder, verdict);
        failed = new Set(exclude).add(entry.target);
        // Nothing of the request has been sent.
        if (!(verdict instanceof Error) || !this.targets.hasOther(failed, holder.who)) throw error;
      }
    }
  }

  /** Of several places, one denies what another speaks: that is no word on the era, but on the place. */
  #isOdd(error: unknown, era: Era): error is WrongEra {
    return error instanceof WrongEra && this.targets.all.length > 1 && this.verdicts.known(era) === true;
  }

  async #entryFor(slot: Slot, { safe = false, exclude }: Use, holder: Holder): Promise<Entry> {
    for (;;) {
      if (holder.over) throw new GatewayError('CANCELLED');
      const there = slot === STATELESS || slot.spreads ? undefined : this.#entries.get(slot.key);
      // A process of one's own is not judged by what became of others'.
      if (there?.pooled && this.spec.kind === 'command' && isOwn(there)) return there;
      const wish: Wish = {
        by: holder,
        who: holder.who,
        safe,
        prefer: there?.target ?? holder.prefer,
        exclude,
      };
      const picked = this.targets.pick(wish);
      const target = picked instanceof Promise ? await picked : picked;
      let entry: Entry | undefined;
      try {
        // It may have gone while the target was looked at.
        if (holder.over) throw new GatewayError('CANCELLED');
        entry = this.#entryAt(slotAt(slot, target), target);
      } finally {
        if (!entry) this.targets.leave(target, holder);
      }
      if (entry) return entry;
      // One that is being opened may turn out to be of no use, such as the first in an era.
      await Promise.race(this.#openings()).catch(() => {});
    }
  }

  #entryAt(slot: Slot, target: Target): Entry | undefined {
    const there = this.#entries.get(slot.key);
    if (there?.target === target) return there;
    if (there) this.#move(there);
    return this.#create(slot, target);
  }

  #letGo(holder: Holder): void {
    const { entry, turns } = holder;
    holder.entry = undefined;
    holder.turns = undefined;
    turns?.leave(holder);
    if (!entry?.holders.delete(holder)) return;
    entry.target.busy--;
    this.targets.leave(entry.target, holder);
    this.#rest(entry);
  }

  /** Nobody gets it any more; calls on it go on. */
  #move(entry: Entry): void {
    this.#forget(entry);
    entry.moved.resolve();
    if (entry.pooled) endListening(entry.pooled.link);
    this.#rest(entry);
  }

  /** @returns nothing while it is not known yet whether there is room */
  #create(slot: Slot, target: Target): Entry | undefined {
    const over = this.#overFor(slot);
    if (over) throw over;
    // Beside sessions there is a link to each target that needs none.
    const most = this.#sharing.max + this.targets.all.length - 1;
    if (this.#entries.size >= most && !this.#makeRoom()) return undefined;
    const entry = newEntry(slot, target);
    this.#entries.set(slot.key, entry);
    entry.opening = this.#open(entry).catch((error: unknown) => {
      this.#forget(entry);
      throw error;
    });
    return entry;
  }

  #openings(): Promise<Pooled>[] {
    return [...this.#entries.values()].filter(({ pooled }) => !pooled).map(({ opening }) => opening);
  }

  /**
   * Closes the link that is unused for longest.
   * @returns false when all are in use or being opened
   * @throws GatewayError BUSY when all are in use
   */
  #makeRoom(): boolean {
    const [longest] = this.#resting;
    if (!longest && this.#openings().length > 0) return false;
    this.host.metrics.limitHits.inc({ limit: this.#limit });
    if (longest) {
      this.#retire(longest);
      return true;
    }
    const { name, kind } = this.spec;
    const what =
      kind === 'command' ? 'runs as many processes as instances.max' : 'has as many sessions as sessions.max';
    throw new GatewayError('BUSY', `The upstream "${name}" ${what} allows.`, { upstream: name });
  }

  /** Closes an open link; nobody gets it any more. */
  #retire(entry: Entry): void {
    this.#forget(entry);
    if (entry.retired) return;
    entry.retired = true;
    this.#leave(Promise.resolve(entry.pooled?.link.close()));
  }

  #leave(ended: Promise<unknown>): void {
    const left: Promise<unknown> = ended.finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.slot.key) === entry) this.#entries.delete(entry.slot.key);
    this.#resting.delete(entry);
    clearTimeout(entry.idle);
  }

  /** Looks whether anything uses the link. */
  #rest(entry: Entry): void {
    const { pooled, slot, holders } = entry;
    if (!pooled || !this.#byLink.has(pooled.link) || holders.size > 0 || isBusy(pooled)) return;
    const isKnown = this.#entries.get(slot.key) === entry;
    const isDoubtful = slot.until === 'idle' && pooled.mistrusted;
    if (!isKnown || slot.until === 'used' || isDoubtful) this.#retire(entry);
    else if (!slot.owner) this.#lieIdle(entry, pooled);
  }

  #lieIdle(entry: Entry, pooled: Pooled): void {
    this.#resting.delete(entry);
    this.#resting.add(entry);
    clearTimeout(entry.idle);
    const { idle, idleStop = 'off' } = this.#sharing;
    const isProcess = this.spec.kind === 'command';
    const patience = entry.slot.until === 'idle' ? idle : isProcess ? idleStop : 'off';
    if (patience === 'off') return;
    entry.idle = setTimeout(() => {
      if (!isBusy(pooled)) this.#retire(entry);
    }, patience);
  }

  /** Why nobody needs a link of this slot any more, if that is so. */
  #overFor({ owner }: Slot): GatewayError | undefined {
    if (this.#closing.signal.aborted)
      return new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${this.spec.name}" is being closed.`);
    return owner?.ended.aborted ? new GatewayError('SESSION_UNKNOWN') : undefined;
  }

  /** Opens a link as long as the upstream is to be reached and the session it is for lasts. */
  async #begin({ slot, target }: Entry, told: Told): Promise<Link> {
    const abort = new AbortController();
    const giveUp = (): void => abort.abort(this.#overFor(slot));
    const reasons = [this.#closing.signal, ...(slot.owner ? [slot.owner.ended] : [])];
    for (const reason of reasons) reason.addEventListener('abort', giveUp, { once: true });
    try {
      // A process that is told to end is one until it has ended.
      while (this.spec.kind === 'command' && this.#entries.size + this.#leaving.size > this.#sharing.max)
        await unlessAborted(Promise.race(this.#leaving), abort.signal);
      return await this.hooks.open(slot, target, told, abort.signal);
    } catch (error) {
      throw this.#overFor(slot) ?? error;
    } finally {
      for (const reason of reasons) reason.removeEventListener('abort', giveUp);
    }
  }

  async #open(entry: Entry): Promise<Pooled> {
    const { slot, target } = entry;
    const over = Promise.withResolvers<string>();
    const told: Told = {
      ended: over.resolve,
      leaving: (ended) => this.#leave(ended),
      callOver: () => {
        entry.pooled?.turns?.next();
        this.#rest(entry);
      },
    };
    const link = await this.#begin(entry, told);
    const pooled: Pooled = {
      link,
      slot,
      target,
      watchers: this.hooks.watch(link, slot, () => this.#rest(entry)),
      ended: Promise.race([over.promise.then(() => {}), entry.moved.promise]),
      turns: this.#turnsOf(link, slot),
      mistrusted: false,
    };
    entry.pooled = pooled;
    this.#byLink.set(link, pooled);
    target.links++;
    target.breaker?.probed();
    this.#count();
    const close = (): void => this.#retire(entry);
    slot.owner?.ended.addEventListener('abort', close, { once: true });
    // One after the other, however often the client says it.
    const tell = coalesce(() => this.hooks.rootsChanged(pooled));
    const deaf = slot.owner?.onRootsChanged?.(() => void tell());
    void over.promise.then((why) => {
      slot.owner?.ended.removeEventListener('abort', close);
      deaf?.();
      this.#forget(entry);
      this.#byLink.delete(link);
      target.links--;
      this.#count();
      this.hooks.closed(pooled, why);
    });
    if (this.#overFor(slot)) close();
    else this.#rest(entry);
    return pooled;
  }

  #turnsOf(link: Link, slot: Slot): Turns | undefined {
    const { spec, host } = this;
    return link.shared && slot.mixed ? new Turns(link, spec.name, this.#sharing, host) : undefined;
  }

  #count(): void {
    this.host.metrics.upstreamLinks.set({ upstream: this.spec.name }, this.#byLink.size);
  }
}
