// What an initialize-era client hears outside of its calls: list changes, resource updates, stray log lines.
// Subscriptions beneath, one sink above (a GET stream or stdout).

import type { Host } from '../core/host.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { notificationText } from '../protocol/jsonrpc.ts';
import { McpNotification } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { Latest } from './latest.ts';
import { PORTION, Portion, type PortionHooks, urisOf } from './portion.ts';
import type { Changed, ListenerLimits } from './serving.ts';
import { LIST_NOTES } from './subscription.ts';

/** Puts one message out. Returns a promise while the client is slow, and false when it reads no more. */
export type Sink = (text: string) => Promise<void> | undefined | false;

export interface StandingHooks extends Pick<PortionHooks, 'run'> {
  readonly host: Host;
  limits(): Pick<ListenerLimits, 'events' | 'streamBuffer' | 'subscribeTimeout'>;
}

const UPDATED = 'notifications/resources/updated';

interface Watched {
  readonly portion: Portion;
  /** Whether the upstream watches it. */
  readonly honoured: Promise<boolean>;
}

export class Standing {
  readonly #hooks: StandingHooks;
  readonly #events: Latest;
  #sink: Sink | undefined;
  #comes = Promise.withResolvers<void>();
  /** Hears of lists, log lines and the first resources. */
  readonly #first: Portion;
  /** The first, and those for what it cannot hold. */
  readonly #portions = new Set<Portion>();
  readonly #uris = new Map<string, Watched>();
  /** Those of whose changes some may have gone by unheard, which the client is told when they begin. */
  readonly #behind = new Set<Portion>();

  constructor(hooks: StandingHooks) {
    this.#hooks = hooks;
    this.#events = new Latest(
      hooks.host.metrics,
      () => hooks.limits().events + this.#uris.size,
      () => hooks.limits().streamBuffer,
    );
    this.#first = this.#portion(Object.keys(LIST_NOTES));
  }

  get attached(): boolean {
    return this.#events.attached;
  }

  /** Resources it watches, or is about to. */
  get size(): number {
    return this.#uris.size;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** For a session that was out of memory: what it watched is watched again, and everything may have changed. */
  restore(uris: readonly string[]): void {
    this.#behind.add(this.#first);
    for (let at = 0; at < uris.length; at += PORTION) {
      const portion = at === 0 ? this.#first : this.#portion([]);
      const some = uris.slice(at, at + PORTION);
      for (const uri of some) this.#uris.set(uri, { portion, honoured: Promise.resolve(true) });
      portion.fill(some);
      this.#behind.add(portion);
      portion.renew();
    }
  }

  /** The generation or the log level changed. */
  renew(changed?: Promise<Changed>): void {
    for (const portion of this.#portions) if (portion.running) portion.renew(changed);
  }

  /** Whom it is for may see something else now. */
  beginAgain(): void {
    this.renew(Promise.resolve(new Set(Object.keys(LIST_NOTES) as (keyof typeof LIST_NOTES)[])));
  }

  /** Who it is for has proven itself anew: what ended because it had not, goes on. */
  resume(): void {
    for (const portion of this.#portions) {
      if (!portion.denied) continue;
      this.#behind.add(portion);
      portion.resume();
    }
  }

  stop(): void {
    for (const portion of this.#portions) portion.stop();
    this.#events.clear();
  }

  /** Resolves when somebody reads. @throws the signal's reason when it aborts first */
  async listening(signal: AbortSignal): Promise<void> {
    if (!this.attached) await unlessAborted(this.#comes.promise, signal);
  }

  /** Puts a message out that must not wait. @returns false when nobody reads it */
  send(text: string): boolean {
    return this.#sink !== undefined && this.#sink(text) !== false;
  }

  /** Messages go here from now on; what waited goes first. @returns a function that takes the sink away again */
  attach(sink: Sink): () => void {
    const { notifications } = this.#hooks.host.metrics;
    this.#sink = sink;
    this.#comes.resolve();
    this.#comes = Promise.withResolvers();
    const detach = this.#events.attach((note) => {
      const sent = sink(notificationText(note.method, note.raw));
      if (sent !== false) notifications.inc({ method: noteLabel(note.method) });
      return sent;
    });
    if (!this.#first.running) this.#first.renew();
    return () => {
      if (this.#sink === sink) this.#sink = undefined;
      detach();
    };
  }

  /** @returns whether the upstream watches it now */
  subscribe(uri: string): Promise<boolean> {
    const there = this.#uris.get(uri);
    if (there) return there.honoured;
    const portion = [...this.#portions].find(({ size }) => size < PORTION) ?? this.#portion([]);
    const honoured = portion.add(uri);
    const watched: Watched = { portion, honoured };
    this.#uris.set(uri, watched);
    void honoured.then((is) => {
      if (is || this.#uris.get(uri) !== watched) return;
      this.#uris.delete(uri);
      portion.forget(uri);
      this.#clear(portion);
    });
    return honoured;
  }

  async unsubscribe(uri: string): Promise<void> {
    const portion = this.#uris.get(uri)?.portion;
    if (!portion) return;
    this.#uris.delete(uri);
    const removed = portion.remove(uri);
    this.#clear(portion);
    await removed;
  }

  #portion(lists: readonly string[]): Portion {
    const isFirst = lists.length > 0;
    const portion: Portion = new Portion(lists, {
      run: this.#hooks.run,
      begun: (filter) => this.#behind.delete(portion) && this.#mayHaveChanged(filter),
      event: (note) => {
        if (note.method === UPDATED) this.#updated(note);
        else if (isFirst) this.#events.put(note);
      },
      log: this.#hooks.host.log,
      patience: () => this.#hooks.limits().subscribeTimeout,
      late: () => this.#hooks.host.metrics.timeouts.inc({ kind: 'subscribe' }),
    });
    this.#portions.add(portion);
    return portion;
  }

  /** The first stays; it hears of the lists. */
  #clear(portion: Portion): void {
    if (portion !== this.#first && portion.size === 0) this.#portions.delete(portion);
  }

  #mayHaveChanged(filter: RawObject): void {
    for (const [member, method] of Object.entries(LIST_NOTES))
      if (filter.get(member) === true) this.#events.put(McpNotification.of(method, {}));
    for (const uri of urisOf(filter)) this.#updated(McpNotification.of(UPDATED, { uri }));
  }

  #updated(note: McpNotification): void {
    const uri = note.raw?.string('uri');
    if (uri === undefined || !this.#uris.has(uri)) this.#dropped('not_subscribed');
    else this.#events.put(note);
  }

  #dropped(reason: string): void {
    this.#hooks.host.metrics.dropped.inc({ reason });
  }
}
