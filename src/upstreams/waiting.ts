// What waits here for the next round of a call, by the requestState that its client was given: bound to caller and
// call, good for one use, gone after a while.

import { identityKey } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { openParked, sealParked } from '../core/parked.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import { canonical } from '../protocol/canonical.ts';

export interface ParkLimits {
  readonly parked: number;
  readonly parkTtl: number;
}

interface Entry<T> {
  readonly what: T;
  readonly principal: string;
  readonly digest: string;
  readonly hasSession: boolean;
  readonly stop: () => void;
}

export class Waiting<T> {
  readonly #entries = new Map<string, Entry<T>>();
  #isStopping = false;

  /** @param over what becomes of something that nobody will come for */
  constructor(
    readonly seal: Seal,
    readonly limits: ParkLimits,
    readonly host: Host,
    readonly over: (what: T, reason: string) => void,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** Why nothing more can wait for this client: too much does, or the gateway stops and would not hear it again. */
  refusal(x: Exchange): 'BUSY' | 'STOPPING' | undefined {
    if (this.#isStopping && x.client.session === undefined) return 'STOPPING';
    if (this.#entries.size < this.limits.parked) return undefined;
    this.host.metrics.limitHits.inc({ limit: 'parked' });
    return 'BUSY';
  }

  /** @returns the requestState that brings it back */
  hold(x: Exchange, what: T): string {
    const id = crypto.randomUUID();
    const gone = (): void => this.#abandon(id, 'the caller went away');
    // In a session the listener gives up first, and the upstream hears an answer; this is for one that does not.
    const patience = this.limits.parkTtl * (x.client.session === undefined ? 1 : 2);
    const timer = setTimeout(() => this.#abandon(id, 'nobody answered in time'), patience);
    x.signal.addEventListener('abort', gone, { once: true });
    this.#entries.set(id, {
      what,
      principal: identityKey(x.principal),
      digest: callDigest(x),
      hasSession: x.client.session !== undefined,
      stop() {
        clearTimeout(timer);
        x.signal.removeEventListener('abort', gone);
      },
    });
    this.host.metrics.parked.inc();
    return sealParked(this.seal, { id, generation: x.runsOn.generation });
  }

  /** Whether the request's state was sealed here. Others are the upstream's affair. */
  isOurs(x: Exchange): boolean {
    return this.#stateOf(x) !== undefined;
  }

  /** What the request comes back for, taken out so that it is had once. Undefined: not this caller's, or not this call's. */
  take(x: Exchange): T | undefined {
    const id = this.#stateOf(x)?.id ?? '';
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.principal !== identityKey(x.principal) || entry.digest !== callDigest(x))
      return undefined;
    this.#remove(id, entry);
    return entry.what;
  }

  all(): T[] {
    return [...this.#entries.values()].map(({ what }) => what);
  }

  /** Gives up whatever `which` says, or all of it. */
  abandon(reason: string, which: (what: T) => boolean = () => true): void {
    for (const [id, { what }] of this.#entries) if (which(what)) this.#abandon(id, reason);
  }

  /** No new request will be let in, so what clients without a session left here is not fetched any more. */
  stopping(): void {
    this.#isStopping = true;
    for (const [id, { hasSession }] of this.#entries) if (!hasSession) this.#abandon(id, 'the gateway stops');
  }

  #stateOf(x: Exchange) {
    return openParked(this.seal, x.request.raw?.string('requestState'));
  }

  #abandon(id: string, reason: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#remove(id, entry);
    this.over(entry.what, reason);
  }

  #remove(id: string, entry: Entry<T>): void {
    this.#entries.delete(id);
    this.host.metrics.parked.dec();
    entry.stop();
  }
}

/** What must not change between the rounds of a call (2026-07-28 patterns/mrtr §requestState). */
function callDigest(x: Exchange): string {
  const { method, raw } = x.request;
  const rest = raw?.with({ requestState: undefined, inputResponses: undefined, _meta: undefined });
  return digest(`${x.inbound.endpoint}\n${method}\n${canonical(rest?.value ?? {})}`);
}
