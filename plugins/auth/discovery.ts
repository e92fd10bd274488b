// Where an issuer has its keys, by its own metadata. It is believed only if it says of itself what it was asked as.

import { type FetchOptions, isAsSafe, RemoteFault } from '../remote/fetch.ts';
import { fetchJson, StatusFault } from '../remote/fetch-json.ts';

/** Where metadata may be, in the order of 2026-07-28 authorization §Authorization Server Metadata Discovery. */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`;
  const inserted = `${origin}/.well-known/openid-configuration${path}`;
  return path === ''
    ? [oauth, inserted]
    : [oauth, inserted, `${origin}${path}/.well-known/openid-configuration`];
}

/** Metadata of an issuer that cannot be used. */
export class DiscoveryError extends Error {
  constructor(readonly reason: 'issuer_mismatch' | 'no_jwks_uri' | 'not_found') {
    super(reason);
  }
}

/**
 * @returns its `jwks_uri`
 * @throws DiscoveryError, RemoteFault
 */
export async function discover(
  issuer: string,
  limits: () => FetchOptions,
  count: (outcome: string) => void,
): Promise<string> {
  for (const url of metadataUrls(issuer)) {
    const metadata = await metadataAt(url, limits, count);
    if (metadata === undefined) continue;
    if (metadata.issuer !== issuer) throw new DiscoveryError('issuer_mismatch');
    const { jwks_uri: uri } = metadata;
    if (typeof uri !== 'string' || !isAsSafe(uri, issuer)) throw new DiscoveryError('no_jwks_uri');
    return uri;
  }
  throw new DiscoveryError('not_found');
}

/** Undefined where there is none: a server that is away may have it. */
async function metadataAt(url: string, limits: () => FetchOptions, count: (outcome: string) => void) {
  try {
    const metadata = await fetchJson(url, limits());
    count('ok');
    return metadata;
  } catch (error) {
    const isAbsent = error instanceof StatusFault && error.status >= 400 && error.status < 500;
    count(isAbsent ? 'absent' : error instanceof RemoteFault ? error.reason : 'unreachable');
    if (isAbsent) return undefined;
    throw error;
  }
}
