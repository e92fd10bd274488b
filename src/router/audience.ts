// Whom a list is for: two callers share what is known of an upstream only if nothing that lists may depend on
// tells them apart.

import { ANONYMOUS } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import { passedOn } from '../core/passed-on.ts';
import { digest } from '../lib/digest.ts';
import type { Source } from './source.ts';

export interface Audience {
  /** This caller's. */
  readonly own: string;
  /** That of all who are like this one, in whatever session and by whatever credential: outlives these and restarts. */
  readonly common: string;
}

/** The same at one source: two that differ in what its upstream is told of them differ there. */
export function audienceAt({ senders }: Pick<Source, 'senders'>, x: Exchange): Audience {
  const { own, common } = audienceOf(x);
  const headers = passedOn(x.inbound.headers, [...senders, ...x.senders]);
  if (headers === '') return { own, common };
  const mark = `${APART}${digest(headers)}`;
  return { own: `${own}${mark}`, common: `${common}${mark}` };
}

/** Begins what an audience at a source has beyond that of everywhere. */
const APART = '#';

/** The audience of everywhere that one at a source belongs to. */
export function anywhere(audience: string): string {
  return audience.split(APART)[0] ?? audience;
}

/** What anybody may see. */
export const EVERYBODY = '';

export function audienceOf({ client, principal, inbound }: Exchange): Audience {
  const { id, tenant = '', scopes, groups = [] } = principal;
  const alike = digest(
    JSON.stringify([
      client.era,
      client.version,
      client.capabilities.text,
      tenant,
      id,
      scopes.toSorted(),
      groups.toSorted(),
    ]),
  );
  const credential = inbound.headers.get('authorization');
  // A session is one caller's, and what is sent on its behalf outside of calls has no headers.
  const mark = client.session?.key ?? (credential === null ? undefined : digest(credential));
  const own = mark === undefined ? alike : `${alike} ${mark}`;
  // As long as nobody has said who calls, the credential may be all that tells callers apart.
  const isKnown = credential === null || id !== ANONYMOUS.id;
  return { own, common: isKnown ? alike : own };
}
