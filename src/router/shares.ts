// One upstream's share of a list as an endpoint shows it, were it alone: what of it is there, changed where the
// configuration says so, under names for clients.

import type { RawObject } from '../protocol/raw.ts';
import type { Offered, OfferKind, Part } from './offering.ts';
import type { Namings, Offer } from './offers.ts';
import { overridden, unknownArguments } from './override.ts';
import type { Remark } from './remarks.ts';

/** The member of an item by which it is asked for, and the word of rules for it. */
export const KINDS = {
  tools: { name: 'name', one: 'tool' },
  prompts: { name: 'name', one: 'prompt' },
  resources: { name: 'uri', one: 'resource' },
  resourceTemplates: { name: 'uriTemplate', one: 'template' },
} as const;

export interface Sharing {
  readonly namings: Namings;
  readonly offers: ReadonlyMap<string, Offer>;
  readonly remark: Remark;
}

/** The same items give the same share, which is remembered for as long as they are. */
export function createShares(sharing: Sharing): (kind: OfferKind, part: Part) => readonly Offered[] {
  const known = new WeakMap<readonly RawObject[], Map<string, readonly Offered[]>>();
  return (kind, part) => {
    const key = `${kind} ${part.upstream}`;
    const shares = known.get(part.items) ?? new Map<string, readonly Offered[]>();
    known.set(part.items, shares);
    const share = shares.get(key) ?? shareOf(kind, part, sharing);
    shares.set(key, share);
    return share;
  };
}

function shareOf(
  kind: OfferKind,
  { upstream, items }: Part,
  { namings, offers, remark }: Sharing,
): Offered[] {
  const { name: member, one } = KINDS[kind];
  const offer = offers.get(upstream);
  const passes = offer?.sight[one];
  const naming = namings[kind];
  const listed = new Set<string>();
  const share = items.flatMap((item): Offered[] => {
    const own = item.string(member);
    // What has no name can be asked for by nobody.
    if (own === undefined) return [];
    listed.add(own);
    if (passes && !passes(own)) return [];
    if (!naming) return [{ kind, upstream, own, name: own, full: own, item }];
    const full = naming.full(upstream, own);
    if (full === undefined) {
      remark('warn', `the tool ${own} of ${upstream} is not offered: its name is given to another`, {
        upstream,
        name: own,
      });
      return [];
    }
    const name = naming.shown(full);
    const shown = kind === 'tools' ? changed(item, upstream, own, offer, remark) : item;
    return [{ kind, upstream, own, name, full, item: shown.with({ name }) }];
  });
  if (kind === 'tools') missing(upstream, listed, offer, remark);
  return share;
}

function changed(
  item: RawObject,
  upstream: string,
  own: string,
  offer: Offer | undefined,
  remark: Remark,
): RawObject {
  const override = offer?.overrides.get(own);
  if (!override) return item;
  for (const argument of unknownArguments(item, override))
    remark('warn', `overrides: the tool ${own} of ${upstream} has no argument ${argument}`, {
      upstream,
      name: own,
    });
  return overridden(item, override);
}

function missing(
  upstream: string,
  listed: ReadonlySet<string>,
  offer: Offer | undefined,
  remark: Remark,
): void {
  for (const own of offer?.overrides.keys() ?? [])
    if (!listed.has(own))
      remark('warn', `overrides: ${upstream} has no tool ${own}`, { upstream, name: own });
}
