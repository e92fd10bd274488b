// Tokens that are bound to a key (RFC 7800 `cnf`): by a proof beside them (DPoP), or by the certificate of the
// connection (RFC 8705). A bound token without its key is worth nothing, whichever way it is sent.

import { createHash } from 'node:crypto';
import { isSame } from '../signatures/message.ts';
import {
  type Attempt,
  type Binding,
  type DpopMode,
  type Refused,
  refused,
  type Unavailable,
} from './attempt.ts';
import type { Dpop } from './dpop.ts';

const THUMBPRINT = /^[\w-]{43}$/;

/**
 * What the claim `cnf` of a token says.
 * @returns `unknown` when it says anything that is not known here: then nobody can tell whose the token is
 */
export function bindingOf(cnf: unknown): Binding | 'unknown' {
  if (cnf === undefined) return {};
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return 'unknown';
  const { jkt, 'x5t#S256': x5t, ...unknown } = cnf as Record<string, unknown>;
  if (Object.keys(unknown).length > 0 || (jkt === undefined && x5t === undefined)) return 'unknown';
  for (const each of [jkt, x5t])
    if (each !== undefined && !(typeof each === 'string' && THUMBPRINT.test(each))) return 'unknown';
  return { jkt: jkt as string | undefined, x5t: x5t as string | undefined };
}

export interface Presented {
  readonly token: string;
  /** Of the header Authorization. */
  readonly scheme: 'bearer' | 'dpop';
  readonly binding: Binding | 'unknown';
}

/** @returns why a token that is good in itself is refused all the same */
export async function unproven(
  attempt: Attempt,
  { token, scheme, binding }: Presented,
  dpop: Dpop,
  mode: DpopMode,
): Promise<Refused | Unavailable | undefined> {
  const fault = (reason: string): Refused => refused(reason, 'invalid_token');
  if (binding === 'unknown') return fault('binding_unknown');
  const { jkt, x5t } = binding;
  // A proof that fits no token proves nothing (RFC 9449 §7.1), and a bound token is no bearer token (§7.2).
  if (jkt === undefined && (scheme === 'dpop' || mode === 'required')) return fault('not_bound');
  if (jkt !== undefined && (scheme === 'bearer' || mode === 'off')) return fault('bound_token_as_bearer');
  if (x5t !== undefined) {
    const certificate = attempt.peer()?.tls;
    if (!certificate?.authorized) return fault('certificate_missing');
    if (!isSame(thumbprintOf(certificate.raw()), x5t)) return fault('certificate_of_another');
  }
  return jkt === undefined ? undefined : dpop.judge(attempt, token, jkt);
}

const thumbprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('base64url');
