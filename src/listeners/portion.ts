// Some of the resources that a session watches: one subscription beneath, small enough that asking for one resource
// more does not mean asking for all of them again. The first one hears of the lists, too.

import { coalesce } from '../lib/coalesce.ts';
import type { McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Changed } from './serving.ts';
import { Subscription, type SubscriptionHooks } from './subscription.ts';

export interface PortionHooks extends Pick<SubscriptionHooks, 'event' | 'log'> {
  /** Runs a subscriptions/listen exchange for the session. */
  run(filter: RawObject, signal: AbortSignal, emit: (note: McpNotification) => undefined): Promise<McpResult>;
  /** The filter as it is honoured, of the first run. */
  begun(filter: RawObject): void;
  /** How long an upstream may take to say whether it watches a resource, before it is taken to; milliseconds. */
  patience(): number;
  /** One took longer. */
  late(): void;
}

/** Resources in one subscription: few enough to send again, enough that a thousand take few subscriptions. */
export const PORTION = 64;

export class Portion {
  readonly #uris = new Set<string>();
  readonly #subscription: Subscription;
  /** Resolves with the filter as the upstream honours it; undefined when it takes its time. */
  readonly #renewed: () => Promise<RawObject | undefined>;
  #begun = false;
  #denied = false;

  /** @param lists the lists to hear of; a portion without any stops for good when its last resource goes */
  constructor(
    readonly lists: readonly string[],
    hooks: PortionHooks,
  ) {
    this.#subscription = new Subscription({
      run: (signal, emit) => hooks.run(this.#filter(), signal, emit),
      acknowledged: (filter) => {
        if (!this.#begun) hooks.begun(filter);
        this.#begun = true;
      },
      event: hooks.event,
      ended: ({ http }) => {
        this.#denied = http === 401 || http === 403;
      },
      log: hooks.log,
    });
    this.#renewed = coalesce(() => patiently(this.#subscription.renew(), hooks));
  }

  get size(): number {
    return this.#uris.size;
  }

  get running(): boolean {
    return this.#subscription.running;
  }

  /** Puts them there before it begins. */
  fill(uris: readonly string[]): void {
    for (const uri of uris) this.#uris.add(uri);
  }

  /** Begins, or begins anew on another generation. */
  renew(changed?: Promise<Changed>): void {
    void this.#subscription.renew(changed);
  }

  /** Whether it has ended because plugins did not let it in. */
  get denied(): boolean {
    return this.#denied && !this.running;
  }

  /** Begins anew after an end: of what changed meanwhile nothing was heard. */
  resume(): void {
    this.#begun = false;
    this.#denied = false;
    this.renew();
  }

  /** @returns whether the upstream watches it now */
  async add(uri: string): Promise<boolean> {
    this.#uris.add(uri);
    const filter = await this.#renewed();
    return filter === undefined || urisOf(filter).includes(uri);
  }

  /** Resolves when the upstream knows. */
  async remove(uri: string): Promise<void> {
    this.forget(uri);
    if (this.#needed) await this.#renewed();
  }

  /** The upstream does not watch it: the next run will not ask for it. */
  forget(uri: string): void {
    this.#uris.delete(uri);
    if (!this.#needed) this.stop();
  }

  stop(): void {
    this.#subscription.stop();
  }

  get #needed(): boolean {
    return this.#uris.size > 0 || this.lists.length > 0;
  }

  #filter(): RawObject {
    const lists = Object.fromEntries(this.lists.map((member) => [member, true]));
    return RawObject.of({
      ...lists,
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris] } : {}),
    });
  }
}

/** The resources of a filter. */
export function urisOf(filter: RawObject): string[] {
  const uris = filter.get('resourceSubscriptions');
  return Array.isArray(uris) ? uris.map(String) : [];
}

async function patiently(
  renewal: Promise<RawObject>,
  hooks: Pick<PortionHooks, 'patience' | 'late'>,
): Promise<RawObject | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, hooks.patience(), undefined);
  const filter = await Promise.race([renewal, promise]);
  clearTimeout(timer);
  if (filter === undefined) hooks.late();
  return filter;
}
