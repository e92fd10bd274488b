// Whom a list is for: two callers share what is known of an upstream only if nothing that lists may depend on
// tells them apart.

import type { Exchange } from '../core/exchange.ts';
import { digest } from '../lib/digest.ts';

export interface Audience {
  /** This caller's. */
  readonly own: string;
  /** That of all who are like this one, in whatever session: outlives sessions and restarts. */
  readonly common: string;
}

/** What anybody may see. */
export const EVERYBODY = '';

export function audienceOf({ client, principal }: Exchange): Audience {
  const { id, tenant = '', scopes } = principal;
  const common = digest(
    JSON.stringify([client.era, client.version, client.capabilities.text, tenant, id, [...scopes].sort()]),
  );
  return { common, own: client.session ? `${common} ${client.session.key}` : common };
}
