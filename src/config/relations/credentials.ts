// Between what callers prove themselves with and what is passed on to upstreams: nothing may be both.
// Looks at the two options this takes, and at no other of any plugin.
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { asList, asMap } from './guess.ts';

export function credentialProblems(tree: JsonObject): PlacedProblem[] {
  const proofs = new Set(
    asList(tree.pipeline).flatMap((entry) => {
      const { header } = asMap(asMap(asMap(entry).auth).api_keys);
      return typeof header === 'string' ? [header.toLowerCase()] : [];
    }),
  );
  return Object.entries(asMap(tree.upstreams)).flatMap(([name, upstream]) =>
    asList(asMap(upstream).pipeline).flatMap((entry, at) =>
      asList(asMap(asMap(entry).credentials).forward).flatMap((header, index) =>
        forwarded(header, ['upstreams', name, 'pipeline', at, 'credentials', 'forward', index], proofs),
      ),
    ),
  );
}

function forwarded(header: JsonValue, path: Path, proofs: ReadonlySet<string>): PlacedProblem[] {
  if (typeof header !== 'string' || !proofs.has(header.toLowerCase())) return [];
  const message = `callers prove who they are with "${header}", which is for the gateway alone`;
  const hint = 'leave it out, or give the upstream a credential of its own under callers';
  return [{ path, code: 'FORWARD_CREDENTIAL', message, hint }];
}
