// What a caller is told that is not let in: an error in the era's form, and the challenges of RFC 9110 §11.6.1.

import { type Exchange, type McpResult, refuse } from '../../src/plugin.ts';
import type { Attempt, Method, Refused, Unavailable } from './attempt.ts';
import { metadataUrl } from './metadata.ts';

/** What the entry has for those that it does not let in. */
export interface Door {
  /** Whether tokens of OAuth are taken: then clients are told where they get one. */
  readonly hasIssuers: boolean;
  /** Whether `Authorization: Bearer` is a way in. */
  readonly takesBearer: boolean;
  /** What every call needs. */
  readonly scopes: readonly string[];
  /** What else WWW-Authenticate says of. */
  readonly challengers: readonly Pick<Method, 'challenge'>[];
}

/** @param attempt undefined where nobody sent anything: the gateway asks for one of its sessions */
export function unauthenticated(
  { error, headers }: Refused,
  door: Door,
  attempt: Attempt | undefined,
  x: Exchange,
): McpResult {
  // What is wrong with a proof is said by its own challenge (RFC 9449 §7.1).
  const fault = error?.includes('dpop') ? undefined : error;
  const own = bearer(door, x, { error: fault }, door.scopes);
  const others = attempt ? door.challengers.map(({ challenge }) => challenge?.(attempt, error)) : [];
  const known = others.filter((each) => each !== undefined);
  // Every way in that has a name; Bearer first, since many clients look at the first one alone; at least one (RFC 9110
  // §15.5.2), so that who has but a certificate to show is told something.
  const all = door.takesBearer || known.length === 0 ? [own, ...known] : known;
  const result = refuse('UNAUTHENTICATED', undefined, { requestId: x.id });
  return result.withHeaders({ ...headers, 'www-authenticate': all.join(', ') });
}

/** A 403 that says all that the call needs. */
export function lacking(needed: readonly string[], door: Door, x: Exchange): McpResult {
  const detail = `The call needs the scopes ${needed.join(' ')}.`;
  const result = refuse('SCOPE_MISSING', detail, { requestId: x.id, scopes: [...needed] });
  return result.withHeaders({ 'www-authenticate': bearer(door, x, { error: 'insufficient_scope' }, needed) });
}

/** A 503, and never a 401: its client would throw a good credential away. */
export function unavailable({ retryAfterMs }: Unavailable, x: Exchange): McpResult {
  const data = { requestId: x.id, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return refuse('AUTH_UNAVAILABLE', undefined, data);
}

/** @param said `error` is only for those who have sent a credential (RFC 6750 §3.1) */
function bearer(
  { hasIssuers }: Door,
  { inbound }: Exchange,
  { error }: { readonly error?: string | undefined },
  scopes: readonly string[],
): string {
  const { url } = inbound;
  const parameters = {
    error,
    resource_metadata: hasIssuers && url !== undefined ? metadataUrl(url) : undefined,
    scope: scopes.length > 0 ? scopes.join(' ') : undefined,
  };
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return written.length === 0 ? 'Bearer' : `Bearer ${written.join(', ')}`;
}
