// What an endpoint offers of its upstreams' lists, and under which names. It asks nobody, so that one view of the same
// lists is made once and serves lists, calls, look-ups and comparisons alike.

import { messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { digest } from '../lib/digest.ts';
import type { Test } from '../lib/glob.ts';
import type { NameTemplate } from '../lib/name-template.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';
import { type Collisions, withoutCollisions } from './collisions.ts';
import type { NamingRules, Owned } from './naming.ts';
import {
  createNamings,
  createOffers,
  isPlain,
  type Namings,
  type Offer,
  type OfferOptions,
  sightsOf,
} from './offers.ts';
import { reasonsOf } from './reasons.ts';
import { createRemarks, type Remarks } from './remarks.ts';
import { createShares, KINDS } from './shares.ts';
import { createViews, type Sight, sightOf, type View } from './view.ts';

/** What has an owner; tasks are named one by one. */
export type OfferKind = Exclude<ListKind, 'tasks'>;

/** What one upstream lists of a kind, verbatim and in its order. */
export interface Part {
  readonly upstream: string;
  readonly items: readonly RawObject[];
}

/** One thing as clients of the endpoint see it. */
export interface Offered {
  readonly kind: OfferKind;
  readonly upstream: string;
  /** Its name or URI at the upstream. */
  readonly own: string;
  /** The same as clients know it; unique within its kind. */
  readonly name: string;
  /** The name before it was made short, by which rules judge it. */
  readonly full: string;
  /** As it is listed to clients. */
  readonly item: RawObject;
}

/** Where a name leads that says so by itself. */
export type Way = Pick<Offered, 'upstream' | 'own'>;

/** What somebody asks for. */
export type Asked = Pick<Offered, 'upstream' | 'own' | 'name'>;

export interface Offering {
  /** One upstream under its own names and nothing held back: everything passes as it is, pages and cursors too. */
  readonly transparent: boolean;
  /** Two offerings with the same offer the same. */
  readonly id: string;
  /** The same for nobody in particular: without views, and without a budget. */
  readonly whole: Offering;
  /** Callers with the same key are offered the same of the same lists. */
  key(x: Exchange): string;
  /** In the order of the parts, which is that of the configuration, and then of their items. */
  offered(kind: OfferKind, parts: readonly Part[], x: Exchange): readonly Offered[];
  /**
   * The way of a name, where no list is needed to find it.
   * @returns undefined where only lists can tell
   */
  way(kind: OfferKind, name: string): Way | 'nowhere' | undefined;
  /** Whether something of the kind may be hidden from a caller: then what is unknown must be found out here, too. */
  hides(kind: OfferKind, x: Exchange): boolean;
  /** Whether this exchange may know of it, if it is there: by the rules of URIs, and by what plugins say. */
  sees(kind: OfferKind, thing: Asked, x: Exchange): boolean;
  /** Arguments of a tool that are set here. */
  fixed(way: Way): JsonObject | undefined;
  /** What the configuration says of a name, for people; the lists are not looked at. */
  reasons(kind: OfferKind, name: string): readonly string[];
  /** What somebody should know of the lists seen so far. */
  remarks(): readonly string[];
}

export interface OfferingOptions extends Omit<View, 'for'> {
  readonly path?: string;
  /** In the order of the configuration. */
  readonly upstreams: readonly string[];
  /** Undefined where names stay as the upstreams have them. */
  readonly template?: NameTemplate | undefined;
  readonly shortNames?: boolean;
  readonly aliases?: readonly (Owned & { readonly name: string })[];
  readonly collisions?: Collisions;
  readonly maxTools?: number | undefined;
  readonly views?: readonly View[];
  /** By upstream. */
  readonly offers?: ReadonlyMap<string, OfferOptions>;
}

/** What an endpoint's options come to. */
interface Terms {
  readonly options: OfferingOptions;
  readonly host: Host | undefined;
  readonly offers: ReadonlyMap<string, Offer>;
  readonly namings: Namings;
  readonly rules: Sight;
  readonly views: ReturnType<typeof createViews>;
  readonly share: ReturnType<typeof createShares>;
  readonly remarks: Remarks;
}

/** @param host for what should be known of the lists */
export function createOffering(options: OfferingOptions, host?: Host): Offering {
  const offers = createOffers(options.upstreams, options.offers);
  const namings = createNamings(namingRules(options), offers);
  const remarks = createRemarks(host, options.path ?? '');
  const views = createViews(options.views ?? []);
  const share = createShares({ namings, offers, remark: remarks.remark });
  const terms: Terms = { options, host, offers, namings, rules: sightOf(options), views, share, remarks };
  const hidden = new Set((Object.keys(KINDS) as OfferKind[]).filter((kind) => canHide(kind, terms)));
  const common = {
    id: digest(JSON.stringify({ ...options, offers: [...(options.offers ?? [])] })),
    transparent: options.upstreams.length === 1 && isPlain(offers) && leavesAlone(options),
    way: (kind: OfferKind, name: string) => wayOf(kind, name, terms),
    hides: (kind: OfferKind, x: Exchange) => x.isNarrowed || hidden.has(kind),
    fixed: ({ upstream, own }: Way) => offers.get(upstream)?.overrides.get(own)?.arguments,
    reasons: (kind: OfferKind, name: string) => reasonsOf(kind, name, terms),
    remarks: remarks.all,
  };
  const whole: Offering = {
    ...common,
    get whole() {
      return whole;
    },
    key: () => '',
    offered: (kind, parts) => everything(kind, parts, terms),
    sees: (kind, thing, x) => passesRules(kind, thing, terms) && shows(kind, thing, x, terms),
  };
  const { maxTools } = options;
  if (!views && maxTools === undefined) return whole;
  const sightFor = (kind: OfferKind, x: Exchange): Test | undefined =>
    views?.(x.principal).sight[KINDS[kind].one];
  return {
    ...common,
    whole,
    key: (x) => views?.(x.principal).key ?? '',
    offered(kind, parts, x) {
      const seen = filtered(everything(kind, parts, terms), sightFor(kind, x));
      return kind === 'tools' ? withinBudget(seen, terms) : seen;
    },
    sees: (kind, thing, x) =>
      whole.sees(kind, thing, x) && (kind !== 'resources' || (sightFor(kind, x)?.(thing.name) ?? true)),
  };
}

function everything(kind: OfferKind, parts: readonly Part[], terms: Terms): readonly Offered[] {
  const { namings, options, rules, share, remarks } = terms;
  const settling = { policy: options.collisions ?? 'first', naming: namings[kind], remark: remarks.remark };
  const all = parts.flatMap((part) => share(kind, part));
  return filtered(withoutCollisions(all, settling), rules[KINDS[kind].one]);
}

function filtered(all: readonly Offered[], passes: Test | undefined): readonly Offered[] {
  return passes ? all.filter(({ full }) => passes(full)) : all;
}

function withinBudget(all: readonly Offered[], { options, host, remarks }: Terms): readonly Offered[] {
  const { maxTools } = options;
  if (maxTools === undefined || all.length <= maxTools) return all;
  host?.metrics.limitHits.inc({ limit: 'max_tools' });
  remarks.remark('error', `more tools than max_tools: the first ${maxTools} are offered`, {});
  return all.slice(0, maxTools);
}

function wayOf(kind: OfferKind, name: string, { namings, options }: Terms): Way | 'nowhere' | undefined {
  const naming = namings[kind];
  const [only = '', ...others] = options.upstreams;
  if (!naming) return others.length === 0 ? { upstream: only, own: name } : undefined;
  if (naming.maybeShort(name)) return undefined;
  const [first, ...more] = naming.candidates(name);
  return more.length > 0 ? undefined : (first ?? 'nowhere');
}

function canHide(kind: OfferKind, { views, rules, options, offers }: Terms): boolean {
  const { one } = KINDS[kind];
  const isLimited = kind === 'tools' && options.maxTools !== undefined;
  return (
    views !== undefined || isLimited || [rules, ...sightsOf(offers)].some((sight) => sight[one] !== undefined)
  );
}

/** What is read need not be on a list, so its URI is judged when it is asked for. */
function passesRules(kind: OfferKind, { upstream, own, name }: Asked, { offers, rules }: Terms): boolean {
  if (kind !== 'resources') return true;
  return (offers.get(upstream)?.sight.resource?.(own) ?? true) && (rules.resource?.(name) ?? true);
}

/** What a plugin cannot judge is not there. */
function shows(kind: OfferKind, thing: Asked, x: Exchange, { offers, remarks }: Terms): boolean {
  const { upstream, name } = thing;
  const isUri = KINDS[kind].name !== 'name';
  const own = isUri ? (offers.get(upstream)?.bare(thing.own) ?? thing.own) : thing.own;
  try {
    return x.shows({ kind: KINDS[kind].one, name, upstream, own });
  } catch (error) {
    const text = `a plugin could not say what there is: ${messageOf(error)}`;
    remarks.remark('error', text, { requestId: x.id });
    return false;
  }
}

/** Of a list, what this exchange may know of. */
export function visible(
  kind: OfferKind,
  all: readonly Offered[],
  x: Exchange,
  offering: Offering,
): readonly Offered[] {
  return x.isNarrowed ? all.filter((one) => offering.sees(kind, one, x)) : all;
}

function namingRules({
  upstreams,
  template,
  shortNames = false,
  aliases = [],
}: OfferingOptions): NamingRules {
  const named = aliases.map(({ name, upstream, own }) => [name, { upstream, own }] as const);
  return { upstreams, template, shortens: shortNames, aliases: new Map(named) };
}

/** Whether everything is offered under the names it has. */
function leavesAlone({ template, shortNames, aliases, maxTools, views, ...rules }: OfferingOptions): boolean {
  const { tools, prompts, resources } = rules;
  const hides = [template, maxTools, tools, prompts, resources].some((option) => option !== undefined);
  return !hides && !shortNames && !aliases?.length && !views?.length;
}
