// Relations between endpoints and upstreams: names that exist, paths the gateway does not need itself.
import { suggest } from '../../lib/suggest.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { isReserved, RESERVED_PATHS } from '../sections/endpoints.ts';
import { asList, asMap, isMap } from './guess.ts';

export function endpointProblems(tree: JsonObject): PlacedProblem[] {
  if (isMap(tree.endpoints) && Object.keys(tree.endpoints).length === 0) {
    const hint = 'remove the key for /mcp with all upstreams';
    return [{ path: ['endpoints'], code: 'VALUE_INVALID', message: 'no endpoint', hint }];
  }
  const upstreams = Object.keys(asMap(tree.upstreams));
  const paths = new Set(Object.keys(asMap(tree.endpoints)));
  return Object.entries(asMap(tree.endpoints)).flatMap(([path, endpoint]) => [
    ...reserved(path, ['endpoints', path], 'key'),
    ...secondPath(path, asMap(endpoint).sse, paths),
    ...asList(asMap(endpoint).upstreams).flatMap((name, index) =>
      typeof name === 'string' && name !== '*' && !upstreams.includes(name)
        ? [unknownUpstream(name, ['endpoints', path, 'upstreams', index], upstreams)]
        : [],
    ),
  ]);
}

/** The problem of a name that is no upstream. */
export function unknownUpstream(name: string, path: Path, upstreams: readonly string[]): PlacedProblem {
  const meant = suggest(name, upstreams);
  const known = upstreams.length === 0 ? 'there are no upstreams' : `upstreams: ${upstreams.join(', ')}`;
  const hint = meant === undefined ? known : `did you mean "${meant}"?`;
  return { path, code: 'UPSTREAM_UNKNOWN', message: `there is no upstream "${name}"`, hint };
}

/** The path of an older transport is a path like the endpoints': it may be taken once. */
function secondPath(path: string, sse: JsonValue | undefined, taken: Set<string>): PlacedProblem[] {
  if (typeof sse !== 'string' || sse === 'auto' || sse === 'off') return [];
  const place = ['endpoints', path, 'sse'];
  const isTaken = taken.has(sse);
  taken.add(sse);
  if (!isTaken) return reserved(sse, place, 'value');
  const hint = 'choose a path of its own, such as /sse';
  return [{ path: place, code: 'ENDPOINT_DUPLICATE', message: `${sse} is taken by another endpoint`, hint }];
}

function reserved(path: string, place: Path, on: 'key' | 'value'): PlacedProblem[] {
  if (!isReserved(path)) return [];
  const taken = RESERVED_PATHS.find((own) => path === own || path.startsWith(`${own}/`));
  const message = `the gateway answers ${taken} itself`;
  const hint = 'choose another path, such as /mcp';
  return [{ path: place, code: 'ENDPOINT_RESERVED', message, hint, ...(on === 'key' && { on }) }];
}
