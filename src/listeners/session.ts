// Memory of one initialize-era client: who it is, its log level, its calls in flight, what it was asked, and
// what is sent to it outside of calls. Knows no transport.

import type { Client, ClientSession } from '../core/client.ts';
import { Asker } from './asker.ts';
import { Calls } from './calls.ts';
import type { Standing } from './standing.ts';

const SESSION_ENDED = new Error('the session ended');

export class Session {
  readonly client: Client;
  readonly calls = new Calls();
  readonly asker = new Asker();
  readonly standing: Standing;
  /** Set by logging/setLevel; undefined until then. */
  logLevel: string | undefined;
  /** Milliseconds since the epoch of the last message. */
  lastSeen: number;
  readonly #ended = new AbortController();

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
    return this.calls.size > 0 || this.standing.attached;
  }

  end(): void {
    if (this.over) return;
    this.#ended.abort(SESSION_ENDED);
    this.calls.abortAll(SESSION_ENDED);
    this.standing.stop();
  }
}
