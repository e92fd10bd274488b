// The sessions of one listener. A session id is sealed and says how the client began; what became of the session
// since is in the store. So a restart of the gateway between two requests goes unnoticed.

import { ANONYMOUS, type Client, type Identity, type Principal } from '../core/client.ts';
import type { Host } from '../core/host.ts';
import { type Remembered, type SessionStore, UNREAD } from '../core/session-store.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import { RawObject } from '../protocol/raw.ts';
import { identityOf, Session } from './session.ts';
import type { Standing } from './standing.ts';

export interface SessionLimits {
  /** Most sessions in memory. */
  readonly sessions: number;
  /** Milliseconds after which an unused one is forgotten, and leaves memory. */
  readonly sessionIdle: number;
  readonly sessionRest: number;
  /** How long a session in memory is used before the store is asked whether another gateway has ended it. */
  readonly sessionCheck: number;
}

export interface SessionsOptions {
  readonly seal: Seal;
  readonly host: Host;
  readonly store: SessionStore;
  readonly limits: () => SessionLimits;
  standing(session: Session, path: string): Standing;
}

/** As many sessions as limits.sessions allows are at work. */
export const FULL = 'full';

const KIND = 'session';
/** The last use of a session is written down when it is later than what is written by this part of session_idle. */
const GRAIN = 24;

