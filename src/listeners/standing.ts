// What an initialize-era client hears outside of its calls: list changes, resource updates, stray log lines.
// One subscription beneath, one sink above (a GET stream or stdout). Without a sink, the newest of each kind waits.

import type { Host } from '../core/host.ts';
import { notificationText } from '../protocol/jsonrpc.ts';
import type { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Changed } from './serving.ts';
import { Subscription } from './subscription.ts';

/** Puts one message out. Returns a promise while the client is slow. */
export type Sink = (text: string) => Promise<void> | undefined;

export interface StandingHooks {
  /** Runs a subscriptions/listen exchange for the session. */
  run(
    filter: RawObject,
    signal: AbortSignal,
    emit: (note: McpNotification) => Promise<void> | undefined,
  ): Promise<McpResult>;
  readonly host: Host;
}

/** An upstream that has not said by then whether it watches a resource is taken to do so. */
const SUBSCRIBE_MS = 5_000;
/** Most kinds of events kept for a client that reads none: one per list, and this many resources. */
const PENDING = 256;

export class Standing {
  readonly #hooks: StandingHooks;
  readonly #subscription: Subscription;
  readonly #uris = new Set<string>();
  readonly #pending = new Map<string, McpNotification>();
  #sink: Sink | undefined;
  #acknowledged = Promise.withResolvers<RawObject>();

  constructor(hooks: StandingHooks) {
    this.#hooks = hooks;
    this.#subscription = new Subscription({
      run: (signal, emit) => hooks.run(this.#filter(), signal, emit),
      acknowledged: (filter) => this.#acknowledged.resolve(filter),
      event: (note) => this.#event(note),
      ended: () => this.#acknowledged.resolve(RawObject.of({})),
      log: hooks.host.log,
    });
  }

  get attached(): boolean {
    return this.#sink !== undefined;
  }

  /** Begins to listen, if it has not yet. */
  start(): void {
    if (!this.#subscription.running) this.#subscription.renew();
  }

  /** The generation, the log level or the set of resources changed. */
  renew(changed?: Promise<Changed>): void {
    if (this.#subscription.running) this.#subscription.renew(changed);
  }

  stop(): void {
    this.#subscription.stop();
    this.#pending.clear();
  }

  /** Messages go here from now on; what waited goes first. @returns a function that takes the sink away again */
  attach(sink: Sink): () => void {
    this.#sink = sink;
    for (const note of this.#pending.values()) this.#out(note);
    this.#pending.clear();
    this.start();
    return () => {
      if (this.#sink === sink) this.#sink = undefined;
    };
  }

  /** @returns whether the upstream watches it now */
  async subscribe(uri: string): Promise<boolean> {
    if (this.#uris.has(uri)) return true;
    this.#uris.add(uri);
    const filter = await this.#acknowledge();
    const honoured = filter === undefined || includes(filter, uri);
    if (!honoured) this.#uris.delete(uri);
    return honoured;
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#uris.delete(uri)) await this.#acknowledge();
  }

  async #acknowledge(): Promise<RawObject | undefined> {
    this.#acknowledged = Promise.withResolvers();
    this.#subscription.renew();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, SUBSCRIBE_MS, undefined);
    const filter = await Promise.race([this.#acknowledged.promise, promise]);
    clearTimeout(timer);
    return filter;
  }

  #filter(): RawObject {
    return RawObject.of({
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris] } : {}),
    });
  }

  #event(note: McpNotification): Promise<void> | undefined {
    const uri = note.method === 'notifications/resources/updated' ? note.raw?.string('uri') : undefined;
    if (uri !== undefined && !this.#uris.has(uri)) return this.#drop('not_subscribed');
    if (this.#sink) return this.#out(note);
    if (note.method === 'notifications/message') return this.#drop('no_stream');
    if (this.#pending.size >= PENDING) return this.#drop('no_stream');
    this.#pending.set(`${note.method} ${uri ?? ''}`, note);
    return undefined;
  }

  #out(note: McpNotification): Promise<void> | undefined {
    this.#hooks.host.metrics.notifications.inc({ method: note.method });
    return this.#sink?.(notificationText(note.method, note.raw));
  }

  #drop(reason: string): undefined {
    this.#hooks.host.metrics.dropped.inc({ reason });
    return undefined;
  }
}

function includes(filter: RawObject, uri: string): boolean {
  const uris = filter.get('resourceSubscriptions');
  return Array.isArray(uris) && uris.includes(uri);
}
