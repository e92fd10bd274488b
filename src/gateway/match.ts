// The `when` of a pipeline entry: which exchanges its plugin sees.

import type { When } from '../config/schema.ts';
import type { Exchange } from '../core/exchange.ts';
import { anyOf } from '../lib/glob.ts';
import { methodRow } from '../protocol/methods.ts';
import { targetOf } from '../router/target.ts';

export function matcher(when: When | undefined): (x: Exchange) => boolean {
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
  return (x) =>
    endpoint(x.inbound.endpoint) &&
    method(x.request.method) &&
    (!upstreams || upstreamsOf(x).some(upstreams)) &&
    (!names || (targetName(x) !== undefined && names(targetName(x) ?? '')));
}

/** Whether the entry is for an endpoint at all. */
export function endpointMatcher(when: When | undefined): (path: string) => boolean {
  return anyOf(when?.endpoints) ?? (() => true);
}

function upstreamsOf({ leg, route }: Exchange): readonly string[] {
  if (leg) return [leg.upstream];
  if (route.kind === 'one') return [route.upstream];
  return route.kind === 'all' ? route.upstreams : [];
}

/** As the request says now: a plugin above may have renamed it since its route was found. */
function targetName({ leg, route, request }: Exchange): string | undefined {
  const row = methodRow(request.method);
  const said = row && targetOf(request, row)?.name;
  if (said !== undefined) return said;
  if (route.kind === 'one') return leg ? route.name : route.asked;
  return route.kind === 'none' ? route.asked : undefined;
}
