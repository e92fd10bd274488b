// Beneath an upstream's pipeline and above its links: results that are kept as long as the upstream says, and
// requests that are made once for all who make the same (2026-07-28 server/utilities/caching).

import { canBeAsked } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { isKept, wantsFresh } from '../core/fresh.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { type Hints, hintsOf, withHints, withoutHints } from '../protocol/caching.ts';
import { type McpNotification, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import { isRound, Keys, type Wanted } from './cache-key.ts';
import { type Kept, Store } from './cache-store.ts';
import { changeOf } from './changes.ts';
import { Joined, type Work } from './joined.ts';
import type { Link } from './link.ts';
import type { Pooled } from './pooled.ts';
import { isRead } from './reads.ts';
import type { CacheSpec, UpstreamLimits } from './spec.ts';
import { ToolCache } from './tool-cache.ts';

/** Is told which link a request takes; the last one is that which answered. */
export type Via = (pooled: Pooled) => void;

/** Carries a request to the upstream. */
export type Carry = (x: Exchange, emit: Emit, via?: Via) => Promise<McpResult>;

export interface CacheParts {
  readonly upstream: string;
  readonly spec: CacheSpec;
  readonly limits: Pick<UpstreamLimits, 'cacheBytes' | 'cacheEntries' | 'cacheTtl' | 'pages'>;
  readonly host: Host;
  /** How long the upstream may take for what nobody waits for, milliseconds. */
  readonly patience: number;
  /** The session whose own link would carry the exchange, as far as that can be known. */
  session(x: Exchange): string | undefined;
  /** Whether callers have credentials of their own there: then what one was given is nobody else's. */
  perCaller(): boolean;
  readonly carry: Carry;
}

/** How a request ended that others may have joined. */
interface Outcome {
  readonly result: McpResult;
  /** Whether it is for all who wait: it is not when it asks something, or came over a link of one session. */
  readonly forAll: boolean;
}

/** Failures after which a result that is not fresh is better than none; a refusal is an answer. */
const AWAY: ReadonlySet<string | undefined> = new Set(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'BUSY']);

const PARAMS_INVALID = -32602;

export class Cache {
  readonly #keys = new Keys();
  readonly #store: Store;
  readonly #joined = new Joined<Outcome>();
  /** How often each method was said to have changed: a result that was on its way meanwhile may be older. */
  readonly #changes = new Map<string, number>();

  readonly #tools: ToolCache | undefined;

  constructor(readonly parts: CacheParts) {
    const store = new Store(parts.upstream, parts.limits, parts.host);
    this.#store = store;
    const { tools } = parts.spec;
    const list: Handler = (x, emit) => this.handle(x, emit);
    this.#tools = tools && new ToolCache({ ...parts, tools, store, keys: this.#keys, list });
  }

  /** Whether a result of this request could be kept; any other request is none of its business. */
  takes(x: Exchange): boolean {
    return methodRow(x.request.method)?.cacheable === true || this.#tools?.takes(x) === true;
  }

