// Tokens that say nothing by themselves: who issued them is asked (RFC 7662), and what it says holds for a while. An
// endpoint that fails says nothing of a token: its caller is asked to come again, and not that the token is bad.

import { duration, type JsonObject, z } from '../../src/plugin.ts';
import { networkOf } from '../remote/network.ts';
import { remoteUrl } from '../remote/url.ts';
import { type Attempt, type Host, type Method, refused, unavailable, type Verdict } from './attempt.ts';
import { looksLikeJwt } from './compact.ts';
import { looksLikeKey } from './key-text.ts';
import { Turns } from './turns.ts';
import { digestOf, Verified } from './verified.ts';

export const introspectionSchema = z.strictObject({
  url: remoteUrl('The introspection endpoint.', 'https://id.example.com/introspect'),
  client_id: z.string().min(1).meta({ description: 'As whom this gateway asks.' }),
  client_secret: z.string().min(1).meta({ description: 'What proves it. Write a reference.' }),
  client_auth: z
    .enum(['basic', 'post'])
    .meta({ description: 'How it is proven: `client_secret_basic` or `client_secret_post`.' })
    .prefault('basic'),
  cache: duration('1m', {
    description:
      'Longest that an answer holds; a token that expires sooner is asked for sooner. A token that is revoked is taken until then. `0s` asks each time.',
  }),
  streams: duration(
    '15m',
    {
      description:
        'Longest that a standing stream goes by one answer; then its client begins it anew, and the token is asked for again.',
    },
    1_000,
  ),
  cache_denied: duration('10s', { description: 'How long the answer holds that a token is not active.' }),
  max_tokens: z
    .int()
    .min(1)
    .meta({ description: 'How many answers are kept, of either kind.' })
    .prefault(10_000),
  max_pending: z
    .int()
    .min(1)
    .meta({
      description:
        'How many tokens are asked for at once; callers beyond are told to come again. A quarter is kept for tokens that were found good before.',
    })
    .prefault(64),
  max_pending_network: z
    .int()
    .min(1)
    .meta({
      description:
        'How many of them from one address of IPv4, or one /64 network of IPv6, tokens aside that were found good before. Where a proxy stands before the gateway, that has the address of all.',
    })
    .prefault(16),
  timeout: duration('3s', { description: 'Longest that the endpoint may take.' }, 1),
});

export type IntrospectionOptions = z.output<typeof introspectionSchema>;

/** What an endpoint has answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

export interface IntrospectionParts {
  readonly host: Host;
  /** Posts a form to the endpoint. Throws when there is no answer in time, or one that is no JSON. */
  readonly post: (form: string, headers: Record<string, string>) => Promise<Answered>;
  /** What the claims of an active token come to here and now. */
  readonly judge: (claims: JsonObject, attempt: Attempt, token: string) => Verdict;
}

/** What is known of a token: its claims, that it is not active, or that nobody can say. */
type Said =
  | { readonly kind: 'active'; readonly claims: JsonObject }
  | { readonly kind: 'inactive' }
  | { readonly kind: 'unknown'; readonly retryAfterMs: number };

/** When to come again, where the endpoint does not say; and the most that it may say. Milliseconds. */
const RETRY = { usual: 1_000, most: 60_000 } as const;
/** How long a token that was found good is not taken for one that was made up. */
const KNOWN_MS = 86_400_000;
const INACTIVE: Said = { kind: 'inactive' };
const UNKNOWN: Said = { kind: 'unknown', retryAfterMs: RETRY.usual };

export function introspection(options: IntrospectionOptions, parts: IntrospectionParts): Method {
  const asking = new Asking(options, parts);
  return {
    name: 'introspection',
    async verify(attempt): Promise<Verdict> {
      const token = opaqueToken(attempt);
      if (token === undefined) return undefined;
      const said = await asking.about(token, () => networkOf(attempt.peer()?.address) ?? '');
      if (said.kind === 'active')
        return untilAsked(parts.judge(said.claims, attempt, token), attempt.now + options.streams);
      if (said.kind === 'inactive') return refused('token_inactive', 'invalid_token');
      return unavailable('introspection', said.retryAfterMs);
    },
  };
}

/** Nobody tells of a token that is revoked, so what it proves is not proven for long. */
function untilAsked(verdict: Verdict, asked: number): Verdict {
  if (verdict?.kind !== 'found') return verdict;
  const { expires = asked, ...principal } = verdict.principal;
  return { ...verdict, principal: { ...principal, expires: Math.min(expires, asked) } };
}

