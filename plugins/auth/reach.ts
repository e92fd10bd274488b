// Whether issuers are there and have keys, asked before anybody calls: for `sluice check --connect`.

import { createLocalJWKSet } from 'jose';
import type { OptionProblem } from '../../src/plugin.ts';
import { RemoteFault } from '../remote/fetch.ts';
import { fetchJson } from '../remote/fetch-json.ts';
import { DiscoveryError, discover } from './discovery.ts';
import type { Issuer } from './issuers.ts';

const WHY: Readonly<Record<DiscoveryError['reason'], string>> = {
  issuer_mismatch: 'its metadata is that of an issuer of another name',
  no_jwks_uri: 'its metadata names no place of keys that could be used',
  not_found: 'it has no metadata where an issuer has it',
};

/** What is wrong with each, by where it stands in the options. */
export async function reachIssuers(issuers: readonly Issuer[]): Promise<OptionProblem[]> {
  const found = await Promise.all(issuers.map(faultOf));
  return found.flatMap((message, at) =>
    message === undefined ? [] : [{ path: ['issuers', at, 'issuer'], message: `no keys of it: ${message}` }],
  );
}

async function faultOf({ issuer, jwks_uri, fetch, ca }: Issuer): Promise<string | undefined> {
  const limits = { ...fetch, ca };
  try {
    const place =
      jwks_uri ??
      (await discover(
        issuer,
        () => limits,
        () => {},
      ));
    createLocalJWKSet((await fetchJson(place, limits)) as never);
    return undefined;
  } catch (error) {
    if (error instanceof DiscoveryError) return WHY[error.reason];
    return error instanceof RemoteFault ? error.message : 'what it answers are no keys';
  }
}
