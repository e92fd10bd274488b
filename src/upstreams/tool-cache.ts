// Results of tools that only read, kept for the caller they were given to, where the configuration names the tool.
// A call with the same arguments is answered with one. None is joined, and none is given for longer than set.

import type { Exchange } from '../core/exchange.ts';
import { wantsFresh } from '../core/fresh.ts';
import type { Emit, Handler } from '../core/handler.ts';
import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { CacheParts } from './cache.ts';
import { isRound, type Keys, type Wanted } from './cache-key.ts';
import type { Store } from './cache-store.ts';
import type { Pooled } from './pooled.ts';
import { ReadOnlyTools } from './read-only.ts';
import type { CacheSpec } from './spec.ts';

export interface ToolCacheParts extends CacheParts {
  readonly tools: NonNullable<CacheSpec['tools']>;
  readonly keys: Keys;
  readonly store: Store;
  /** Lists the upstream's tools. */
  readonly list: Handler;
}

/** A call whose result may be kept. */
interface AtWork {
  readonly wanted: Wanted;
  /** Whether what it reads may have changed meanwhile. */
  isOld: boolean;
}

export class ToolCache {
  readonly #readOnly: ReadOnlyTools;
  readonly #atWork = new Set<AtWork>();

  constructor(readonly parts: ToolCacheParts) {
    const { list, host, tools, patience, limits } = parts;
    const pages = (): number => limits.pages;
    this.#readOnly = new ReadOnlyTools({ list, host, pages, believed: tools.for, patience });
  }

  takes({ request }: Exchange): boolean {
    return request.method === 'tools/call' && this.parts.tools.has(nameOf(request.raw));
  }

  async handle(x: Exchange, emit: Emit): Promise<{ result: McpResult; how: string }> {
    const { keys, store, session, carry } = this.parts;
    // What makes a task is not done when it is answered.
    if (isRound(x) || x.request.raw?.has('task')) return { result: await carry(x, emit), how: 'bypass' };
    const wanted = keys.wanted(x, session(x));
    const kept = x.get(wantsFresh) ? undefined : store.find(wanted);
    if (kept) {
      const raw = RawObject.trusted(kept.raw.text);
      return { result: new McpResult('complete', raw, undefined, undefined, kept.signed), how: 'hit' };
    }
    return { result: await this.#call(wanted, x, emit), how: 'miss' };
  }

  /** The list of tools has changed, and so may have what they do. */
  forget(): void {
    this.#readOnly.forget();
    for (const call of this.#atWork) call.isOld = true;
  }

  /** Whether a call that has ended may have changed something. */
  mayChange(x: Exchange): boolean {
    const { keys, session } = this.parts;
    if (!this.takes(x)) return true;
    return !this.#readOnly.has(callerOf(keys.wanted(x, session(x))), nameOf(x.request.raw));
  }

  /** Something may have changed that this audience reads. */
  changed(audience: string): void {
    for (const call of this.#atWork) if (call.wanted.audience === audience) call.isOld = true;
  }

  async #call(wanted: Wanted, x: Exchange, emit: Emit): Promise<McpResult> {
    // The answer does not wait for the list. Where that comes later, the next one is kept.
    this.#readOnly.learn(callerOf(wanted), x);
    const mine: AtWork = { wanted, isOld: false };
    this.#atWork.add(mine);
    let pooled: Pooled | undefined;
    const result = await this.parts.carry(x, emit, (taken) => {
      pooled = taken;
    });
    this.#atWork.delete(mine);
    const onlyReads = this.#readOnly.has(callerOf(wanted), nameOf(x.request.raw));
    if (pooled && onlyReads && !mine.isOld && isKeepable(result)) this.#keep(wanted, result, pooled);
    return result;
  }

  #keep(wanted: Wanted, { raw, signed }: McpResult, { link, slot: { owner } }: Pooled): void {
    if (owner && owner.key !== wanted.session) return;
    const { store, host, limits, tools } = this.parts;
    const at = host.now();
    store.keep({
      wanted,
      scope: 'private',
      raw: RawObject.trusted(raw.text),
      signed,
      at,
      ttlMs: tools.for,
      until: at + Math.min(tools.for, limits.cacheTtl),
      link,
    });
  }
}

const nameOf = (params: RawObject | undefined): string => params?.string('name') ?? '';

/** Who is shown the same list. */
const callerOf = ({ client, audience }: Wanted): string => JSON.stringify([client, audience]);

/** A failure, a question or a task is for the one call, as is what is passed on as it comes. */
function isKeepable({ kind, raw, streams }: McpResult): boolean {
  if (streams) return false;
  const type = raw.has('resultType') ? raw.string('resultType') : 'complete';
  return kind === 'complete' && type === 'complete' && raw.get('isError') !== true && !raw.has('task');
}
