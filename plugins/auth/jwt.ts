// Tokens that an issuer has signed (JWT): verified by its keys, for this endpoint, and read as a principal.

import { compactVerify, errors, type JWSHeaderParameters } from 'jose';
import { type Attempt, type Fault, type Host, type Method, refused, type Verdict } from './attempt.ts';
import { ClaimError, type Claims, checkAudience, lifeOf } from './claims.ts';
import { looksLikeJwt, type Parts, partsOf, ShapeError } from './compact.ts';
import type { Issuer } from './issuers.ts';
import { type KeySet, KeySource, KeysUnavailable } from './key-source.ts';
import { audiencesOf, foundBy } from './token.ts';
import { Verified } from './verified.ts';

interface Known {
  readonly issuer: Issuer;
  readonly keys: KeySource;
}

/** A token whose signature held. What depends on the time or on the request is no part of it. */
interface Signed {
  readonly by: Known;
  readonly claims: Claims;
  /** Those that it held by: it holds by no others. */
  readonly keys: KeySet;
}

interface Judging {
  readonly known: ReadonlyMap<string, Known>;
  /** Characters. */
  readonly longest: number;
  /** Of this entry with these options alone. Only good ones: a bad one is looked at anew, so it takes no room. */
  readonly seen: Verified<Signed>;
}

/** @param most how many verified tokens are remembered */
export function jwtMethod(issuers: readonly Issuer[], most: number, host: Host): Method {
  const known = new Map<string, Known>(
    issuers.map((issuer) => {
      // With other options it is another source: what was fetched for one is nothing to the other.
      const key = `keys ${JSON.stringify([issuer.issuer, issuer.jwks_uri, issuer.keys, issuer.fetch, issuer.ca])}`;
      return [issuer.issuer, { issuer, keys: host.keep(key, () => new KeySource(issuer, host)) }];
    }),
  );
  const longest = Math.max(...issuers.map(({ token_size: size }) => size));
  const seen = new Verified<Signed>({ most, onFull: () => host.limitHit('verified_tokens') });
  return {
    name: 'jwt',
    async verify(attempt) {
      const { scheme, credentials: token = '' } = attempt.authorization ?? {};
      if ((scheme !== 'bearer' && scheme !== 'dpop') || !looksLikeJwt(token)) return undefined;
      try {
        return await verified(token, attempt, { known, longest, seen });
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
async function verified(token: string, attempt: Attempt, judging: Judging): Promise<Verdict> {
  const before = await remembered(token, attempt, judging);
  if (before) {
    const { by, claims } = before;
    return foundBy(by.issuer, { claims, token, ...boundsOf(by, claims, attempt) });
  }
  const { known, longest, seen } = judging;
  const { header, claims } = partsOf(token, longest);
  const by = typeof claims.iss === 'string' ? known.get(claims.iss) : undefined;
  if (!by) return refused('issuer_unknown', 'invalid_token');
  const { issuer } = by;
  if (token.length > issuer.token_size) throw new ShapeError('too_long');
  checkType(header, issuer);
  // Before its signature, so that nobody makes the issuer be asked with a token that is good for nothing.
  const bounds = boundsOf(by, claims, attempt);
  const keys = await signedBy(token, by);
  const found = foundBy(issuer, { claims, token, ...bounds });
  seen.set(token, { by, claims, keys }, bounds.expires, attempt.now);
  return found;
}

/** The keys, one of which has signed it. @throws as above */
async function signedBy(token: string, { issuer, keys }: Known): Promise<KeySet> {
  const asked = Promise.withResolvers<KeySet>();
  const key = async (header: JWSHeaderParameters): Promise<CryptoKey> => {
    const found = await keys.find(header);
    asked.resolve(found.keys);
    return found.key;
  };
  await compactVerify(token, key, { algorithms: [...issuer.algorithms] });
  return asked.promise;
}

/** What is known of a token, as long as the keys that its issuer has now are those that it was verified by. */
async function remembered(token: string, { now }: Attempt, { seen }: Judging): Promise<Signed | undefined> {
  const signed = seen.get(token, now);
  return signed && (await signed.by.keys.inForce()) === signed.keys ? signed : undefined;
}

/** For whom and until when, judged for each request. @throws ClaimError */
function boundsOf(
  { issuer }: Known,
  claims: Claims,
  attempt: Attempt,
): { readonly audiences: readonly string[]; readonly expires: number } {
  const audiences = audiencesOf(issuer, attempt);
  checkAudience(claims, audiences);
  return { audiences, expires: lifeOf(claims, attempt.now, issuer.skew) };
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