  async handle(x: Exchange, emit: Emit): Promise<McpResult> {
    if (this.#tools?.takes(x)) {
      const { result, how } = await this.#tools.handle(x, emit);
      return this.#counted(how, x, result);
    }
    if (isRound(x)) return this.#counted('bypass', x, await this.parts.carry(x, emit));
    const wanted = this.#keys.wanted(x, this.parts.session(x));
    const kept = x.get(wantsFresh) ? undefined : this.#store.find(wanted);
    if (kept) return this.#counted('hit', x, this.#given(kept, x));
    const { result, how } = isAlone(x)
      ? { result: await this.#fetch(wanted, x, emit), how: 'miss' }
      : await this.#together(wanted, x, emit);
    const old = isAway(result) ? this.#store.find(wanted, this.parts.spec.staleIfError) : undefined;
    return old ? this.#counted('stale', x, this.#given(old, x)) : this.#counted(how, x, result);
  }

  /** The upstream says that something has changed. */
  heard(note: McpNotification): void {
    const change = changeOf(note);
    if (!change) return;
    for (const method of change.methods) this.#changes.set(method, (this.#changes.get(method) ?? 0) + 1);
    this.#store.change(({ wanted }) => change.isAbout(wanted));
    this.#joined.close(change.isAbout);
    if (change.methods.includes('tools/call')) this.#tools?.forget();
  }

  /** What subscribers are told of is heard here first. */
  hearing(emit: Emit): Emit {
    return (note) => {
      this.heard(note);
      return emit(note);
    };
  }

  /** A request is over that may have changed something: its caller is not to be shown what was before. */
  ended(x: Exchange): void {
    const { spec } = this.parts;
    const guesses = this.#tools !== undefined || spec.reads > 0;
    if ((this.#joined.size === 0 && !guesses) || isRead(x.request.method)) return;
    if (this.#tools?.mayChange(x) === false) return;
    const audience = this.#keys.audience(x, this.parts.session(x));
    this.#joined.close((wanted) => wanted.audience === audience);
    if (!guesses) return;
    this.#tools?.changed(audience);
    this.#store.change(
      ({ wanted, link }) => link !== undefined && wanted.audience === audience && isContent(wanted),
    );
  }

  /** What was good only as long as its server could tell of changes is not any more. */
  linkEnded(link: Link): void {
    this.#store.change((kept) => kept.link === link);
  }

  close(): void {
    this.#store.drop(() => true);
  }

  async #together(wanted: Wanted, x: Exchange, emit: Emit): Promise<{ result: McpResult; how: string }> {
    const work: Work<Outcome> = async (own, told) => {
      const outcome = await this.#outcome(wanted, own, told);
      if (x.signal.aborted) outcome.result.rest?.cancel();
      return outcome;
    };
    try {
      const { began, of } = await this.#joined.take(wanted, x, emit, work);
      if (began) return { result: of.result, how: 'miss' };
      if (!of.forAll) return { result: await this.#fetch(wanted, x, emit), how: 'miss' };
      return { result: asOwn(of.result, x), how: 'joined' };
    } catch (error) {
      if (!x.signal.aborted) throw error;
      return { result: errorResult('CANCELLED', undefined, { requestId: x.id }), how: 'miss' };
    }
  }

  async #fetch(wanted: Wanted, x: Exchange, emit: Emit): Promise<McpResult> {
    return (await this.#outcome(wanted, x, emit)).result;
  }

  async #outcome(wanted: Wanted, x: Exchange, emit: Emit): Promise<Outcome> {
    const before = this.#changes.get(wanted.method);
    let pooled: Pooled | undefined;
    const result = await this.parts.carry(x, emit, (taken) => {
      pooled = taken;
    });
    const owner = pooled?.slot.owner;
    const forAll = result.kind !== 'input_required' && (!owner || owner.key === wanted.session);
    if (result.code === PARAMS_INVALID) this.#store.dropPages(wanted);
    // What is passed on as it comes can be read once, by who began it.
    if (result.rest) return { result, forAll: false };
    if (!pooled || result.kind !== 'complete') return { result, forAll };
    const { link } = pooled;
    const hints = this.#hints(wanted, result.raw, link);
    const isCurrent = this.#changes.get(wanted.method) === before;
    if (forAll && isCurrent && hints.ttlMs > 0) this.#keep(wanted, result, hints, link);
    const isTold = x.client.era === '2026' && hints.ttlMs > 0;
    return {
      result: isTold
        ? new McpResult('complete', withHints(result.raw, hints), undefined, undefined, result.signed)
        : result,
      forAll,
    };
  }

  /** What the upstream says, or the operator where that is more. */
  #hints({ method }: Wanted, raw: RawObject, link: Link): Hints {
    const { lists, reads } = this.parts.spec;
    const { ttlMs, scope: said } = link.era === '2026' ? hintsOf(raw) : NONE;
    const scope = this.parts.perCaller() ? 'private' : said;
    return { ttlMs: Math.max(ttlMs, method === 'resources/read' ? reads : lists), scope };
  }

  #keep(wanted: Wanted, { raw, signed }: McpResult, { ttlMs, scope }: Hints, link: Link): void {
    const { host, limits } = this.parts;
    const at = host.now();
    const said = link.era === '2026' ? hintsOf(raw).ttlMs : 0;
    this.#store.keep({
      wanted,
      scope,
      // As text alone: what a reader parses of it is not kept.
      raw: RawObject.trusted(withoutHints(raw).text),
      signed,
      at,
      ttlMs,
      until: at + Math.min(ttlMs, limits.cacheTtl),
      link: said < ttlMs ? link : undefined,
    });
  }

  /** With what is left of its time, for those who know what that is. */
  #given({ raw, signed, at, ttlMs, until, scope }: Kept, x: Exchange): McpResult {
    if (!x.get(isKept)) x.set(isKept, true);
    const now = this.parts.host.now();
    const left = now < until ? at + ttlMs - now : 0;
    const isTold = x.client.era === '2026';
    const whole = isTold ? withHints(raw, { ttlMs: left, scope }) : RawObject.trusted(raw.text);
    return new McpResult('complete', whole, undefined, undefined, signed);
  }

  #counted(outcome: string, { request }: Exchange, result: McpResult): McpResult {
    const { host, upstream } = this.parts;
    host.metrics.cacheRequests.inc({ upstream, method: request.method, outcome });
    return result;
  }
}

/** Of lists, what the operator says is believed whatever is called: most calls change none. */
function isContent({ method }: Wanted): boolean {
  return method === 'resources/read' || method === 'tools/call';
}

const NONE: Hints = { ttlMs: 0, scope: 'private' };

/** Who wants progress or log messages of a request, or can be asked during it, has one of its own. */
function isAlone({ request, client }: Exchange): boolean {
  const { progressToken, logLevel } = request.meta;
  if (progressToken !== undefined || logLevel !== undefined) return true;
  return methodRow(request.method)?.asks === true && canBeAsked(client.capabilities);
}

function isAway(result: McpResult): boolean {
  return result.http !== undefined && AWAY.has(nameOf(result));
}

/** The name of an error of the gateway's own. */
function nameOf({ http, raw }: McpResult): string | undefined {
  return http === undefined ? undefined : raw.object('data')?.string('code');
}

/** An error of ours names the request it is about. */
function asOwn(result: McpResult, x: Exchange): McpResult {
  const data = nameOf(result) === undefined ? undefined : result.raw.object('data');
  return data ? result.with({ data: data.with({ requestId: x.id }) }) : result;
}
