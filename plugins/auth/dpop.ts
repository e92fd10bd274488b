// Proofs of possession (RFC 9449): that who sends a token has the key it is bound to. Judges a proof against the
// request it came with and the token beside it; what the token says is judged elsewhere.

import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { duration, z } from '../../src/plugin.ts';
import { isSame } from '../signatures/message.ts';
import type { Nonces } from '../signatures/nonces.ts';
import type { Attempt, Fault, Refused, Unavailable } from './attempt.ts';
import type { Freshness } from './freshness.ts';

/** Of the registry of JOSE, those with a private key. */
const ALGORITHMS = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'],
] as const;

export const dpopSchema = z
  .strictObject({
    algorithms: z
      .array(z.enum(ALGORITHMS))
      .min(1)
      .meta({ description: 'What a proof may be signed with.' })
      .prefault(['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']),
    window: duration('60s', { description: 'How far the time of a proof may be from the clock.' }, 1_000),
    nonce: z
      .enum(['off', 'required'])
      .meta({
        description: 'Whether a proof has to have a nonce of the gateway, which ends after `nonce_age`.',
      })
      .prefault('off'),
    nonce_age: duration('5m', { description: 'How long a nonce of the gateway is good.' }, 1_000),
    nonce_key: z.string().min(32, 'must have at least 32 characters').optional().meta({
      description:
        'Gateways with the same one take the nonces of each other. Write a reference. Default: one of its own, until the gateway ends.',
    }),
    proofs: z
      .int()
      .min(1)
      .meta({ description: 'Most proofs remembered, in all; beyond that, bound tokens are refused.' })
      .prefault(500_000),
    proofs_per_key: z
      .int()
      .min(1)
      .meta({ description: 'Most proofs remembered for one key.' })
      .prefault(50_000),
  })
  .meta({ description: 'How proofs of possession (RFC 9449) are judged.' });

export type DpopOptions = Pick<z.output<typeof dpopSchema>, 'algorithms' | 'window'>;

export interface Dpop {
  /**
   * Judges the proof that came with a token.
   * @param jkt the key the token is bound to
   * @returns why it is refused
   */
  judge(attempt: Attempt, token: string, jkt: string): Promise<Refused | Unavailable | undefined>;
}

export interface DpopParts {
  readonly proofs: Nonces;
  /** Makes and takes nonces; undefined where none are wanted. */
  readonly nonces: Freshness | undefined;
  /**
   * The requests whose proof held, as long as anything of them is there: a subscription is judged anew after a reload,
   * by which time its proof is old and its id known.
   */
  readonly proven: WeakMap<Headers, string>;
}

/** Why a proof is refused, for the log. */
export type ProofFault =
  | 'proof_missing'
  | 'proof_invalid'
  | 'proof_without_id'
  | 'proof_of_other_method'
  | 'proof_of_other_url'
  | 'proof_of_other_token'
  | 'proof_of_other_key'
  | 'proof_too_old'
  | 'proof_too_new'
  | 'proof_nonce'
  | 'proof_replayed'
  | 'url_unknown';

const LONGEST = { proof: 8_192, jti: 512 } as const;

export function createDpop({ algorithms, window }: DpopOptions, { proofs, nonces, proven }: DpopParts): Dpop {
  return {
    async judge(attempt, token, jkt) {
      const { headers, now } = attempt;
      if (proven.get(headers) === jkt) return undefined;
      const text = headers.get('dpop');
      if (text === null) return refused('proof_missing');
      const isPlain = text.length <= LONGEST.proof && text.split('.').every(isCanonical);
      const proof = isPlain ? await read(text, algorithms, attempt.now, window) : undefined;
      if (!proof) return refused('proof_invalid');
      const fault = faultOf(proof, attempt, token, window);
      if (fault) return refused(fault);
      if (!isSame(proof.jkt, jkt)) return refused('proof_of_other_key');
      if (nonces && !nonces.isFresh(proof.claims.nonce, now))
        return refused('proof_nonce', 'use_dpop_nonce', { 'dpop-nonce': nonces.make(now) });
      // Last: a proof that does not hold must not use up its id.
      const taken = proofs.take(`dpop ${jkt}`, hash(String(proof.claims.jti)), 2 * window, now);
      if (taken === 'full') return { kind: 'unavailable', reason: 'proofs_full' };
      if (taken === 'seen') return refused('proof_replayed');
      proven.set(headers, jkt);
      return undefined;
    },
  };
}

function refused(
  reason: ProofFault,
  error: Fault = 'invalid_dpop_proof',
  headers: Readonly<Record<string, string>> = {},
): Refused {
  return { kind: 'refused', reason, error, headers };
}

/** One spelling of the same bytes is taken, and no other. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

interface Proof {
  readonly claims: JWTPayload & { readonly [claim: string]: unknown };
  /** The thumbprint of its key. */
  readonly jkt: string;
}

/** @returns the proof, if it is one and its own key has signed it */
async function read(
  text: string,
  algorithms: readonly string[],
  now: number,
  window: number,
): Promise<Proof | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(text, EmbeddedJWK, {
      algorithms: [...algorithms],
      typ: 'dpop+jwt',
      currentDate: new Date(now),
      clockTolerance: window / 1_000,
    });
    if (protectedHeader.typ !== 'dpop+jwt') return undefined;
    return { claims: payload, jkt: await calculateJwkThumbprint(protectedHeader.jwk as JWK, 'sha256') };
  } catch {
    return undefined;
  }
}

function faultOf(
  { claims }: Proof,
  { method, url, now }: Attempt,
  token: string,
  window: number,
): ProofFault | undefined {
  const { jti, htm, htu, iat, ath } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST.jti) return 'proof_without_id';
  if (htm !== method) return 'proof_of_other_method';
  if (url === undefined) return 'url_unknown';
  if (typeof htu !== 'string' || placeOf(htu) !== placeOf(url)) return 'proof_of_other_url';
  if (typeof iat !== 'number') return 'proof_invalid';
  if (iat * 1_000 < now - window) return 'proof_too_old';
  if (iat * 1_000 > now + window) return 'proof_too_new';
  if (typeof ath !== 'string' || !isSame(ath, hash(token))) return 'proof_of_other_token';
  return undefined;
}

/** The URL as RFC 9449 §4.3 compares it: normalized, without query and fragment. */
function placeOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, host, pathname } = new URL(text);
  if (username !== '' || password !== '') return undefined;
  return `${protocol}//${host}${pathname.replace(/%[0-9a-f]{2}/gi, (byte) => byte.toUpperCase())}`;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
