// Who is told that a list has changed: each subscriber whose view of it has, once for a burst. What upstreams say,
// what links that come back bring, and refreshes that differ all end here.

import type { Exchange } from '../core/exchange.ts';
import { McpNotification } from '../protocol/message.ts';
import { audienceOf } from './audience.ts';
import type { OfferKind } from './offering.ts';
import type { Source } from './source.ts';
import type { Stock, StockChange } from './stock.ts';
import type { Seen, Views } from './views.ts';

/** Members of a subscription's filter: the notification of each, and the lists it is about. */
const LISTS = {
  toolsListChanged: { note: 'notifications/tools/list_changed', kinds: ['tools'] },
  promptsListChanged: { note: 'notifications/prompts/list_changed', kinds: ['prompts'] },
  resourcesListChanged: {
    note: 'notifications/resources/list_changed',
    kinds: ['resources', 'resourceTemplates'],
  },
} as const satisfies Record<string, { note: string; kinds: readonly OfferKind[] }>;

export type ListMember = keyof typeof LISTS;

const MEMBERS = Object.keys(LISTS) as ListMember[];

/** The lists a filter asks for. */
export function listsOf(has: (member: string) => boolean): ListMember[] {
  return MEMBERS.filter(has);
}

/** The lists that a notification is about. */
export function listOfNote({ method }: McpNotification): ListMember | undefined {
  return MEMBERS.find((member) => LISTS[member].note === method);
}

export interface ChangesParts {
  readonly sources: readonly Source[];
  readonly views: Views;
  readonly stock: Stock;
  /** Whether there are views to compare: where everything passes as it is, there are none. */
  readonly compares: boolean;
  /** Of what the caller is shown of a kind. */
  readonly digestOf: (x: Exchange, kind: OfferKind, seen: Seen) => string;
  /** How long a burst is waited out, milliseconds. */
  readonly debounce: () => number;
  /** After how long one that failed is asked again while somebody listens, milliseconds. */
  readonly retry: () => number;
  /** Aborts when the generation is to go. */
  readonly leaving: AbortSignal;
}

/** Of one subscription. */
export interface Watch {
  /** An upstream says that these lists have changed. */
  heard(source: Source, members: readonly ListMember[]): void;
  close(): void;
}

export class Changes {
  readonly #parts: ChangesParts;
  /** By audience. */
  readonly #watches = new Map<string, Set<Watching>>();

