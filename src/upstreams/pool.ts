// The live links of one upstream: which exchange uses which, each opened once however many wait for it, and
// closed when its client's session ends or the upstream is no longer configured.

import { type Client, canBeAsked, NO_CAPABILITIES } from '../core/client.ts';
import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { digest } from '../lib/digest.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { NEWEST_INITIALIZE } from '../protocol/versions.ts';
import type { Link, Profile } from './link.ts';
import type { UpstreamSpec } from './spec.ts';
import { createVerdicts, NoReply, type Verdicts, WrongEra } from './verdict.ts';
import type { Watchers } from './watch.ts';

/** How a link is shared. */
export interface Slot {
  readonly key: string;
  readonly era: Era;
  /** The one client session it serves, if it serves just one. */
  readonly owner: Client['session'];
  readonly profile: Profile;
  /** How many links there may be of its kind, for calls whose questions must not be mixed up. */
  readonly places: number;
}

export interface Pooled {
  readonly link: Link;
  readonly slot: Slot;
  readonly watchers: Watchers;
  readonly ended: Promise<void>;
  /** Log level set at the upstream. */
  level: string | undefined;
}

export interface PoolHooks {
  /** Gives up when the signal aborts. */
  open(slot: Slot, ended: (why: string) => void, signal: AbortSignal): Promise<Link>;
  watch(link: Link): Watchers;
  /** The link is gone, by itself or closed. */
  closed(pooled: Pooled, why: string): void;
}

export class Pool {
  readonly #links = new Map<string, Promise<Pooled>>();
  readonly #byLink = new Map<Link, Pooled>();
  readonly #closing = new AbortController();
  readonly verdicts: Verdicts;