/** A token that is neither a JWT, which its issuer signed for all to read, nor a key of ours. */
function opaqueToken({ authorization }: Attempt): string | undefined {
  if (authorization?.scheme !== 'bearer' && authorization?.scheme !== 'dpop') return undefined;
  const { credentials } = authorization;
  return looksLikeKey(credentials) || looksLikeJwt(credentials) ? undefined : credentials;
}

/** Asks once for all who want to know of one token at a time, and keeps what it hears. */
class Asking {
  readonly #options: IntrospectionOptions;
  readonly #parts: IntrospectionParts;
  readonly #active: Verified<JsonObject>;
  /** Apart, so that made-up tokens take no room from those that are good. */
  readonly #inactive: Verified<true>;
  /** Those that were found good, for longer than that holds. */
  readonly #known: Verified<true>;
  readonly #pending = new Map<string, Promise<Said>>();
  readonly #turns: Turns;
  #trouble: string | undefined;

  constructor(options: IntrospectionOptions, parts: IntrospectionParts) {
    this.#options = options;
    this.#parts = parts;
    const kept = (limit: string) => ({
      most: options.max_tokens,
      onFull: () => parts.host.limitHit(limit),
    });
    this.#active = new Verified(kept('introspection_tokens'));
    this.#inactive = new Verified(kept('introspection_denied'));
    this.#known = new Verified({ most: options.max_tokens });
    const { max_pending: most, max_pending_network: mostOfNetwork } = options;
    this.#turns = new Turns({ most, mostOfNetwork });
  }

  about(token: string, network: () => string): Said | Promise<Said> {
    const now = this.#parts.host.now();
    const claims = this.#active.get(token, now);
    if (claims) return { kind: 'active', claims };
    if (this.#inactive.get(token, now)) return INACTIVE;
    const key = digestOf(token);
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const turn = this.#turns.take(network(), this.#known.get(token, now) === true);
    if (typeof turn === 'string') {
      this.#parts.host.limitHit(turn);
      return UNKNOWN;
    }
    const asked = this.#ask(token).finally(() => {
      this.#pending.delete(key);
      turn();
    });
    this.#pending.set(key, asked);
    return asked;
  }

  async #ask(token: string): Promise<Said> {
    const { form, headers } = questionOf(token, this.#options);
    let answered: Answered;
    try {
      answered = await this.#parts.post(form, headers);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
      return UNKNOWN;
    }
    const { status } = answered;
    const claims = status === 200 ? objectOf(answered.json) : undefined;
    if (claims === undefined || typeof claims.active !== 'boolean') {
      this.#failed(status === 200 ? 'it answers no token introspection' : `it answers ${status}`);
      return { kind: 'unknown', retryAfterMs: retryAfter(answered.headers) };
    }
    this.#works();
    return this.#keep(token, claims);
  }

  #keep(token: string, claims: JsonObject): Said {
    const { cache, cache_denied } = this.#options;
    const now = this.#parts.host.now();
    if (claims.active !== true) {
      this.#inactive.set(token, true, now + cache_denied, now);
      this.#known.delete(token);
      return INACTIVE;
    }
    const expires = typeof claims.exp === 'number' ? claims.exp * 1_000 : Number.POSITIVE_INFINITY;
    this.#active.set(token, claims, Math.min(expires, now + cache), now);
    this.#known.set(token, true, now + KNOWN_MS, now);
    return { kind: 'active', claims };
  }

  /** Said when it begins, and when it is another trouble; not with each token. */
  #failed(reason: string): void {
    this.#parts.host.count('introspection', { reason: 'failed' });
    if (this.#trouble === reason) return;
    this.#trouble = reason;
    this.#parts.host.log.error('tokens cannot be verified: the introspection endpoint fails', {
      url: this.#options.url,
      reason,
    });
  }

  #works(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#parts.host.log.info('the introspection endpoint works again', { url: this.#options.url });
  }
}

/** RFC 7662 §2.1, with the client authentication of RFC 6749 §2.3.1. */
function questionOf(
  token: string,
  { client_id, client_secret, client_auth }: IntrospectionOptions,
): { form: string; headers: Record<string, string> } {
  const form = new URLSearchParams({ token, token_type_hint: 'access_token' });
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  if (client_auth === 'post') {
    form.set('client_id', client_id);
    form.set('client_secret', client_secret);
    return { form: form.toString(), headers };
  }
  const pair = `${formEncoded(client_id)}:${formEncoded(client_secret)}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  return { form: form.toString(), headers: { ...headers, authorization } };
}

/** As a value of a form is written (RFC 6749 appendix B). */
function formEncoded(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice('x='.length);
}

function objectOf(json: unknown): JsonObject | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : undefined;
}

function retryAfter(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 ? Math.min(seconds * 1_000, RETRY.most) : RETRY.usual;
}