export class Sessions {
  readonly #o: SessionsOptions;
  /** By digest of the id; a Map, so that no id can name a property. Least recently used first. */
  readonly #live = new Map<string, Session>();
  /** When each was last used, as far as the store or its id knows. */
  readonly #noted = new WeakMap<Session, number>();
  /** When the store was last asked for each. */
  readonly #checked = new WeakMap<Session, number>();
  readonly #keys = new WeakMap<Session, string>();

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
  ): { id: string; session: Session } | typeof FULL {
    const now = this.#o.host.now();
    const text = RawObject.of({
      nonce: crypto.randomUUID(),
      at: now,
      principal: ANONYMOUS.id,
      path,
      version: client.version,
    }).with({ capabilities: client.capabilities, ...(client.info ? { info: client.info } : {}) }).text;
    if (!this.#makeRoom()) return FULL;
    const id = this.#o.seal.seal(KIND, text);
    return { id, session: this.#add(digest(id), RawObject.trusted(text), now) };
  }

  /**
   * Says whom a new session belongs to, once that is known.
   * @returns the id to give its client; the one before is good for nothing
   */
  bind(id: string, session: Session, principal: Identity | Principal): string {
    session.bind(principal);
    const text = principal.id === ANONYMOUS.id ? undefined : this.#o.seal.open(KIND, id);
    if (text === undefined) return id;
    const { id: name, tenant, issuer } = principal;
    const owner = { principal: name, tenant, issuer };
    const bound = this.#o.seal.seal(KIND, RawObject.trusted(text).with(owner).text);
    const [before, key] = [digest(id), digest(bound)];
    this.#keys.set(session, key);
    // It may have left memory meanwhile; then its id brings it back.
    if (this.#live.delete(before)) this.#live.set(key, session);
    return bound;
  }

  /** The session of an id on an endpoint; undefined when there is none, it has ended, or it is another's. */
  find(id: string, path: string): Session | typeof FULL | typeof UNREAD | undefined {
    const key = digest(id);
    const now = this.#o.host.now();
    const live = this.#live.get(key);
    if (live) {
      if (live.over || live.path !== path || this.#endedElsewhere(key, live, now)) return undefined;
      this.#live.delete(key);
      this.#live.set(key, live);
      this.#use(key, live, now);
      return live;
    }
    const text = this.#o.seal.open(KIND, id);
    if (text === undefined) return undefined;
    const said = RawObject.trusted(text);
    if (said.string('path') !== path) return undefined;
    const at = Number(said.get('at') ?? 0);
    const known = this.#o.store.find(key);
    // It may have ended, so it is not brought back before that is known.
    if (known === UNREAD) return UNREAD;
    const before = known ?? { ended: false, seen: at, level: undefined, uris: [] };
    const seen = Math.max(at, before.seen);
    if (before.ended || now - seen >= this.#o.limits().sessionIdle) return undefined;
    if (!this.#makeRoom()) return FULL;
    const session = this.#add(key, said, seen, before);
    this.#use(key, session, now);
    return session;
  }

  /** Whether another gateway on the same store has ended it; asked seldom enough to cost nothing. */
  #endedElsewhere(key: string, session: Session, now: number): boolean {
    if (now - (this.#checked.get(session) ?? 0) < this.#o.limits().sessionCheck) return false;
    this.#checked.set(session, now);
    const known = this.#o.store.find(key);
    if (known === UNREAD || !known?.ended) return false;
    this.#forget(key);
    return true;
  }

  /** Ends a session for good. */
  async end(id: string): Promise<void> {
    const key = digest(id);
    this.#forget(key);
    await this.#o.store.save(key, { seen: this.#o.host.now(), ended: true });
  }

  /** Lets go of what is not used: of its links soon, of all of it in the end. */
  sweep(): void {
    const { sessionIdle, sessionRest } = this.#o.limits();
    const now = this.#o.host.now();
    for (const [key, session] of this.#live) {
      if (session.busy) this.#use(key, session, now);
      else if (now - session.lastSeen >= Math.min(sessionRest, sessionIdle)) this.#rest(key, session);
    }
    this.#o.store.expire(now - sessionIdle);
  }

  close(): void {
    for (const [key, session] of this.#live) this.#rest(key, session);
  }

  #add(key: string, said: RawObject, seen: number, before?: Remembered): Session {
    const path = said.string('path') ?? '';
    const { host, store } = this.#o;
    const session: Session = new Session({
      path,
      client: {
        era: '2025',
        version: said.string('version') ?? '',
        transport: 'http',
        info: said.object('info'),
        capabilities: said.object('capabilities') ?? RawObject.of({}),
        principal: ANONYMOUS,
      },
      now: seen,
      standing: (self) => this.#o.standing(self, path),
      ...(before && { before }),
      ...(before && { principal: ownerOf(said) }),
      remember: (change) => store.save(this.#keys.get(session) ?? key, { ...change, seen: host.now() }),
    });
    this.#keys.set(session, key);
    this.#live.set(key, session);
    this.#noted.set(session, seen);
    this.#checked.set(session, this.#o.host.now());
    // Other listeners count theirs in the same figure.
    host.metrics.sessions.inc();
    return session;
  }

  #use(key: string, session: Session, now: number): void {
    session.lastSeen = now;
    if (now - (this.#noted.get(session) ?? 0) >= this.#o.limits().sessionIdle / GRAIN)
      this.#note(key, session);
  }

  #note(key: string, session: Session): void {
    this.#noted.set(session, session.lastSeen);
    void this.#o.store.save(key, { seen: session.lastSeen });
  }

  /** Out of memory, with its links to upstreams. Its id opens it again, until it is too old for that. */
  #rest(key: string, session: Session): void {
    if (session.lastSeen > (this.#noted.get(session) ?? 0)) this.#note(key, session);
    this.#forget(key);
  }

  /** At the limit the one longest unused leaves memory. @returns false when all are at work */
  #makeRoom(): boolean {
    if (this.#live.size < this.#o.limits().sessions) return true;
    this.#o.host.metrics.limitHits.inc({ limit: 'sessions' });
    for (const [key, session] of this.#live) {
      if (session.busy) continue;
      this.#forget(key);
      return true;
    }
    return false;
  }

  #forget(key: string): void {
    this.#live.get(key)?.end();
    if (this.#live.delete(key)) this.#o.host.metrics.sessions.dec();
  }
}

/** Whom the sealed text of a session's id says that it belongs to. */
function ownerOf(said: RawObject): Identity {
  return identityOf({
    id: said.string('principal'),
    tenant: said.string('tenant'),
    issuer: said.string('issuer'),
  });
}
