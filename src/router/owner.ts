// Who offers what, where names do not say it: resources by URI and template, and names without a prefix. Looked up
// in what the caller is shown, and looked at anew when something is not found.

import type { Exchange } from '../core/exchange.ts';
import type { Offering } from './offering.ts';
import { KIND_OF, type Listed } from './target.ts';
import { matchesTemplate } from './template.ts';
import type { Seen, Views, Wish } from './views.ts';

/** Whose a target is; and where nobody is known to have it, who could not be asked. */
export interface Owner {
  readonly upstream: string | undefined;
  /** As the upstream knows the target. */
  readonly own: string;
  readonly missing: readonly string[];
}

export interface LookUps {
  /** A hit is believed for this long, milliseconds. */
  readonly fresh: number;
  /** A miss asks the upstreams again, but not more often than this, milliseconds. */
  readonly again: number;
}

export interface Looking {
  readonly offering: Offering;
  readonly views: Views;
  /** With every template there is: what is read is judged by its own URI. */
  readonly origins: Views;
  readonly limits: () => LookUps;
}

/** The first upstream, in the order of the configuration, that offers the target to this caller. */
export async function findOwner(target: Listed, x: Exchange, looking: Looking): Promise<Owner> {
  const { fresh, again } = looking.limits();
  const known = await look(target, x, looking, { maxAge: fresh });
  if (known.upstream !== undefined) return known;
  const claimant = target.kind === 'resource' ? claimantOf(target.name, x, looking) : undefined;
  if (claimant !== undefined) return { upstream: claimant, own: target.name, missing: [] };
  return look(target, x, looking, { maxAge: again, isFresh: true });
}

/** Who has it by a rule of the configuration: the one whose rule fits the longest part. */
function claimantOf(uri: string, x: Exchange, { views, offering }: Looking): string | undefined {
  const rules = views.sources.flatMap(({ name, claims }) => claims.map((claim) => ({ name, claim })));
  const fitting = rules.filter(({ claim }) => uri.startsWith(claim));
  const [best] = fitting.toSorted((a, b) => b.claim.length - a.claim.length);
  const isSeen = best && offering.sees('resources', { upstream: best.name, own: uri, name: uri }, x);
  return isSeen ? best.name : undefined;
}

async function look(
  target: Listed,
  x: Exchange,
  { offering, views, origins }: Looking,
  wish: Wish,
): Promise<Owner> {
  const { name } = target;
  const kind = KIND_OF[target.kind];
  const exact = await views.see(kind, x, wish);
  const found = exact.view.byName.get(name);
  if (found && offering.sees(kind, found, x))
    return { upstream: found.upstream, own: found.own, missing: [] };
  if (kind !== 'resources') return { upstream: undefined, own: name, missing: missingOf(exact) };
  const templates = await views.see('resourceTemplates', x, wish);
  // A template may be hidden and what it is for not, or the other way round.
  const all = offering.hides('resourceTemplates', x) ? [views, origins] : [views];
  for (const each of all) {
    const { view } = each === views ? templates : await each.see('resourceTemplates', x, wish);
    const fitting = view.offered.find(
      ({ upstream, own }) =>
        matchesTemplate(own, name) && offering.sees('resources', { upstream, own: name, name }, x),
    );
    if (fitting) return { upstream: fitting.upstream, own: name, missing: [] };
  }
  return { upstream: undefined, own: name, missing: missingOf(exact, templates) };
}

function missingOf(...seen: readonly Seen[]): string[] {
  return [
    ...new Set(seen.flatMap(({ missing, stale }) => [...missing, ...stale].map(({ upstream }) => upstream))),
  ];
}