  constructor(parts: ChangesParts) {
    this.#parts = parts;
    const leave = parts.stock.onChange((change) => this.#changed(change));
    parts.leaving.addEventListener('abort', leave, { once: true });
  }

  /** @param tell called for each list whose view has changed, until the exchange's signal aborts */
  watch(x: Exchange, members: readonly ListMember[], tell: (note: McpNotification) => void): Watch {
    const { own } = audienceOf(x);
    const watches = this.#watches.get(own) ?? new Set();
    this.#watches.set(own, watches);
    const watching = new Watching(x, members, tell, this.#parts);
    watches.add(watching);
    const close = (): void => {
      watching.close();
      watches.delete(watching);
      if (watches.size === 0 && this.#watches.get(own) === watches) this.#watches.delete(own);
    };
    return { heard: (source, lists) => watching.heard(source, lists), close };
  }

  /** A caller has been shown this. */
  shown(kind: OfferKind, x: Exchange, seen: Seen): void {
    const watches = this.#watches.get(audienceOf(x).own);
    if (!watches) return;
    const shown = this.#parts.digestOf(x, kind, seen);
    for (const watching of watches) watching.shown(kind, shown, seen);
  }

  #changed({ entry, kind, audience }: StockChange): void {
    if (!this.#parts.sources.some((source) => source.entry === entry)) return;
    const member = MEMBERS.find((each) => (LISTS[each].kinds as readonly OfferKind[]).includes(kind));
    if (member) for (const watching of this.#watches.get(audience) ?? []) watching.mark([member]);
  }
}

class Watching {
  readonly #x: Exchange;
  readonly #members: ReadonlySet<ListMember>;
  readonly #tell: (note: McpNotification) => void;
  readonly #parts: ChangesParts;
  /** Digests of what it has been shown or told of last, as far as that is known. */
  readonly #seen = new Map<OfferKind, string>();
  readonly #marked = new Set<ListMember>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #returning: ReturnType<typeof setTimeout> | undefined;
  #isComparing = false;
  #isClosed = false;

  constructor(
    x: Exchange,
    members: readonly ListMember[],
    tell: (note: McpNotification) => void,
    parts: ChangesParts,
  ) {
    this.#x = x;
    this.#members = new Set(members);
    this.#tell = tell;
    this.#parts = parts;
    if (!parts.compares) return;
    for (const member of members) {
      for (const kind of LISTS[member].kinds) {
        const known = parts.views.known(kind, x);
        if (known.isWhole) this.#seen.set(kind, parts.digestOf(x, kind, known));
        // What changed just before it came is compared now.
        if (known.isInvalid) this.mark([member]);
      }
    }
  }

  heard(source: Source, members: readonly ListMember[]): void {
    const { stock, compares } = this.#parts;
    for (const member of compares ? members : [])
      for (const kind of LISTS[member].kinds) stock.invalidate(source, kind, this.#x);
    this.mark(members);
  }

  /** What a session has been shown is what it knows; of others that are alike, each may know something else. */
  shown(kind: OfferKind, digest: string, seen: Seen): void {
    if (this.#x.client.session || !this.#seen.has(kind)) this.#seen.set(kind, digest);
    this.#comeBack(seen);
  }

  /** Not every upstream tells that it is back: one that failed is asked again. What it brings is a change then. */
  #comeBack({ missing, stale }: Seen): void {
    if (this.#isClosed || missing.length + stale.length === 0) return;
    this.#returning ??= setTimeout(() => {
      this.#returning = undefined;
      for (const kind of this.#seen.keys())
        this.#see(kind).then(
          (seen) => this.#comeBack(seen),
          () => {},
        );
    }, this.#parts.retry());
  }

  #see(kind: OfferKind): Promise<Seen> {
    return this.#parts.views.see(kind, this.#x, { maxAge: Number.POSITIVE_INFINITY });
  }

  mark(members: readonly ListMember[]): void {
    if (this.#isClosed) return;
    for (const member of members) if (this.#members.has(member)) this.#marked.add(member);
    if (this.#marked.size === 0 || this.#isComparing) return;
    this.#timer ??= setTimeout(() => void this.#compare(), this.#parts.debounce());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#returning);
  }

  async #compare(): Promise<void> {
    this.#timer = undefined;
    this.#isComparing = true;
    const members = [...this.#marked];
    this.#marked.clear();
    const verdicts = await Promise.all(members.map((member) => this.#differs(member).catch(() => false)));
    this.#isComparing = false;
    if (this.#isClosed) return;
    for (const [i, member] of members.entries())
      if (verdicts[i]) this.#tell(McpNotification.of(LISTS[member].note, {}));
    // What was marked meanwhile.
    this.mark([]);
  }

  /** Whether its view is another than the one it knows. Where none is known to it, it is told in any case. */
  async #differs(member: ListMember): Promise<boolean> {
    const kinds = LISTS[member].kinds.filter((kind) => this.#seen.has(kind));
    if (kinds.length === 0) return true;
    const verdicts = await Promise.all(
      kinds.map(async (kind) => {
        const seen = await this.#see(kind);
        this.#comeBack(seen);
        const before = this.#seen.get(kind);
        const now = this.#parts.digestOf(this.#x, kind, seen);
        this.#seen.set(kind, now);
        return before !== now;
      }),
    );
    return verdicts.includes(true);
  }
}
