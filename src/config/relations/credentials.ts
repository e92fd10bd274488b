// Between what callers prove themselves with and what is passed on to upstreams: nothing may be both. And between
// plugins that write headers and upstreams that get none. Looks at no more options of plugins than that takes.
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
    asList(asMap(upstream).pipeline).flatMap((entry, at) => {
      const path = ['upstreams', name, 'pipeline', at];
      return [
        ...asList(asMap(asMap(entry).credentials).forward).flatMap((header, index) =>
          forwarded(header, [...path, 'credentials', 'forward', index], proofs),
        ),
        ...(asMap(upstream).command === undefined ? [] : withoutHeaders(asMap(entry), path)),
      ];
    }),
  );
}

/** Plugins that write headers. */
const IN_HEADERS = ['credentials', 'signing'];

function withoutHeaders(entry: JsonObject, path: Path): PlacedProblem[] {
  const plugin = IN_HEADERS.find((name) => entry[name] !== undefined);
  if (plugin === undefined || entry.mode === 'off') return [];
  const message = `"${plugin}" writes headers, and what goes to a process has none`;
  const hint = 'give the process what it needs under env';
  return [{ path: [...path, plugin], code: 'PROCESS_HEADERS', message, hint, on: 'key' }];
}

function forwarded(header: JsonValue, path: Path, proofs: ReadonlySet<string>): PlacedProblem[] {
  if (typeof header !== 'string' || !proofs.has(header.toLowerCase())) return [];
  const message = `callers prove who they are with "${header}", which is for the gateway alone`;
  const hint = 'leave it out, or give the upstream a credential of its own under callers';
  return [{ path, code: 'FORWARD_CREDENTIAL', message, hint }];
}
