// Memory of one initialize-era client: who it is, its log level, its calls in flight, what it was asked, and
// what is sent to it outside of calls. Knows no transport.

import type { Client, ClientSession } from '../core/client.ts';
import type { RawId } from '../protocol/jsonrpc.ts';
import { Asker } from './asker.ts';
import { Standing } from './standing.ts';

/** Reasons for which a call of the session ends early. */
export const CALLER_CANCELLED = new Error('cancelled by the client');
const SESSION_ENDED = new Error('the session ended');

export class Session {
  readonly client: Client;
  readonly asker = new Asker();
  readonly standing: Standing;
  /** Set by logging/setLevel; undefined until then. */
  logLevel: string | undefined;
  /** Milliseconds since the epoch of the last message. */
  lastSeen: number;
  readonly #ended = new AbortController();
  readonly #calls = new Map<string, Set<AbortController>>();

  /** @param key unique in this process; not the wire's session id */
  constructor(
    readonly key: string,
    /** The endpoint it was made on, and the only one it is good for. */
    readonly path: string,
    client: Omit<Client, 'session'>,
    now: number,
    standing: (session: Session) => Standing,
  ) {
    this.lastSeen = now;
    const session: ClientSession = { key, ended: this.#ended.signal };
    this.client = { ...client, session };
    this.standing = standing(this);
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Whether something of it is open: such a session is not idle. */
  get busy(): boolean {
    return this.#calls.size > 0 || this.standing.attached;
  }

  /** Registers a call under the client's id, so that it can be cancelled. Call the returned function at its end. */
  begin(id: RawId): { signal: AbortSignal; end: () => void } {
    const controller = new AbortController();
    const same = this.#calls.get(id.key) ?? new Set();
    this.#calls.set(id.key, same.add(controller));
    return {
      signal: controller.signal,
      end: () => {
        same.delete(controller);
        if (same.size === 0) this.#calls.delete(id.key);
      },
    };
  }

  /** The client cancels its call. Where it reuses ids at once, the latest of them. */
  cancel(id: RawId): boolean {
    const latest = [...(this.#calls.get(id.key) ?? [])].at(-1);
    latest?.abort(CALLER_CANCELLED);
    return latest !== undefined;
  }

  end(): void {
    if (this.over) return;
    this.#ended.abort(SESSION_ENDED);
    for (const same of this.#calls.values()) for (const call of same) call.abort(SESSION_ENDED);
    this.standing.stop();
  }
}
