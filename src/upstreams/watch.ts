// Who wants to hear what an initialize-era link sends outside of calls, and which resources are subscribed
// there for them. One per link.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { McpNotification } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import type { Settled } from './call.ts';
import type { Link } from './link.ts';
import type { Own } from './own.ts';

/** The filter of a subscriptions/listen request (2026-07-28 patterns/subscriptions). */
export interface Filter {
  readonly lists: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
}

interface Watcher {
  readonly filter: Filter;
  readonly emit: Emit;
  /** Hears everything: the link belongs to this client's session alone. */
  readonly owner: boolean;
}

const LIST_OF: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

export const LIST_NOTES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(LIST_OF).map(([note, member]) => [member, note]),
);

/** What the client asked to hear, and what this server can tell. */
export function honoured(x: Exchange, capabilities: RawObject): Filter {
  const asked = x.request.raw?.object('notifications');
  const lists = new Set<string>();
  for (const [member, capability] of [
    ['toolsListChanged', 'tools'],
    ['promptsListChanged', 'prompts'],
    ['resourcesListChanged', 'resources'],
  ] as const) {
    if (asked?.get(member) === true && capabilities.object(capability)?.get('listChanged') === true)
      lists.add(member);
  }
  const uris = asked?.get('resourceSubscriptions');
  const can = capabilities.object('resources')?.get('subscribe') === true;
  return {
    lists,
    uris: new Set(can && Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []),
  };
}

/** The `notifications` member of an acknowledgement. */
export function filterObject({ lists, uris }: Filter): RawObject {
  const flags = Object.fromEntries([...lists].map((member) => [member, true]));
  return RawObject.of({ ...flags, ...(uris.size > 0 ? { resourceSubscriptions: [...uris] } : {}) });
}

const UNSAID: Settled = { kind: 'failed', error: new GatewayError('CANCELLED') };

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #subscribed = new Map<string, { holders: number; readonly done: Promise<boolean> }>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param patience how long the upstream may take to answer, milliseconds
   * @param left called when somebody watches no longer
   */
  constructor(
    readonly link: Link,
    readonly own: Own,
    readonly patience: number,
    readonly left: () => void = () => {},
  ) {}

  get size(): number {
    return this.#watchers.size;
  }

  /** Hands a notification to everybody who asked for its kind. @returns whether anybody did */
  tell(note: McpNotification): boolean {
    const list = LIST_OF[note.method];
    const uri = note.method === 'notifications/resources/updated' ? note.raw?.string('uri') : undefined;
    let heard = false;
    for (const { filter, emit, owner } of this.#watchers) {
      const wants = list ? filter.lists.has(list) : uri === undefined ? owner : filter.uris.has(uri);
      if (!wants) continue;
      heard = true;
      void emit(note)?.catch(() => {});
    }
    return heard;
  }

  /** Gives out what tells of all that may have changed unheard. */
  missed(give: (note: McpNotification) => void): void {
    const filters = [...this.#watchers].map(({ filter }) => filter);
    const lists = new Set(filters.flatMap((filter) => [...filter.lists]));
    const uris = new Set(filters.flatMap((filter) => [...filter.uris]));
    for (const member of lists) give(McpNotification.of(LIST_NOTES[member] ?? '', {}));
    for (const uri of uris) give(McpNotification.of('notifications/resources/updated', { uri }));
  }

  /** Begins to watch at once; resolves with what is really subscribed. Undo with the returned function. */
  async add(filter: Filter, emit: Emit, owner: boolean): Promise<{ filter: Filter; remove: () => void }> {
    // Before anything is subscribed: the first event may come with the answer.
    const uris = new Set(filter.uris);
    const lists = new Set(filter.lists);
    const watcher: Watcher = { filter: { lists, uris }, emit, owner };
    this.#watchers.add(watcher);
    if ((await this.link.listen?.().stands) === false) {
      // Nothing can come outside of calls, so nothing is promised.
      lists.clear();
      uris.clear();
    }
    for (const uri of [...uris]) if (!(await this.#subscribe(uri))) uris.delete(uri);
    return {
      filter: watcher.filter,
      remove: () => {
        this.#watchers.delete(watcher);
        for (const uri of uris) this.#unsubscribe(uri);
        this.left();
      },
    };
  }

  async #subscribe(uri: string): Promise<boolean> {
    const entry = this.#subscribed.get(uri) ?? {
      holders: 0,
      done: this.#request('resources/subscribe', uri).then(({ kind }) => kind === 'result'),
    };
    this.#subscribed.set(uri, entry);
    entry.holders++;
    if (await entry.done) return true;
    this.#release(uri);
    return false;
  }

  #unsubscribe(uri: string): void {
    if (this.#release(uri)) void this.#request('resources/unsubscribe', uri);
  }

  /** @returns whether that was the last one */
  #release(uri: string): boolean {
    const entry = this.#subscribed.get(uri);
    if (entry === undefined || --entry.holders > 0) return false;
    return this.#subscribed.delete(uri);
  }

  /** One after the other: the last word about a resource must arrive last. To a link that is closing none is said. */
  #request(method: string, uri: string): Promise<Settled> {
    const x = this.own(method, RawObject.of({ uri }));
    const settled = this.#turn.then(() => (this.link.closing ? UNSAID : aside(this.link, x, this.patience)));
    this.#turn = settled;
    return settled;
  }
}
