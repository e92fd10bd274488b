// Whom a list is for: two callers share what is known of an upstream only if nothing that lists may depend on
// tells them apart.

import { ANONYMOUS, identityKey } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import { passedOn } from '../core/passed-on.ts';
import { digest } from '../lib/digest.ts';
import { remembered } from '../lib/remembered.ts';
import { canonicalText } from '../protocol/canonical.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';

export interface Audience {
  /** This caller's. */
  readonly own: string;
  /** That of all who are like this one, in whatever session and by whatever credential: outlives these and restarts. */
  readonly common: string;
  /** The principal, in whatever way it comes. */
  readonly whose: string;
}

/** The same at one source: two that differ in what its upstream is told of them differ there. */
export function audienceAt({ senders }: Pick<Source, 'senders'>, x: Exchange): Audience {
  const audience = audienceOf(x);
  const { own, common } = audience;
  const headers = passedOn(x.inbound.headers, [...senders, ...x.senders]);
  if (headers === '') return audience;
  const mark = `${APART}${digest(headers)}`;
  return { ...audience, own: `${own}${mark}`, common: `${common}${mark}` };
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
  const { id, scopes, groups = [] } = principal;
  const whose = identityKey(principal);
  const alike = keyOf(
    JSON.stringify([
      client.era,
      client.version,
      textOf(client.capabilities),
      whose,
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
  return { own, common: isKnown ? alike : own, whose };
}

/** The same callers come again and again. */
const keyOf = remembered(digest);

const written = remembered(canonicalText);
const texts = new WeakMap<RawObject, string>();

/** The same for all ways to write it. */
function textOf(capabilities: RawObject): string {
  const text = texts.get(capabilities) ?? written(capabilities.text);
  texts.set(capabilities, text);
  return text;
}

/** Whether all who are like one another share it: what is for one session or credential alone ends with that. */
export function isShared(audience: string): boolean {
  return !audience.includes(' ');
}
