// What a token of an issuer comes to, however it was verified: whose it is and for whom.

import type { Attempt, Found } from './attempt.ts';
import { bindingOf } from './bound.ts';
import { type Claims, checkAudience, checkUse, principalOf } from './claims.ts';
import type { Issuer } from './issuers.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** What tokens have to be for: the endpoint, unless its issuer calls it otherwise. */
export function audiencesOf({ audiences }: Issuer, { url }: Attempt): readonly string[] {
  return audiences ?? (url === undefined ? [] : [url]);
}

export interface VerifiedToken {
  readonly claims: Claims;
  readonly token: string;
  readonly audiences: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number | undefined;
}

/** @throws ClaimError */
export function foundBy(issuer: Issuer, { claims, token, audiences, expires }: VerifiedToken): Found {
  checkAudience(claims, audiences);
  checkUse(claims);
  const { id, tenant, groups, scopes } = issuer.claims;
  const names = { id, tenant, groups, scopes: scopes === undefined ? ['scope', 'scp'] : [scopes] };
  return {
    kind: 'found',
    principal: {
      ...principalOf(claims, names, issuer.name),
      issuer: issuer.issuer,
      ...(expires !== undefined && { expires }),
    },
    credential: { token, type: ACCESS_TOKEN, issuer: issuer.issuer },
    bound: bindingOf(claims.cnf),
    dpop: issuer.dpop,
  };
}
