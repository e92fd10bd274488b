// Metadata of protected resources (RFC 9728): what tells a client of an endpoint where it gets a token for it.

import type { Page, PageRequest, ServedEndpoint } from '../../src/plugin.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Where the metadata of a resource is: between its host and its path (RFC 9728 §3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}`;
}

export interface Described {
  readonly issuers: readonly string[];
  readonly scopes: readonly string[];
  /** Algorithms of DPoP proofs; undefined where there are none. */
  readonly dpop?: { readonly algorithms: readonly string[]; readonly isRequired: boolean } | undefined;
}

/** @returns nothing for a path that is none of theirs, or where nobody has said the public URL */
export function metadataPage(
  { path }: Pick<PageRequest, 'path'>,
  endpoints: readonly ServedEndpoint[],
  described: Described,
): Page | undefined {
  const resource = resourceAt(path, endpoints);
  if (resource === undefined) return undefined;
  const { issuers, scopes, dpop } = described;
  const document = {
    resource,
    authorization_servers: issuers,
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(dpop && {
      dpop_signing_alg_values_supported: dpop.algorithms,
      dpop_bound_access_tokens_required: dpop.isRequired,
    }),
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
    body: JSON.stringify(document),
  };
}

/**
 * The resource whose metadata is asked for: its path behind the well-known one, or before it. A path that a proxy in
 * front takes away is known by the public URL. Without a path it is the only endpoint, if it is.
 */
function resourceAt(path: string, endpoints: readonly ServedEndpoint[]): string | undefined {
  const known = endpoints.filter((each) => each.url !== undefined);
  const own = known.find(({ path: at, url = '' }) =>
    [at, new URL(url).pathname].some((place) =>
      [WELL_KNOWN + (place === '/' ? '' : place), place.replace(/\/$/, '') + WELL_KNOWN].includes(path),
    ),
  );
  if (own) return own.url;
  const main = known.filter(({ path: at, endpoint }) => at === endpoint);
  return path === WELL_KNOWN && main.length === 1 ? main[0]?.url : undefined;
}
