// Tokens that an issuer has signed (JWT): verified by its keys, for this endpoint, and read as a principal.

import { compactVerify, errors } from 'jose';
import { type Attempt, type Fault, type Host, type Method, refused, type Verdict } from './attempt.ts';
import { ClaimError, checkAudience, lifeOf } from './claims.ts';
import { looksLikeJwt, type Parts, partsOf, ShapeError } from './compact.ts';
import type { Issuer } from './issuers.ts';
import { KeySource, KeysUnavailable } from './key-source.ts';
import { audiencesOf, foundBy } from './token.ts';

interface Known {
  readonly issuer: Issuer;
  readonly keys: KeySource;
}

export function jwtMethod(issuers: readonly Issuer[], host: Host): Method {
  const known = new Map<string, Known>(
    issuers.map((issuer) => {
      // With other options it is another source: what was fetched for one is nothing to the other.
      const key = `keys ${JSON.stringify([issuer.issuer, issuer.jwks_uri, issuer.keys, issuer.fetch])}`;
      return [issuer.issuer, { issuer, keys: host.keep(key, () => new KeySource(issuer, host)) }];
    }),
  );
  const longest = Math.max(...issuers.map(({ token_size: size }) => size));
  return {
    name: 'jwt',
    async verify(attempt) {
      const { scheme, credentials: token = '' } = attempt.authorization ?? {};
      if ((scheme !== 'bearer' && scheme !== 'dpop') || !looksLikeJwt(token)) return undefined;
      try {
        return await verified(token, attempt, known, longest);
      } catch (error) {
        if (error instanceof KeysUnavailable)
          return { kind: 'unavailable', reason: 'keys_unavailable', retryAfterMs: error.retryAfterMs };
        const reason = reasonOf(error);
        if (reason === 'too_long') host.count('limit', { kind: 'token_size' });
        return refused(reason, 'invalid_token' satisfies Fault);
      }
    },
  };
}

/** @throws ShapeError, ClaimError, KeysUnavailable, or an error of jose */
async function verified(
  token: string,
  attempt: Attempt,
  known: ReadonlyMap<string, Known>,
  longest: number,
): Promise<Verdict> {
  const { header, claims } = partsOf(token, longest);
  const by = typeof claims.iss === 'string' ? known.get(claims.iss) : undefined;
  if (!by) return refused('issuer_unknown', 'invalid_token');
  const { issuer, keys } = by;
  if (token.length > issuer.token_size) throw new ShapeError('too_long');
  checkType(header, issuer);
  // Before its signature, so that nobody makes the issuer be asked with a token that is good for nothing.
  const audiences = audiencesOf(issuer, attempt);
  checkAudience(claims, audiences);
  const expires = lifeOf(claims, attempt.now, issuer.skew);
  await compactVerify(token, keys.get as never, { algorithms: [...issuer.algorithms] });
  return foundBy(issuer, { claims, token, audiences, expires });
}

/** What a header says that the token is: nothing, `JWT`, or an access token (RFC 9068 §2.1). */
function checkType({ typ }: Parts['header'], { typ: wanted }: Issuer): void {
  const said = String(typ ?? '')
    .toLowerCase()
    .replace(/^application\//, '');
  if (said !== 'at+jwt' && (wanted === 'at+jwt' || (said !== '' && said !== 'jwt')))
    throw new ShapeError('type_wrong');
}

/** A word of a closed list. */
function reasonOf(error: unknown): string {
  if (error instanceof ShapeError || error instanceof ClaimError) return error.fault;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature_wrong';
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return 'algorithm_refused';
  if (error instanceof errors.JWKSNoMatchingKey) return 'key_unknown';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'key_ambiguous';
  return error instanceof errors.JOSEError ? 'malformed' : 'key_unusable';
}
