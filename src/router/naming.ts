// The only code that makes names for clients, and takes them apart again. What upstreams really have decides
// elsewhere; here is what a name can mean. URIs are never touched.

import { joined, type NameTemplate, unjoined } from '../lib/name-template.ts';
import { maybeShort, shortName } from './short-name.ts';

/** Where one thing is: an upstream, and its name there. */
export interface Owned {
  readonly upstream: string;
  readonly own: string;
}

export interface NamingRules {
  /** In the order of the configuration. */
  readonly upstreams: readonly string[];
  /** Undefined where names stay as the upstreams have them. */
  readonly template: NameTemplate | undefined;
  /** Whether names that some clients would not take get a short form. */
  readonly shortens: boolean;
  /** Names of single tools on this endpoint, which stand for any other name of theirs. */
  readonly aliases?: ReadonlyMap<string, Owned> | undefined;
  /** New names of an upstream's tools, by their own; before any template. */
  readonly renames?: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined;
}

/** Names of tools, or of prompts, on one endpoint. */
export interface Naming {
  /**
   * The whole name for clients, by which rules judge it.
   * @returns undefined where the configuration has given that name to another tool
   */
  full(upstream: string, own: string): string | undefined;
  /** The name in lists, of the whole one. */
  shown(full: string): string;
  /** All that a name in a call can mean, in the order of the configuration, but for short forms. */
  candidates(shown: string): Owned[];
  /** What a name would mean but for the names that stand in its place, with those. */
  replaced(shown: string): (Owned & { readonly name: string })[];
  /** Whether it can be a short form. */
  maybeShort(shown: string): boolean;
}

export function createNaming({ upstreams, template, shortens, ...given }: NamingRules): Naming {
  const aliases = given.aliases ?? new Map<string, Owned>();
  const renames = given.renames ?? new Map<string, ReadonlyMap<string, string>>();
  const aliasOf = new Map([...aliases].map(([alias, { upstream, own }]) => [keyOf(upstream, own), alias]));
  const ownOf = new Map(
    [...renames].map(([upstream, names]) => [
      upstream,
      new Map([...names].map(([own, name]) => [name, own])),
    ]),
  );

  /** Of two tools of one upstream, the one that the configuration calls so has the name. */
  function base(upstream: string, own: string): string | undefined {
    const renamed = renames.get(upstream)?.get(own);
    if (renamed !== undefined) return renamed;
    return ownOf.get(upstream)?.has(own) ? undefined : own;
  }

  function full(upstream: string, own: string): string | undefined {
    const alias = aliasOf.get(keyOf(upstream, own));
    if (alias !== undefined) return alias;
    const name = base(upstream, own);
    const whole = name === undefined || !template ? name : joined(template, upstream, name);
    return whole === undefined || aliases.has(whole) ? undefined : whole;
  }

  const shown = (whole: string): string => (shortens && !aliases.has(whole) ? shortName(whole) : whole);

  function candidates(name: string): Owned[] {
    const alias = aliases.get(name);
    if (alias) return [alias];
    return upstreams.flatMap((upstream) => {
      const rest = template ? unjoined(template, upstream, name) : name;
      if (rest === undefined) return [];
      const own = ownOf.get(upstream)?.get(rest) ?? rest;
      const whole = full(upstream, own);
      return whole !== undefined && shown(whole) === name ? [{ upstream, own }] : [];
    });
  }

  function replaced(name: string): (Owned & { name: string })[] {
    return upstreams.flatMap((upstream) => {
      const own = template ? unjoined(template, upstream, name) : name;
      const whole = own === undefined ? undefined : full(upstream, own);
      if (own === undefined || whole === undefined || shown(whole) === name) return [];
      return [{ upstream, own, name: shown(whole) }];
    });
  }

  return { full, shown, candidates, replaced, maybeShort: (name) => shortens && maybeShort(name) };
}

/** Upstreams have names without white space. */
function keyOf(upstream: string, own: string): string {
  return `${upstream}\n${own}`;
}
