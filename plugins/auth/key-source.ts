// The keys of one issuer: fetched when they are needed, kept while they are fresh, used longer while the issuer is
// away, and not for ever. Tokens cannot make it ask more often than the cooldown lets it.

import { createLocalJWKSet, errors, type JWSHeaderParameters, type LocalJWKSet } from 'jose';
import type { FetchOptions } from '../remote/fetch.ts';
import { fetchJson } from '../remote/fetch-json.ts';
import type { Host } from './attempt.ts';
import { discover } from './discovery.ts';
import type { Issuer } from './issuers.ts';

/** Without a look at its keys nothing can be said. */
export class KeysUnavailable extends Error {
  /** @param retryAfterMs when the next look is possible */
  constructor(readonly retryAfterMs: number) {
    super('keys_unavailable');
  }
}

/** The keys of an issuer at one time, to find one by a header: the same function as long as they are the same. */
export type KeySet = LocalJWKSet;

interface Kept {
  readonly keys: KeySet;
  /** What they were made of. */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How long what the metadata says of the keys' place is believed. */
const PLACE_MS = 3_600_000;

export class KeySource {
  readonly #issuer: Issuer;
  readonly #host: Host;
  #kept: Kept | undefined;
  #place: { readonly uri: string; readonly at: number } | undefined;
  #asking: Promise<void> | undefined;
  /** When the last look began, well or not. */
  #asked = Number.NEGATIVE_INFINITY;
  /** Whether that came to nothing. */
  #isAway = false;

  constructor(issuer: Issuer, host: Host) {
    this.#issuer = issuer;
    this.#host = host;
  }

  /**
   * The keys that are believed now: what was verified by others holds no more.
   * @throws KeysUnavailable
   */
  async inForce(): Promise<KeySet> {
    return (await this.#current()).keys;
  }

  /**
   * The key that a header asks for, and the keys it is one of.
   * @throws KeysUnavailable, or what jose throws where there is no such key
   */
  async find(header: JWSHeaderParameters): Promise<{ readonly key: CryptoKey; readonly keys: KeySet }> {
    const { keys } = await this.#current();
    try {
      return { key: await keys(header), keys };
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isCooling()) throw error;
      // It may be new there.
      await this.#look();
      const newer = this.#usable()?.keys ?? keys;
      return { key: await newer(header), keys: newer };
    }
  }

  async #current(): Promise<Kept> {
    const { fresh } = this.#issuer.keys;
    const kept = this.#usable();
    if (kept && this.#age(kept) < fresh) return kept;
    const looking = this.#isCooling() && !this.#asking ? undefined : this.#look();
    // Nobody waits twice for an issuer that is away while its keys may still be used.
    if (kept && this.#isAway) return kept;
    await looking;
    const now = this.#usable();
    if (now) return now;
    throw new KeysUnavailable(Math.max(1_000, this.#asked + this.#issuer.keys.cooldown - this.#host.now()));
  }

  /** Undefined where there are none, or none that may still be believed. */
  #usable(): Kept | undefined {
    return this.#kept && this.#age(this.#kept) < this.#issuer.keys.stale ? this.#kept : undefined;
  }

  #age({ at }: Kept): number {
    return this.#host.now() - at;
  }

  #isCooling(): boolean {
    const since = this.#host.now() - this.#asked;
    return since >= 0 && since < this.#issuer.keys.cooldown;
  }

  /** One look for all who wait. @throws never */
  #look(): Promise<void> {
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #fetch(): Promise<void> {
    const { issuer } = this.#issuer;
    const limits = this.#deadline();
    const began = this.#host.now();
    this.#asked = began;
    try {
      const said = await fetchJson(await this.#uri(limits), limits());
      const text = JSON.stringify(said.keys);
      const same = this.#kept?.text === text ? this.#kept : undefined;
      this.#kept = { keys: same?.keys ?? createLocalJWKSet(said as never), text, at: began };
      this.#isAway = false;
      this.#host.count('fetch', { kind: 'jwks', reason: 'ok' });
    } catch (error) {
      // The keys may have moved.
      this.#place = undefined;
      this.#isAway = true;
      const reason = reasonOf(error);
      this.#host.count('fetch', { kind: 'jwks', reason });
      if (reason === 'too_large' || reason === 'timeout')
        this.#host.count('limit', { kind: `fetch_${reason}` });
      const left = this.#usable();
      const until = left && new Date(left.at + this.#issuer.keys.stale).toISOString();
      this.#host.log.warn('keys of an issuer could not be fetched', { issuer, reason, usable_until: until });
    }
  }

  /** What is left of the time for one look, which may take several requests. */
  #deadline(): () => FetchOptions {
    const { ca, fetch } = this.#issuer;
    const { timeout, bytes } = fetch;
    const end = performance.now() + timeout;
    return () => ({ bytes, ca, timeout: Math.max(1, Math.round(end - performance.now())) });
  }

  async #uri(limits: () => FetchOptions): Promise<string> {
    const { issuer, jwks_uri: said } = this.#issuer;
    if (said !== undefined) return said;
    const now = this.#host.now();
    if (this.#place && now - this.#place.at < PLACE_MS) return this.#place.uri;
    const count = (reason: string) => this.#host.count('fetch', { kind: 'metadata', reason });
    const uri = await discover(issuer, limits, count);
    this.#place = { uri, at: now };
    return uri;
  }
}

/** A word of ours: messages of others may have anything in them. */
function reasonOf(error: unknown): string {
  const { reason } = error as { reason?: string };
  return typeof reason === 'string' ? reason : 'not_keys';
}
