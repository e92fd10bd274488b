// The `when` of a pipeline entry: which exchanges its plugin sees.

import type { When } from '../config/schema.ts';
import type { Exchange } from '../core/exchange.ts';
import { methodRow } from '../protocol/methods.ts';
import { targetOf } from '../router/target.ts';

type Test = (text: string) => boolean;

/** `*` stands for any text; everything else for itself. */
export function glob(pattern: string): Test {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
      return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** Whether any of them fits. */
export function anyGlob(patterns: readonly string[]): Test {
  const tests = patterns.map(glob);
  return (text) => tests.some((test) => test(text));
}

export function matcher(when: When | undefined): (x: Exchange) => boolean {
  if (!when) return () => true;
  const methods = when.methods && anyGlob(when.methods);
  const upstreams = when.upstreams && anyGlob(when.upstreams);
  const names = when.names && anyGlob(when.names);
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
    method(x.request.method) &&
    (!upstreams || upstreamsOf(x).some(upstreams)) &&
    (!names || (targetName(x) !== undefined && names(targetName(x) ?? '')));
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
