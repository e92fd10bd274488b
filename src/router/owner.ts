// Who offers what, where names do not say it: resources by URI and template, and names without a prefix. Looked up
// in what the caller is shown, and looked at anew when something is not found.

import type { Exchange } from '../core/exchange.ts';
import type { Offered } from './offering.ts';
import { KIND_OF, type Listed } from './target.ts';
import { matchesTemplate } from './template.ts';
import type { Seen, Views, Wish } from './views.ts';

/** Whose a target is; and where nobody is known to have it, who could not be asked. */
export interface Owner {
  readonly offered: Offered | undefined;
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

/** The first upstream, in the order of the configuration, that offers the target to this caller. */
export async function findOwner(target: Listed, x: Exchange, views: Views, limits: LookUps): Promise<Owner> {
  const known = await look(target, x, views, { maxAge: limits.fresh });
  return known.offered ? known : look(target, x, views, { maxAge: limits.again, isFresh: true });
}

async function look(target: Listed, x: Exchange, views: Views, wish: Wish): Promise<Owner> {
  const { name } = target;
  const exact = await views.see(KIND_OF[target.kind], x, wish);
  const found = exact.view.byName.get(name);
  if (found) return { offered: found, own: found.own, missing: [] };
  if (target.kind !== 'resource') return { offered: undefined, own: name, missing: missingOf(exact) };
  const templates = await views.see('resourceTemplates', x, wish);
  const fitting = templates.view.offered.find((each) => matchesTemplate(each.name, name));
  return { offered: fitting, own: name, missing: missingOf(exact, templates) };
}

function missingOf(...seen: readonly Seen[]): string[] {
  return [
    ...new Set(seen.flatMap(({ missing, stale }) => [...missing, ...stale].map(({ upstream }) => upstream))),
  ];
}
