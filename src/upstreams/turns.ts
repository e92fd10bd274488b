// Whose turn it is on a link that several callers share and whose server may ask: a call that can be asked runs
// alone, so that a question is certainly its own. Calls that cannot be asked run beside each other.

import { type Client, canBeAsked } from '../core/client.ts';
import type { Host } from '../core/host.ts';
import { settledWithin } from '../lib/settled.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { Link } from './link.ts';

export interface TurnLimits {
  /** Longest wait for a turn, milliseconds. Then the call runs beside the others. */
  readonly wait: number;
  /** Most calls that wait. One more runs at once. */
  readonly queue: number;
}

interface Waiting {
  readonly client: Client;
  readonly holder: object;
  readonly able: boolean;
  /** It goes on with a call that was parked, and which others may wait for. */
  readonly resumes: boolean;
  readonly go: () => void;
}

export class Turns {
  /** Who runs, and whether it can be asked. */
  readonly #running = new Map<object, boolean>();
  #waiting: Waiting[] = [];
  #later: Timer | undefined;

  constructor(
    readonly link: Link,
    readonly upstream: string,
    readonly limits: TurnLimits,
    readonly host: Host,
  ) {}

  /**
   * Resolves when a call of this client may run, at the latest when it has waited long enough; never rejects.
   * @param holder whose turn it then is, until `leave`
   */
  async take(holder: object, client: Client, signal: AbortSignal, resumes = false): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const able = canBeAsked(client.capabilities);
    const waiting: Waiting = { holder, client, able, resumes, go: resolve };
    // A call that others wait for goes first.
    if (resumes) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    this.next();
    if (this.#running.has(holder)) return;
    const { wait, queue } = this.limits;
    if (this.#waiting.length > queue) this.host.metrics.limitHits.inc({ limit: 'turn_queue' });
    else if (!(await settledWithin(unlessAborted(promise, signal), wait)))
      this.host.metrics.timeouts.inc({ kind: 'turn', upstream: this.upstream });
    if (this.#running.has(holder)) return;
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    this.#running.set(holder, able);
    this.next();
  }

  leave(holder: object): void {
    if (this.#running.delete(holder)) this.next();
  }

  /** Lets go whose turn has come. Called whenever a call ends. */
  next(): void {
    clearTimeout(this.#later);
    for (let first = this.#waiting[0]; first && this.#isFree(first); first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#running.set(first.holder, first.able);
      first.go();
    }
  }

  #isFree({ client, able, resumes }: Waiting): boolean {
    if (!able) return ![...this.#running.values()].includes(true);
    if (this.#running.size > 0 || (!resumes && hasParked(this.link))) return false;
    const unsettled = this.link.unsettled?.(client) ?? 0;
    if (unsettled > 0) this.#later = setTimeout(() => this.next(), unsettled);
    return unsettled === 0;
  }
}

/** Whether a call on it waits for answers. */
export function hasParked(link: Link): boolean {
  for (const call of link.calls()) if (call.parked) return true;
  return false;
}
