// What the claims of a verified token say: whose it is, for whom, until when. One that says it in a form of its own
// is refused, since every guess at what it means would be somebody's way in.

import type { Principal } from '../../src/plugin.ts';

export type Claims = Readonly<Record<string, unknown>>;

export type ClaimFault =
  | 'audience_wrong'
  | 'expired'
  | 'not_yet'
  | 'time_malformed'
  | 'type_wrong'
  | 'subject_malformed'
  | 'tenant_malformed'
  | 'scope_malformed'
  | 'groups_malformed';

export class ClaimError extends Error {
  constructor(readonly fault: ClaimFault) {
    super(fault);
  }
}

/** A member of the claims by its name, or by the names on the way to it. */
export type ClaimPath = string | readonly string[];

/** Where claims have what a principal is made of. */
export interface ClaimNames {
  readonly id: ClaimPath;
  readonly tenant?: ClaimPath | undefined;
  readonly groups?: ClaimPath | undefined;
  /** The first that is there. */
  readonly scopes: readonly ClaimPath[];
}

/** The end of the year 9999, in seconds: what is beyond is a mistake, or a trick. */
const LATEST = 253_402_300_799;

/**
 * Checks the times of a token. Milliseconds.
 * @returns until when it is good
 * @throws ClaimError
 */
export function lifeOf({ exp, nbf, iat }: Claims, now: number, skew: number): number {
  const end = secondsOf(exp) * 1_000 + skew;
  if (now >= end) throw new ClaimError('expired');
  for (const begin of [nbf, iat])
    if (begin !== undefined && secondsOf(begin) * 1_000 - skew > now) throw new ClaimError('not_yet');
  return end;
}

function secondsOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LATEST) return value;
  throw new ClaimError('time_malformed');
}

/** @throws ClaimError unless it is for one of `wanted`, letter by letter */
export function checkAudience({ aud }: Claims, wanted: readonly string[]): void {
  const all = typeof aud === 'string' ? [aud] : aud;
  const isList = Array.isArray(all) && all.every((each) => typeof each === 'string');
  if (!isList || !all.some((each) => wanted.includes(each))) throw new ClaimError('audience_wrong');
}

/**
 * Tokens for something else that the same keys sign: an ID token tells a client who is there, a refresh token is for
 * the issuer alone. Cognito says it in `token_use`, Keycloak in `typ`; `at_hash` and its like only ID tokens have.
 * @throws ClaimError
 */
export function checkUse(claims: Claims): void {
  const { token_use: use = 'access', typ: kind = 'Bearer' } = claims;
  const isAccess = use === 'access' && typeof kind === 'string' && /^(?:bearer|dpop|at\+jwt)$/i.test(kind);
  const isForClient = ['at_hash', 'c_hash', 's_hash'].some((name) => Object.hasOwn(claims, name));
  if (!isAccess || isForClient) throw new ClaimError('type_wrong');
}

/** Ids that mean something to the gateway. */
const RESERVED = ['anonymous', 'gateway'];

/** @throws ClaimError */
export function principalOf(claims: Claims, names: ClaimNames, issuer: string | undefined): Principal {
  const id = nameIn(claims, names.id, 'subject_malformed');
  if (issuer === undefined && RESERVED.includes(id)) throw new ClaimError('subject_malformed');
  const tenant = names.tenant === undefined ? undefined : nameIn(claims, names.tenant, 'tenant_malformed');
  const groups = names.groups === undefined ? undefined : groupsOf(memberOf(claims, names.groups));
  const said = names.scopes.map((name) => memberOf(claims, name)).find((value) => value !== undefined);
  return {
    // Two issuers may know different people by one name. A name of an issuer has no colon.
    id: issuer === undefined ? id : `${issuer}:${id}`,
    scopes: scopesOf(said),
    ...(tenant === undefined ? {} : { tenant }),
    ...(groups === undefined ? {} : { groups }),
  };
}

function memberOf(claims: Claims, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of typeof path === 'string' ? [path] : path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/** An identity: some text, without what a log or a header would take for something else. */
function nameIn(claims: Claims, path: ClaimPath, fault: ClaimFault): string {
  const value = memberOf(claims, path);
  const isName = typeof value === 'string' && value.length <= 256 && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(value);
  if (!isName || value.trim() !== value) throw new ClaimError(fault);
  return value;
}

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** As one text (RFC 8693 §4.2), or as a list. */
function scopesOf(value: unknown): string[] {
  if (value === undefined || value === '') return [];
  const scopes = typeof value === 'string' ? value.split(' ') : value;
  if (!Array.isArray(scopes) || !scopes.every((each) => typeof each === 'string' && SCOPE.test(each)))
    throw new ClaimError('scope_malformed');
  return [...new Set<string>(scopes)];
}

function groupsOf(value: unknown): string[] {
  if (value === undefined) return [];
  const groups = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(groups) || !groups.every((each) => typeof each === 'string' && each !== ''))
    throw new ClaimError('groups_malformed');
  return [...new Set<string>(groups)];
}