  constructor(
    readonly spec: UpstreamSpec,
    readonly hooks: PoolHooks,
    readonly host: Host,
  ) {
    this.verdicts = createVerdicts(spec.era, host.now);
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

  /**
   * The link for a client, in its own era where the upstream speaks it.
   * @param place which of the links of its kind; the first serves all but calls that must keep away from others
   * @throws GatewayError when the upstream cannot be reached or speaks no era that we do
   */
  async acquire(client: Client, place = 0): Promise<Pooled> {
    const tried = new Map<Era, WrongEra>();
    for (const era of this.verdicts.order(client.era)) {
      try {
        const pooled = await this.#get(this.#slot(era, client, place));
        this.verdicts.yes(era);
        // One that speaks this era, and gave no reply in the other, does not speak that.
        for (const other of tried.keys()) this.verdicts.no(other);
        return pooled;
      } catch (error) {
        if (!(error instanceof WrongEra)) throw error;
        if (!(error instanceof NoReply)) this.verdicts.no(era);
        tried.set(era, error);
      }
    }
    throw noEra(this.spec.name, [...tried.values()]);
  }

  /** Closes every link, and gives up those that are being opened; later requests for one fail. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(
      [...this.#links.values()].map((opening) =>
        opening.then(
          ({ link }) => link.close(),
          () => {},
        ),
      ),
    );
  }

  /** Forgets a link that is of no more use, so that the next request opens another. */
  drop(pooled: Pooled): void {
    if (this.#links.has(pooled.slot.key) && this.#byLink.get(pooled.link) === pooled)
      this.#links.delete(pooled.slot.key);
  }

  #slot(era: Era, client: Client, place: number): Slot {
    const shared = { era, owner: undefined, profile: SHARED, places: 1 };
    if (era === '2026') return { ...shared, key: 'stateless' };
    const alone = aloneSlot(client, era, place);
    if (this.spec.kind !== 'command') return alone;
    const { per, max } = this.spec.instances;
    const wanted = per === 'session' || (per === 'auto' && canBeAsked(client.capabilities));
    if (!wanted) return { ...shared, key: 'shared' };
    const room = this.#links.has(alone.key) || this.#links.size < max;
    if (room) return { ...alone, places: client.session ? 1 : max };
    this.host.metrics.limitHits.inc({ limit: 'instances' });
    if (per === 'auto') return { ...shared, key: 'shared' };
    if (place > 0) return aloneSlot(client, era, 0);
    throw new GatewayError(
      'BUSY',
      `The upstream "${this.spec.name}" runs as many processes as instances.max allows.`,
      { upstream: this.spec.name },
    );
  }

  #get(slot: Slot): Promise<Pooled> {
    const there = this.#links.get(slot.key);
    if (there) return there;
    const over = this.#overFor(slot);
    if (over) throw over;
    const opening = this.#open(slot).catch((error: unknown) => {
      if (this.#links.get(slot.key) === opening) this.#links.delete(slot.key);
      throw error;
    });
    this.#links.set(slot.key, opening);
    return opening;
  }

  /** Why nobody needs a link of this slot any more, if that is so. */
  #overFor({ owner }: Slot): GatewayError | undefined {
    if (this.#closing.signal.aborted)
      return new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${this.spec.name}" is being closed.`);
    return owner?.ended.aborted ? new GatewayError('SESSION_UNKNOWN') : undefined;
  }

  /** Opens a link as long as the upstream is to be reached and the session it is for lasts. */
  async #begin(slot: Slot, ended: (why: string) => void): Promise<Link> {
    const abort = new AbortController();
    const giveUp = (): void => abort.abort(this.#overFor(slot));
    const reasons = [this.#closing.signal, ...(slot.owner ? [slot.owner.ended] : [])];
    for (const reason of reasons) reason.addEventListener('abort', giveUp, { once: true });
    try {
      return await this.hooks.open(slot, ended, abort.signal);
    } catch (error) {
      throw this.#overFor(slot) ?? error;
    } finally {
      for (const reason of reasons) reason.removeEventListener('abort', giveUp);
    }
  }

  async #open(slot: Slot): Promise<Pooled> {
    const over = Promise.withResolvers<string>();
    const link = await this.#begin(slot, over.resolve);
    const pooled: Pooled = {
      link,
      slot,
      watchers: this.hooks.watch(link),
      ended: over.promise.then(() => {}),
      level: undefined,
    };
    this.#byLink.set(link, pooled);
    this.#count();
    const close = (): void => void link.close();
    slot.owner?.ended.addEventListener('abort', close, { once: true });
    void over.promise.then((why) => {
      slot.owner?.ended.removeEventListener('abort', close);
      this.drop(pooled);
      this.#byLink.delete(link);
      this.#count();
      this.hooks.closed(pooled, why);
    });
    if (this.#overFor(slot)) close();
    return pooled;
  }

  #count(): void {
    this.host.metrics.upstreamLinks.set({ upstream: this.spec.name }, this.#byLink.size);
  }
}

function noEra(upstream: string, tried: readonly WrongEra[]): GatewayError {
  const silent = tried.find((error) => error instanceof NoReply);
  if (silent) return silent.fault;
  const why = tried.map(({ message }) => message).join('; ');
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${upstream}" speaks no protocol revision that is known here (${why}).`,
    { upstream },
  );
}

const SHARED: Profile = { version: NEWEST_INITIALIZE, info: undefined, capabilities: NO_CAPABILITIES };

function aloneSlot({ session, ...client }: Client, era: Era, place: number): Slot {
  const { version, info, capabilities } = client;
  const profile = { version, info, capabilities };
  if (session) return { key: `session:${session.key}`, era, owner: session, profile, places: 1 };
  const key = `${profileKey(client)}:${place}`;
  return { key, era, owner: undefined, profile: { ...profile, version: NEWEST_INITIALIZE }, places: 1 };
}

function profileKey({ principal, capabilities }: Client): string {
  return `profile:${principal.id}:${digest(askProfile(capabilities))}`;
}

function askProfile(capabilities: RawObject): string {
  return ['elicitation', 'sampling', 'roots']
    .map((key) => `${key}=${capabilities.raw(key) ?? ''}`)
    .join('\n');
}
