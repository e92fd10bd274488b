// What the configuration says of single upstreams, on every endpoint, made ready: rules as tests, overrides by name.

import type { Test } from '../lib/glob.ts';
import { createNaming, type Naming, type NamingRules } from './naming.ts';
import type { OfferKind } from './offering.ts';
import type { Override } from './override.ts';
import type { Rules } from './rules.ts';
import { type Sight, sightOf } from './view.ts';

/** As it is written. */
export interface OfferOptions {
  readonly tools?: Rules | undefined;
  readonly prompts?: Rules | undefined;
  readonly resources?: Rules | undefined;
  /** By the upstream's own names. */
  readonly overrides?: Readonly<Record<string, Override>> | undefined;
  /** What stands in front of its URIs here, and not at the upstream, by whose own its rules are. */
  readonly wrapper?: string | undefined;
}

export interface Offer {
  readonly sight: Sight;
  readonly overrides: ReadonlyMap<string, Override>;
  /** A URI as its upstream has it. */
  bare(uri: string): string;
}

/** None for what has a URI. */
export type Namings = Readonly<Record<OfferKind, Naming | undefined>>;

/** Those of the upstreams of one endpoint. */
export function createOffers(
  upstreams: readonly string[],
  options: ReadonlyMap<string, OfferOptions> = new Map(),
): ReadonlyMap<string, Offer> {
  return new Map(
    upstreams.map((upstream) => {
      const offer = options.get(upstream) ?? {};
      const { wrapper = '' } = offer;
      const bare = (uri: string): string => (uri.startsWith(wrapper) ? uri.slice(wrapper.length) : uri);
      const overrides = new Map(Object.entries(offer.overrides ?? {}));
      return [upstream, { sight: bareSight(sightOf(offer), bare), overrides, bare }];
    }),
  );
}

function bareSight(sight: Sight, bare: Offer['bare']): Sight {
  const ofUri = (test: Test | undefined): Test | undefined => test && ((uri) => test(bare(uri)));
  return { ...sight, resource: ofUri(sight.resource), template: ofUri(sight.template) };
}

export function sightsOf(offers: ReadonlyMap<string, Offer>): readonly Sight[] {
  return [...offers.values()].map(({ sight }) => sight);
}

/** Whether none of it hides or changes anything. */
export function isPlain(offers: ReadonlyMap<string, Offer>): boolean {
  const tests = sightsOf(offers).flatMap((sight) => Object.values(sight));
  return (
    tests.every((test) => test === undefined) &&
    [...offers.values()].every(({ overrides }) => overrides.size === 0)
  );
}

/** New names and aliases are for tools. */
export function createNamings(rules: NamingRules, offers: ReadonlyMap<string, Offer>): Namings {
  const { aliases: _, ...plain } = rules;
  const renames = new Map(
    [...offers].map(([upstream, { overrides }]) => [
      upstream,
      new Map(
        [...overrides].flatMap(([own, { name }]) =>
          name === undefined || name === own ? [] : [[own, name]],
        ),
      ),
    ]),
  );
  return {
    tools: createNaming({ ...rules, renames }),
    prompts: createNaming(plain),
    resources: undefined,
    resourceTemplates: undefined,
  };
}
