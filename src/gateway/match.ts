// The `when` of a pipeline entry: which exchanges its plugin sees.

import type { When } from '../config/schema.ts';
import type { Exchange } from '../core/exchange.ts';
import { anyOf } from '../lib/glob.ts';
import { methodRow } from '../protocol/methods.ts';
import { targetOf } from '../router/target.ts';

/** @returns what says whether an exchange is meant; undefined where only its route can tell, and that is undecided */
export function matcher(when: When | undefined): (x: Exchange) => boolean | undefined {
  if (!when) return () => true;
  const methods = anyOf(when.methods);
  const upstreams = anyOf(when.upstreams);
  const names = anyOf(when.names);
  const endpoint = endpointMatcher(when);
  const byMethod = new Map<string, boolean>();
  const method = (name: string): boolean => {
    const known = byMethod.get(name);
    if (known !== undefined || !methods) return known ?? true;
    const verdict = methods(name);
    // Method names come from clients: the memory of them is bounded.
    if (byMethod.size < 256) byMethod.set(name, verdict);
    return verdict;
  };
  return (x) => {
    const name = targetName(x);
    const isMeant =
      endpoint(x.inbound.endpoint) &&
      method(x.request.method) &&
      (!names || (name !== undefined && names(name)));
    if (!isMeant || !upstreams) return isMeant;
    const all = upstreamsOf(x);
    const some = all.some(upstreams);
    // Wherever it goes in the end, if anywhere.
    const isCertain = x.leg !== undefined || x.route.kind !== 'undecided' || !some || all.every(upstreams);
    return isCertain ? some : undefined;
  };
}

/** Whether the entry is for an endpoint at all. */
export function endpointMatcher(when: When | undefined): (path: string) => boolean {
  return anyOf(when?.endpoints) ?? (() => true);
}

function upstreamsOf({ leg, route }: Exchange): readonly string[] {
  if (leg) return [leg.upstream];
  if (route.kind === 'one') return [route.upstream];
  return route.kind === 'all' || route.kind === 'undecided' ? route.upstreams : [];
}

/** As the request says now: a plugin above may have renamed it since its route was found. */
function targetName({ leg, route, request }: Exchange): string | undefined {
  const row = methodRow(request.method);
  const said = row && targetOf(request, row)?.name;
  if (said !== undefined) return said;
  if (route.kind === 'one') return leg ? route.name : route.asked;
  return route.kind === 'none' ? route.asked : undefined;
}
