// What an initialize-era client hears outside of its calls: list changes, resource updates, stray log lines.
// One subscription beneath, one sink above (a GET stream or stdout).

import type { Host } from '../core/host.ts';
import { notificationText } from '../protocol/jsonrpc.ts';
import type { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { Latest } from './latest.ts';
import type { Changed } from './serving.ts';
import { Subscription } from './subscription.ts';

/** Puts one message out. Returns a promise while the client is slow, and false when it reads no more. */
export type Sink = (text: string) => Promise<void> | undefined | false;

export interface StandingHooks {
  /** Runs a subscriptions/listen exchange for the session. */
  run(filter: RawObject, signal: AbortSignal, emit: (note: McpNotification) => undefined): Promise<McpResult>;
  readonly host: Host;
}

/** An upstream that has not said by then whether it watches a resource is taken to do so. */
const SUBSCRIBE_MS = 5_000;

export class Standing {
  readonly #hooks: StandingHooks;
  readonly #subscription: Subscription;
  readonly #events: Latest;
  /** Resources to watch, and whether the upstream does. */
  readonly #uris = new Map<string, Promise<boolean>>();

  constructor(hooks: StandingHooks) {
    this.#hooks = hooks;
    this.#events = new Latest((reason) => this.#dropped(reason));
    this.#subscription = new Subscription({
      run: (signal, emit) => hooks.run(this.#filter(), signal, emit),
      event: (note) => this.#event(note),
      ended() {},
      log: hooks.host.log,
    });
  }

  get attached(): boolean {
    return this.#events.attached;
  }

  /** The generation, the log level or the set of resources changed. */
  renew(changed?: Promise<Changed>): void {
    if (this.#subscription.running) void this.#subscription.renew(changed);
  }

  stop(): void {
    this.#subscription.stop();
    this.#events.clear();
  }

  /** Messages go here from now on; what waited goes first. @returns a function that takes the sink away again */
  attach(sink: Sink): () => void {
    const { notifications } = this.#hooks.host.metrics;
    const detach = this.#events.attach((note) => {
      const sent = sink(notificationText(note.method, note.raw));
      if (sent !== false) notifications.inc({ method: note.method });
      return sent;
    });
    if (!this.#subscription.running) void this.#subscription.renew();
    return detach;
  }

  /** @returns whether the upstream watches it now */
  subscribe(uri: string): Promise<boolean> {
    const there = this.#uris.get(uri);
    if (there) return there;
    const asked = Promise.withResolvers<boolean>();
    this.#uris.set(uri, asked.promise);
    void this.#renewed().then((filter) => {
      const honoured = filter === undefined || includes(filter, uri);
      if (!honoured && this.#uris.get(uri) === asked.promise) this.#uris.delete(uri);
      asked.resolve(honoured);
    });
    return asked.promise;
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#uris.delete(uri)) await this.#renewed();
  }

  /** @returns the filter as the upstream honours it; undefined when it takes its time */
  async #renewed(): Promise<RawObject | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, SUBSCRIBE_MS, undefined);
    const filter = await Promise.race([this.#subscription.renew(), promise]);
    clearTimeout(timer);
    return filter;
  }

  #filter(): RawObject {
    return RawObject.of({
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris.keys()] } : {}),
    });
  }

  #event(note: McpNotification): void {
    const uri = note.method === 'notifications/resources/updated' ? note.raw?.string('uri') : undefined;
    if (uri !== undefined && !this.#uris.has(uri)) this.#dropped('not_subscribed');
    else this.#events.put(note);
  }

  #dropped(reason: string): void {
    this.#hooks.host.metrics.dropped.inc({ reason });
  }
}

function includes(filter: RawObject, uri: string): boolean {
  const uris = filter.get('resourceSubscriptions');
  return Array.isArray(uris) && uris.includes(uri);
}
