// The sessions of one listener. A session id is sealed and says all that is needed to go on with it, so a
// restart of the gateway between two requests goes unnoticed; what it cannot say is made anew.

import { LRUCache } from 'lru-cache';
import { ANONYMOUS, type Client } from '../core/client.ts';
import type { Host } from '../core/host.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import { RawObject } from '../protocol/raw.ts';
import { Session } from './session.ts';
import type { Standing } from './standing.ts';

export interface SessionsOptions {
  readonly seal: Seal;
  readonly host: Host;
  /** Most sessions in memory, and milliseconds after which an idle one is forgotten. */
  readonly limits: () => { readonly sessions: number; readonly sessionIdle: number };
  standing(session: Session, path: string): Standing;
}

const KIND = 'session';
/** Ended ids remembered, so that they stay ended. */
const ENDED = 100_000;

export class Sessions {
  readonly #o: SessionsOptions;
  /** By digest of the id; a Map, so that no id can name a property. Least recently used first. */
  readonly #live = new Map<string, Session>();
  readonly #ended = new LRUCache<string, true>({ max: ENDED });

  constructor(options: SessionsOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#live.size;
  }

  all(): Session[] {
    return [...this.#live.values()];
  }

  /** A new session and the id by which its client finds it again. */
  create(
    client: Pick<Client, 'version' | 'info' | 'capabilities'>,
    path: string,
  ): { id: string; session: Session } {
    const text = RawObject.of({
      nonce: crypto.randomUUID(),
      at: this.#o.host.now(),
      principal: ANONYMOUS.id,
      path,
      version: client.version,
    }).with({ capabilities: client.capabilities, ...(client.info ? { info: client.info } : {}) }).text;
    const id = this.#o.seal.seal(KIND, text);
    return { id, session: this.#revive(id, RawObject.trusted(text)) };
  }

  /** The session of an id on an endpoint; undefined when there is none, it has ended, or it is another's. */
  find(id: string, path: string): Session | undefined {
    const key = digest(id);
    const live = this.#live.get(key);
    if (live) {
      if (live.over || live.path !== path) return undefined;
      this.#live.delete(key);
      this.#live.set(key, live);
      live.lastSeen = this.#o.host.now();
      return live;
    }
    if (this.#ended.has(key)) return undefined;
    const text = this.#o.seal.open(KIND, id);
    if (text === undefined) return undefined;
    const said = RawObject.trusted(text);
    const age = this.#o.host.now() - Number(said.get('at') ?? 0);
    if (said.string('path') !== path || age > this.#o.limits().sessionIdle) return undefined;
    return this.#revive(id, said);
  }

  /** Ends a session for good. */
  end(id: string): void {
    const key = digest(id);
    this.#ended.set(key, true);
    this.#forget(key);
  }

  /** Ends what has been idle too long. */
  sweep(): void {
    const { sessionIdle } = this.#o.limits();
    const now = this.#o.host.now();
    for (const [key, session] of this.#live) {
      if (session.busy || now - session.lastSeen < sessionIdle) continue;
      this.#ended.set(key, true);
      this.#forget(key);
    }
  }

  close(): void {
    for (const key of [...this.#live.keys()]) this.#forget(key);
  }

  #revive(id: string, said: RawObject): Session {
    this.#makeRoom();
    const now = this.#o.host.now();
    const path = said.string('path') ?? '';
    const session = new Session(
      crypto.randomUUID(),
      path,
      {
        era: '2025',
        version: said.string('version') ?? '',
        transport: 'http',
        info: said.object('info'),
        capabilities: said.object('capabilities') ?? RawObject.of({}),
        principal: ANONYMOUS,
      },
      now,
      (self) => this.#o.standing(self, path),
    );
    this.#live.set(digest(id), session);
    this.#count();
    return session;
  }

  /** Beyond the limit the one longest unused leaves memory; its id still opens it again. */
  #makeRoom(): void {
    if (this.#live.size < this.#o.limits().sessions) return;
    for (const [key, session] of this.#live) {
      if (session.busy) continue;
      this.#o.host.metrics.limitHits.inc({ limit: 'sessions' });
      this.#forget(key);
      return;
    }
  }

  #forget(key: string): void {
    this.#live.get(key)?.end();
    this.#live.delete(key);
    this.#count();
  }

  #count(): void {
    this.#o.host.metrics.sessions.set(this.#live.size);
  }
}
