// Why a name is there or not, as far as the configuration says so, in words for people.

import type { OfferingOptions, OfferKind, Way } from './offering.ts';
import type { Namings, Offer } from './offers.ts';
import { KINDS } from './shares.ts';
import { type Callers, type Sight, sightOf } from './view.ts';

interface Said {
  readonly options: OfferingOptions;
  readonly offers: ReadonlyMap<string, Offer>;
  readonly namings: Namings;
  readonly rules: Sight;
}

/** The field of the configuration with the rules of a kind. */
const FIELD: Readonly<Record<OfferKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
};

export function reasonsOf(kind: OfferKind, name: string, said: Said): string[] {
  const { namings, options } = said;
  const naming = namings[kind];
  if (!naming) return ofUri(kind, name, said);
  const short = naming.maybeShort(name)
    ? ['it may be the short form of a longer name: only a list tells']
    : [];
  const candidates = naming.candidates(name);
  const which = candidates.length > 1 ? [collision(options.collisions)] : [];
  return [
    ...short,
    ...which,
    ...naming.replaced(name).map((other) => `${other.own} of ${other.upstream} is called ${other.name} here`),
    ...candidates.flatMap((way) => ofOne(kind, way, naming.full(way.upstream, way.own), said)),
  ];
}

function collision(policy: OfferingOptions['collisions'] = 'first'): string {
  if (policy === 'refuse')
    return 'if more than one upstream lists it, nobody’s is offered (collisions: refuse)';
  return `if more than one upstream lists it, it is the first one’s (collisions: ${policy})`;
}

function ofUri(kind: OfferKind, uri: string, said: Said): string[] {
  const ways = said.options.upstreams.map((upstream) => ({ upstream, own: uri }));
  return [
    ...new Set([...ways.flatMap((way) => byUpstream(kind, way, said)), ...byEndpoint(kind, uri, said)]),
  ];
}

function ofOne(kind: OfferKind, way: Way, full: string | undefined, said: Said): string[] {
  const override = kind === 'tools' ? said.offers.get(way.upstream)?.overrides.get(way.own) : undefined;
  const fixed = Object.keys(override?.arguments ?? {});
  return [
    ...byUpstream(kind, way, said),
    ...(full === undefined ? [] : byEndpoint(kind, full, said)),
    ...(fixed.length > 0
      ? [`arguments set by upstreams.${way.upstream}.overrides: ${fixed.join(', ')}`]
      : []),
  ];
}

function byUpstream(kind: OfferKind, { upstream, own }: Way, { offers }: Said): string[] {
  const passes = offers.get(upstream)?.sight[KINDS[kind].one]?.(own) ?? true;
  return passes ? [] : [`hidden by upstreams.${upstream}.${FIELD[kind]}`];
}

function byEndpoint(kind: OfferKind, full: string, { rules, options }: Said): string[] {
  const { path = '', views = [] } = options;
  const passes = rules[KINDS[kind].one]?.(full) ?? true;
  const seers = views.filter((view) => sightOf(view)[KINDS[kind].one]?.(full) ?? true);
  return [
    ...(passes ? [] : [`hidden by endpoints.${path}.${FIELD[kind]}`]),
    ...(views.length === 0
      ? []
      : [`seen by ${seers.map((view) => who(view.for)).join('; ') || 'nobody: no view has it'}`]),
  ];
}

function who(callers: Callers | undefined): string {
  const given = Object.entries(callers ?? {}).flatMap(([field, values]) =>
    values === undefined ? [] : [`${field} ${values.join(', ')}`],
  );
  return given.join(' and ') || 'everybody else';
}
