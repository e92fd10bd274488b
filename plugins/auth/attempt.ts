// What a caller brought, and what a method of proof says of it. A method is a file beside this one, with its options
// and a function that makes it of them; methods.ts lists them.

import type { Exchange, Peer, PluginHost, Principal } from '../../src/plugin.ts';

/** What a caller brought, to be judged. */
export interface Attempt {
  readonly headers: Headers;
  /** The one Authorization header; its scheme in lower case. */
  readonly authorization: { readonly scheme: string; readonly credentials: string } | undefined;
  readonly transport: 'http' | 'stdio';
  /** The HTTP method. */
  readonly method: string;
  /** The public URL of what was asked, from the configuration; undefined where nobody has said it. */
  readonly url: string | undefined;
  /** The path of the endpoint. */
  readonly endpoint: string;
  /** With its `?`, or nothing. */
  readonly query: string;
  /** The exact text of what was posted. */
  body(): string | undefined;
  peer(): Peer | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Aborts when nobody waits for the verdict any more. */
  readonly signal: AbortSignal;
  /** For the log. */
  readonly requestId: string;
}

/** Why a credential is refused, to OAuth clients (RFC 6750 §3.1, RFC 9449 §7.1). */
export type Fault = 'invalid_request' | 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce';

/** What a token is bound to. */
export interface Binding {
  /** Thumbprint of a public key (RFC 7638), which a proof beside the token is signed with (RFC 9449). */
  readonly jkt?: string | undefined;
  /** SHA-256 of the certificate of the connection (RFC 8705). */
  readonly x5t?: string | undefined;
}

/** Whether tokens may, have to or must not be bound to a key. */
export type DpopMode = 'optional' | 'required' | 'off';

export interface Found {
  readonly kind: 'found';
  readonly principal: Principal;
  /** The token itself, for plugins that exchange it. */
  readonly credential?: {
    readonly token: string;
    readonly type: string;
    readonly issuer?: string | undefined;
  };
  /** What the token is bound to, by `bindingOf` of its claim `cnf`: its caller has to prove that it has this, too. */
  readonly bound?: Binding | 'unknown' | undefined;
  /** As its issuer's tokens are. Default: `optional`. */
  readonly dpop?: DpopMode | undefined;
}

export interface Refused {
  readonly kind: 'refused';
  /** For log and figures: a few words of a closed list, never anything of the credential. */
  readonly reason: string;
  readonly error?: Fault | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Nobody can tell for now: what is needed to look could not be reached or read. No fault of the caller. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** As that of a refusal. */
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}

/** Undefined: there is nothing here for this method. */
export type Verdict = Found | Refused | Unavailable | undefined;

export interface Method {
  /** For log and figures. */
  readonly name: string;
  /** One that recognises its kind of credential decides alone. Throwing denies. */
  verify(attempt: Attempt): Verdict | Promise<Verdict>;
  /** The headers it reads beside Authorization, lower case. */
  readonly headers?: readonly string[];
  /** What WWW-Authenticate says of it. `Bearer` is the entry's own. */
  challenge?(attempt: Attempt, fault: Fault | undefined): string | undefined;
  dispose?(): void | Promise<void>;
}

/** What a method is made with. */
export type Host = Pick<
  PluginHost,
  'id' | 'log' | 'now' | 'keep' | 'count' | 'limitHit' | 'stateDir' | 'replaced'
>;

export const refused = (reason: string, error?: Fault): Refused => ({ kind: 'refused', reason, error });

export const unavailable = (reason: string, retryAfterMs?: number): Unavailable => ({
  kind: 'unavailable',
  reason,
  retryAfterMs,
});

/** @throws Refusal when it cannot be told what was sent as a credential */
export function attemptOf(x: Exchange, now: number): Attempt {
  const { inbound, client, signal } = x;
  const { headers, method = '', url, endpoint, query = '' } = inbound;
  // It would stand in logs and histories on its way here, and everybody who reads them could use it.
  if (new URLSearchParams(query).has('access_token'))
    throw new Refusal(refused('token_in_query', 'invalid_request'));
  return {
    headers,
    authorization: authorizationIn(headers),
    transport: client.transport,
    method,
    url,
    endpoint,
    query,
    body: () => inbound.body?.(),
    peer: () => inbound.peer?.(),
    now,
    signal,
    requestId: x.id,
  };
}

/** A refusal that comes before any method. */
export class Refusal extends Error {
  constructor(readonly refused: Refused) {
    super(refused.reason);
  }
}

/** Several headers come as one with commas, and no credential that is known here has any. */
function authorizationIn(headers: Headers): Attempt['authorization'] {
  const value = headers.get('authorization');
  if (value === null) return undefined;
  const [, scheme, credentials] = /^([A-Za-z][A-Za-z0-9-]*) ([\x21-\x2b\x2d-\x7e]+)$/.exec(value) ?? [];
  if (scheme === undefined || credentials === undefined)
    throw new Refusal(refused('header_malformed', 'invalid_request'));
  return { scheme: scheme.toLowerCase(), credentials };
}
