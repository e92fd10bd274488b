// The tokens that an issuer is asked about, as a method of proof: what it says of one is held to the same as a token
// that is signed.

import type { JsonObject } from '../../src/plugin.ts';
import { type FetchOptions, fetchWhole } from '../remote/fetch.ts';
import { type Attempt, type Host, type Method, refused, type Verdict } from './attempt.ts';
import { ClaimError, lifeOf } from './claims.ts';
import { introspection } from './introspection.ts';
import type { Issuer } from './issuers.ts';
import { audiencesOf, foundBy } from './token.ts';

/** @param issuers of whom one at most is asked */
export function opaqueMethod(issuers: readonly Issuer[], host: Host): Method | undefined {
  const issuer = issuers.find((each) => each.introspection !== undefined);
  const options = issuer?.introspection;
  if (issuer === undefined || options === undefined) return undefined;
  const limits = { timeout: options.timeout, bytes: issuer.fetch.bytes, ca: issuer.ca };
  return introspection(options, {
    host,
    async post(body, headers) {
      const { status, headers: told, ...answer } = await answered(options.url, body, headers, limits);
      return { status, headers: told, json: answer.json };
    },
    judge: (claims, attempt, token) => judged(claims, issuer, attempt, token),
  });
}

async function answered(url: string, body: string, headers: Record<string, string>, limits: FetchOptions) {
  const response = await fetchWhole(url, { method: 'POST', body, headers }, limits);
  const json: unknown = await response.json().catch(() => undefined);
  return { status: response.status, headers: response.headers, json };
}

function judged(claims: JsonObject, issuer: Issuer, attempt: Attempt, token: string): Verdict {
  try {
    if (claims.iss !== undefined && claims.iss !== issuer.issuer)
      return refused('issuer_unknown', 'invalid_token');
    return foundBy(issuer, {
      claims,
      token,
      audiences: audiencesOf(issuer, attempt),
      expires: endOf(claims, attempt.now, issuer.skew),
    });
  } catch (error) {
    if (error instanceof ClaimError) return refused(error.fault, 'invalid_token');
    throw error;
  }
}

/** The issuer knows when a token ends, whether it says so or not. */
function endOf(claims: JsonObject, now: number, skew: number): number | undefined {
  if (claims.exp !== undefined) return lifeOf(claims, now, skew);
  lifeOf({ ...claims, exp: Math.ceil(now / 1_000) + 1 }, now, skew);
  return undefined;
}
