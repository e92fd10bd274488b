// Relations between endpoints and upstreams: names that exist, paths the gateway does not need itself.
import { suggest } from '../../lib/suggest.ts';
import type { JsonObject } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { RESERVED_PATHS } from '../sections/endpoints.ts';
import { asList, asMap, isMap } from './guess.ts';

export function endpointProblems(tree: JsonObject): PlacedProblem[] {
  if (isMap(tree.endpoints) && Object.keys(tree.endpoints).length === 0) {
    const hint = 'remove the key for /mcp with all upstreams';
    return [{ path: ['endpoints'], code: 'VALUE_INVALID', message: 'no endpoint', hint }];
  }
  const upstreams = Object.keys(asMap(tree.upstreams));
  return Object.entries(asMap(tree.endpoints)).flatMap(([path, endpoint]) => [
    ...reserved(path),
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

function reserved(path: string): PlacedProblem[] {
  const taken = RESERVED_PATHS.find((own) => path === own || path.startsWith(`${own}/`));
  if (taken === undefined) return [];
  const hint = 'choose another path, such as /mcp';
  return [
    {
      path: ['endpoints', path],
      code: 'ENDPOINT_RESERVED',
      message: `the gateway answers ${taken} itself`,
      hint,
      on: 'key',
    },
  ];
}
