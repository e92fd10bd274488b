// Whether the tools of an upstream are still those that were approved: looked at in each of its lists, before any
// plugin or client sees it. A definition that changes under a name people trust is how a server goes bad.

import { LRUCache } from 'lru-cache';
import { errorResult, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { isKept } from '../core/fresh.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { Pin, PinStore, Pins } from '../core/pin-store.ts';
import { digest } from '../lib/digest.ts';
import { canonical } from '../protocol/canonical.ts';
import { joinItems, rawItems } from '../protocol/items.ts';
import { McpRequest, type McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';
import { audienceOf } from './audience.ts';
import { listAll } from './list.ts';

export interface PinPolicy {
  readonly onDrift: 'block' | 'warn' | 'allow';
  /** Of a tool seen for the first time, once there are approved ones. */
  readonly onNew: 'block' | 'warn' | 'allow';
  /** How old the last look at the list may be when a tool is called and something may be blocked, milliseconds. */
  readonly recheck: number;
}

export interface Pinning {
  readonly upstream: string;
  readonly policy: PinPolicy;
  readonly store: PinStore;
  readonly host: Host;
  /** `limits.pages`. */
  readonly pages: number;
  /** `limits.pins`: tools whose definitions are known. */
  readonly most: number;
  /** `limits.list_again`: how often a name that is on no list is looked for, milliseconds. */
  readonly again: number;
}

/** What makes a definition another one: all that a model or a person is shown, and what arguments are checked by. */
const PARTS = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;

function pinOf(tool: RawObject, now: number): Pin {
  const parts = PARTS.flatMap((part) => {
    const value = tool.get(part);
    return value === undefined ? [] : [[part, value] as const];
  });
  const definition: JsonObject = Object.fromEntries(parts);
  return {
    digest: `sha256:${digest(canonical(definition))}`,
    definition,
    seen: new Date(now).toISOString(),
  };
}

const CHANGED = 'notifications/tools/list_changed';

/** The upstream without the tools that its policy holds back. */
export function pinned(pinning: Pinning, next: Handler): Handler {
  const { policy, upstream } = pinning;
  const watch = new Watch(pinning);
  const blocks = policy.onDrift === 'block' || policy.onNew === 'block';
  return async (x, emit) => {
    const { method } = x.request;
    const heard: Emit = (note) => {
      if (note.method === CHANGED) watch.expire();
      return emit(note);
    };
    if (method === 'tools/list') {
      const { changes } = watch;
      const result = await next(x, heard);
      return withoutBlocked(result, watch, x, changes === watch.changes && x.get(isKept) !== true);
    }
    if (method !== 'tools/call' || !blocks) return next(x, heard);
    const name = x.request.raw?.string('name');
    if (name === undefined) return next(x, heard);
    const failed = watch.isFresh(name, x) ? undefined : await look(x, name, pinning, next, watch);
    if (failed) return failed;
    const verdict = watch.of(name);
    // What nobody has listed cannot have been approved.
    if (verdict === 'fine') return next(x, heard);
    return errorResult('TOOL_UNAPPROVED', told(name, upstream, verdict), {
      upstream,
      tool: name,
      requestId: x.id,
    });
  };
}

type Verdict = 'fine' | 'changed' | 'new' | 'unlisted';

const SAID: Readonly<Record<Exclude<Verdict, 'fine'>, string>> = {
  changed: 'has another definition than the approved one',
  new: 'is new and not approved yet',
  unlisted: 'is not on the list of its upstream, so nothing about it is approved',
};

function told(tool: string, upstream: string, verdict: Exclude<Verdict, 'fine'>): string {
  const how = verdict === 'unlisted' ? '' : `: see \`sluice pins diff ${upstream}\``;
  return `The tool "${tool}" of the upstream "${upstream}" ${SAID[verdict]}${how}.`;
}

/**
 * Nobody may have asked for the list yet, or not for long.
 * @returns why it is not to be had
 */
async function look(
  x: Exchange,
  name: string,
  pinning: Pinning,
  next: Handler,
  watch: Watch,
): Promise<McpResult | undefined> {
  const source = {
    name: pinning.upstream,
    handle: next,
    pages: { most: pinning.pages, host: pinning.host },
    hello: () => Promise.reject(new Error('not asked')),
  };
  const meta = x.request.raw?.object('_meta')?.with({ progressToken: undefined });
  const request = new McpRequest('tools/list', undefined, {});
  const bare = x.fork(pinning.upstream, meta ? request.with({ _meta: meta }) : request);
  try {
    const { changes } = watch;
    // How long a kept list is good is up to the server that is watched here.
    const { items } = await listAll(source, 'tools', bare, bare.signal, true);
    const isNews = changes === watch.changes;
    watch.judge(items, { isLaterPage: false, isNews, asked: name });
    if (isNews) watch.listed(x);
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return errorResult(error.code, error.message, { ...error.data, requestId: x.id });
  }
}

function withoutBlocked(result: McpResult, watch: Watch, x: Exchange, isNews: boolean): McpResult {
  const text = result.kind === 'complete' ? result.raw.raw('tools') : undefined;
  if (text === undefined || watch.sawFine(text, isNews)) return result;
  const tools = rawItems(text);
  const kept = watch.judge(tools, { isLaterPage: x.request.raw?.has('cursor') === true, isNews });
  if (kept.length < tools.length) return result.with({ tools: joinItems(kept) });
  watch.remember(text, tools);
  return result;
}

interface Look {
  readonly isLaterPage: boolean;
  /** Whether the upstream has just said so; what was kept of it says nothing of what it is now. */
  readonly isNews: boolean;
  /** A tool that was looked for, and may not be there. */
  readonly asked?: string;
}

/** Callers of whose lists it is remembered that something was not there. */
const CALLERS = 1_000;

/** What is known of the tools of one upstream while a generation lasts. */
class Watch {
  /** How often the upstream said that its list changed. */
  changes = 0;
  readonly #verdicts = new Map<string, Verdict>();
  /** When each tool was last looked at. */
  readonly #looks = new Map<string, number>();
  /** Definitions that wait for approval, by name. */
  readonly #waiting = new Map<string, Pin>();
  /** What was said of each tool, so that it is said once. */
  readonly #said = new Map<string, string>();
  /** When each caller was last shown a list on which something was looked for. */
  readonly #lists = new LRUCache<string, number>({ max: CALLERS });
  #version = -1;
  #fine: { readonly text: string; readonly names: readonly string[] } | undefined;
  /** Whether the list that is being read is the first one ever: it may have several pages. */
  #isFirst = false;
  #isFull = false;

  constructor(readonly on: Pinning) {}

  get #blocks(): boolean {
    const { onDrift, onNew } = this.on.policy;
    return onDrift === 'block' || onNew === 'block';
  }

  /** Whether what is known of a tool is good enough for calling it. */
  isFresh(name: string, x: Exchange): boolean {
    const { store, host, policy, again } = this.on;
    if (this.#version !== store.version()) return false;
    const isKnown = this.#verdicts.has(name);
    const at = isKnown ? this.#looks.get(name) : this.#lists.get(audienceOf(x).own);
    return at !== undefined && host.now() - at < (isKnown ? policy.recheck : again);
  }

  /** What is not known now is on no list of this caller's. */
  listed(x: Exchange): void {
    this.#lists.set(audienceOf(x).own, this.on.host.now());
  }

  /** The upstream says that its list is another one. */
  expire(): void {
    this.changes++;
    this.#looks.clear();
    this.#lists.clear();
  }

  of(name: string, verdict = this.#verdicts.get(name) ?? 'unlisted'): Verdict {
    const { onDrift, onNew } = this.on.policy;
    if (verdict === 'changed') return onDrift === 'block' ? verdict : 'fine';
    if (verdict === 'new') return onNew === 'block' ? verdict : 'fine';
    return verdict;
  }

  /** Whether just this page was judged last, and nothing was wrong with it. */
  sawFine(text: string, isNews: boolean): boolean {
    if (this.#fine?.text !== text || this.#version !== this.on.store.version()) return false;
    if (isNews) this.#looked(this.#fine.names);
    return true;
  }

  remember(text: string, tools: readonly RawObject[]): void {
    this.#fine = this.#waiting.size === 0 ? { text, names: tools.flatMap(nameOf) } : undefined;
  }

  #looked(names: readonly string[]): void {
    for (const name of names) if (this.#verdicts.has(name)) this.#looks.set(name, this.on.host.now());
  }

  /** @returns those tools that may be listed, in their order */
  judge(tools: readonly RawObject[], { isLaterPage, isNews, asked }: Look): RawObject[] {
    const { store, upstream, host, policy } = this.on;
    this.#version = store.version();
    this.#fine = undefined;
    // A name that was never listed is its caller's word alone, and not remembered.
    const gone = asked !== undefined && this.#verdicts.has(asked) ? [asked] : [];
    const approved = store.approved(upstream);
    if (!isLaterPage) this.#isFirst = approved.size === 0;
    const first = new Map<string, Pin>();
    const renewed = new Map<string, Pin>();
    const before = [...this.#waiting.keys()].join('\n');
    const judged = tools.flatMap((tool) => {
      const name = tool.string('name');
      if (name === undefined) return [];
      const pin = pinOf(tool, host.now());
      const verdict = this.#verdict(name, pin, approved);
      const isFine = verdict === 'fine' || policy[verdict === 'new' ? 'onNew' : 'onDrift'] === 'allow';
      return [{ name, pin, verdict, isFine }];
    });
    const found = new Map<string, Verdict>();
    this.#makeRoom(judged, approved);
    // Of a name that is listed twice the worse counts: nobody knows which of them a call would reach.
    for (const { name, pin, verdict, isFine } of judged.toSorted((a, b) => +b.isFine - +a.isFine)) {
      found.set(name, isFine ? 'fine' : verdict);
      if (!this.#isWithin(name, approved.size + first.size, approved)) {
        // What is not pinned can be called only where nothing is held back.
        found.set(name, this.#blocks ? 'unlisted' : 'fine');
        continue;
      }
      this.#verdicts.set(name, isFine ? 'fine' : verdict);
      if (isFine) {
        this.#waiting.delete(name);
        if (verdict === 'changed') renewed.set(name, pin);
        else if (!approved.has(name)) first.set(name, pin);
      } else if (verdict !== 'fine') {
        this.#waiting.set(name, pin);
        this.#say(name, verdict, pin);
      }
    }
    if (isNews) this.#looked([...found.keys(), ...gone]);
    const kept = tools.filter((tool) =>
      nameOf(tool).every((name) => this.of(name, found.get(name)) === 'fine'),
    );
    if (first.size > 0) this.#approve(first);
    if (renewed.size > 0) this.#renew(renewed);
    if (
      before !== [...this.#waiting.keys()].join('\n') ||
      !sameDigests(store.waiting(upstream), this.#waiting)
    )
      store.setWaiting(upstream, new Map(this.#waiting));
    host.metrics.toolsWaiting.set({ upstream }, this.#waiting.size);
    return kept;
  }

  /** What was on a list before and is on none now is forgotten first. */
  #makeRoom(judged: readonly { readonly name: string }[], approved: Pins): void {
    if (this.#verdicts.size + judged.length <= this.on.most) return;
    const listed = new Set(judged.map(({ name }) => name));
    for (const name of this.#verdicts.keys()) {
      if (listed.has(name) || approved.has(name)) continue;
      for (const known of [this.#verdicts, this.#looks, this.#waiting, this.#said]) known.delete(name);
    }
  }

  /** Whether there is room for one that was not known; a server could make up names for ever. */
  #isWithin(name: string, known: number, approved: Pins): boolean {
    const { most, host, upstream } = this.on;
    if (this.#verdicts.has(name) || approved.has(name)) return true;
    if (Math.max(known, this.#verdicts.size) < most) return true;
    host.metrics.limitHits.inc({ limit: 'pins' });
    if (!this.#isFull) host.log.warn('more tools than limits.pins: the others are not pinned', { upstream });
    this.#isFull = true;
    return false;
  }

  #verdict(name: string, pin: Pin, approved: Pins): 'fine' | 'changed' | 'new' {
    const known = approved.get(name);
    if (known) return known.digest === pin.digest ? 'fine' : 'changed';
    // The first list of an upstream is what its later ones are compared with.
    return this.#isFirst ? 'fine' : 'new';
  }

  #approve(pins: Pins): void {
    const { store, upstream, host } = this.on;
    store.approve(upstream, pins);
    this.#version = store.version();
    host.log.info('definitions of tools approved on first sight', { upstream, tools: pins.size });
  }

  /** Whoever allows changes is not asked; what they were can still be found out. */
  #renew(pins: Pins): void {
    const { store, upstream, host } = this.on;
    store.renew(upstream, pins);
    this.#version = store.version();
    const tools = [...pins.keys()].join(', ');
    host.log.info('changed definitions of tools approved, as on_drift says', { upstream, tools });
  }

  #say(name: string, verdict: 'changed' | 'new', { digest: now }: Pin): void {
    if (this.#said.get(name) === now) return;
    this.#said.set(name, now);
    const { host, upstream, policy } = this.on;
    host.metrics.toolDrifts.inc({ upstream, kind: verdict });
    const blocked = policy[verdict === 'new' ? 'onNew' : 'onDrift'] === 'block';
    host.log.warn(verdict === 'new' ? 'tool is not approved' : 'definition of a tool changed', {
      upstream,
      tool: name,
      blocked,
      see: `sluice pins diff ${upstream}`,
    });
  }
}

function nameOf(tool: RawObject): string[] {
  const name = tool.string('name');
  return name === undefined ? [] : [name];
}

function sameDigests(a: Pins, b: Pins): boolean {
  return a.size === b.size && [...a].every(([name, pin]) => b.get(name)?.digest === pin.digest);
}
