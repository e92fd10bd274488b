// Memory of one initialize-era client: who it is, its log level, its calls in flight, what it was asked, and
// what is sent to it outside of calls. Knows no transport.

import {
  ANONYMOUS,
  type Client,
  type ClientSession,
  type Identity,
  identityKey,
  type Principal,
} from '../core/client.ts';
import type { CallerToken } from '../core/exchange.ts';
import type { Remembered, SessionChange } from '../core/session-store.ts';
import { Asker } from './asker.ts';
import { Calls } from './calls.ts';
import type { Standing } from './standing.ts';

const SESSION_ENDED = new Error('the session ended');

export interface SessionParts {
  /** The endpoint it was made on, and the only one it is good for. */
  readonly path: string;
  readonly client: Omit<Client, 'session'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  standing(session: Session): Standing;
  /** What is known of it from before: it was in memory once, here or in an earlier process. */
  readonly before?: Pick<Remembered, 'level' | 'uris'>;
  /** The principal that began it. */
  readonly principal?: Identity | undefined;
  /** Keeps a change beyond this process. On a pipe there is nothing to keep: the session is the pipe. */
  remember?(change: Omit<SessionChange, 'seen'>): Promise<void>;
}

export class Session {
  readonly path: string;
  readonly client: Client;
  readonly calls = new Calls();
  readonly asker = new Asker();
  readonly standing: Standing;
  /** Milliseconds since the epoch of the last message. */
  lastSeen: number;
  readonly #remember: SessionParts['remember'];
  readonly #ended = new AbortController();
  readonly #rootsHeard = new Set<() => void>();
  #logLevel: string | undefined;
  #principal: Identity | undefined;
  /** The same as plugins found it last; unknown while nothing has come since a restart. */
  #found: Principal | undefined;
  /** By which they did. */
  #token: CallerToken | undefined;

  constructor({ path, client, now, standing, before, principal, remember }: SessionParts) {
    this.path = path;
    this.lastSeen = now;
    this.#remember = remember;
    this.#principal = principal;
    this.client = { ...client, session: this.#seenBelow() };
    this.#logLevel = before?.level;
    this.standing = standing(this);
    if (before) this.standing.restore(before.uris);
  }

  /** What the gateway runs for the session of its own accord, it runs for whom it belongs to. */
  get owner(): Client {
    const principal = this.#principal;
    return principal === undefined || principal.id === ANONYMOUS.id
      ? this.client
      : { ...this.client, principal: this.#found ?? { ...principal, scopes: [] }, token: this.#token };
  }

  /** Whom it belongs to from now on. */
  bind(principal: Identity | Principal): void {
    this.#principal = identityOf(principal);
    if ('scopes' in principal) this.#find(principal);
  }

  /** What it may see and watch may be something else now. */
  #find(principal: Principal, token?: CallerToken): void {
    const owner = this.#principal;
    if (owner === undefined || identityKey(owner) !== identityKey(principal)) return;
    this.#token = token ?? this.#token;
    const before = rightsOf(this.owner.principal);
    this.#found = principal;
    if (rightsOf(this.owner.principal) !== before) this.standing.beginAgain();
    this.standing.resume();
  }

  /** Whom it belongs to, as its requests have proven last; undefined while nothing has come since a restart. */
  get proven(): Principal | undefined {
    return this.#found;
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Whether something of it is open: such a session is not idle. */
  get busy(): boolean {
    return this.calls.size > 0 || this.standing.attached;
  }

  /** Set by logging/setLevel; undefined until then. */
  get logLevel(): string | undefined {
    return this.#logLevel;
  }

  async setLevel(level: string): Promise<void> {
    if (level === this.#logLevel) return;
    this.#logLevel = level;
    this.standing.renew();
    await this.#remember?.({ level });
  }

  /** @returns whether the upstream watches the resource now */
  async watch(uri: string): Promise<boolean> {
    const isNew = !this.standing.has(uri);
    const watches = await this.standing.subscribe(uri);
    // Unsubscribed again meanwhile: that is the last word.
    if (watches && isNew && this.standing.has(uri)) await this.#remember?.({ watch: { uri, on: true } });
    return watches;
  }

  async unwatch(uri: string): Promise<void> {
    if (!this.standing.has(uri)) return;
    await Promise.all([this.standing.unsubscribe(uri), this.#remember?.({ watch: { uri, on: false } })]);
  }

  #seenBelow(): ClientSession {
    const principal = (): Identity | undefined => this.#principal;
    const send = (text: string): boolean => this.standing.send(text);
    return {
      listening: (signal) => this.standing.listening(AbortSignal.any([signal, this.#ended.signal])),
      ask: (method, params, signal) =>
        this.asker.ask(method, params, send, AbortSignal.any([signal, this.#ended.signal])),
      key: crypto.randomUUID(),
      ended: this.#ended.signal,
      get principal() {
        return principal();
      },
      found: (found, token) => this.#find(found, token),
      onRootsChanged: (hear) => {
        this.#rootsHeard.add(hear);
        return () => void this.#rootsHeard.delete(hear);
      },
    };
  }

  /** The client said so; upstreams that speak with it know its roots from before. */
  rootsChanged(): void {
    for (const hear of this.#rootsHeard) hear();
  }

  end(): void {
    if (this.over) return;
    this.#ended.abort(SESSION_ENDED);
    this.calls.abortAll(SESSION_ENDED);
    this.standing.stop();
  }
}

/** What a principal may do, beside who it is. */
function rightsOf({ scopes, groups = [] }: Principal): string {
  return JSON.stringify([[...scopes].sort(), [...groups].sort()]);
}

/** Who it is, and nothing of what it may do. */
export function identityOf({
  id,
  tenant,
  issuer,
}: { [Name in keyof Identity]: string | undefined }): Identity {
  return {
    id: id ?? '',
    ...(tenant !== undefined && { tenant }),
    ...(issuer !== undefined && { issuer }),
  };
}
