// Between what callers prove themselves with and what is passed on to upstreams: nothing may be both. Between plugins
// that write headers and upstreams that get none. And between credentials of callers and whether anybody knows who
// calls. Looks at no more options of plugins than that takes.
import { anyOf } from '../../lib/glob.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { asList, asMap } from './guess.ts';
import { pluginKeys } from './pipeline.ts';

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
        ...withoutCallers(asMap(entry), path, knowersOf(tree, name)),
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

/** Of the entries that may say who calls, those that stand before an upstream on one of its endpoints. */
function knowersOf(tree: JsonObject, upstream: string): JsonObject[] {
  const endpoints = tree.endpoints === undefined ? { '/mcp': {} } : asMap(tree.endpoints);
  const paths = Object.entries(endpoints).flatMap(([path, endpoint]) => {
    const own = asMap(endpoint).upstreams;
    return own === undefined || asList(own).some((each) => each === upstream || each === '*') ? [path] : [];
  });
  return asList(tree.pipeline)
    .map((entry) => (typeof entry === 'string' ? { [entry]: {} } : asMap(entry)))
    .filter((entry) => entry.mode !== 'off' && pluginKeys(entry).some(mayKnow))
    .filter(({ when }) => {
      const isFor = anyOf(asList(asMap(when).endpoints).filter((each) => typeof each === 'string'));
      return asMap(when).endpoints === undefined || paths.some((path) => isFor?.(path) === true);
    });
}

/** What others do is not known here. */
const mayKnow = (plugin: string): boolean => !['audit', 'progress', 'ratelimit'].includes(plugin);

function withoutCallers(entry: JsonObject, path: Path, knowers: readonly JsonObject[]): PlacedProblem[] {
  const { callers, token_exchange, headers, client_credentials } = asMap(entry.credentials);
  if (entry.mode === 'off') return [];
  const code = 'CALLERS_UNKNOWN';
  const at = (field: string) => ({ path: [...path, 'credentials', field], code, on: 'key' }) as const;
  if (knowers.length === 0) {
    const field = token_exchange === undefined ? 'callers' : 'token_exchange';
    if (token_exchange === undefined && asList(callers).length === 0) return [];
    const message = 'this is for callers, and nothing finds out who calls';
    const hint = 'put `auth` into the pipeline of all upstreams';
    const isForAll = (headers ?? client_credentials) !== undefined;
    return [{ ...at(field), message, hint, ...(isForAll && { severity: 'warning' }) }];
  }
  const bringsTokens = ({ auth }: JsonObject) => auth === undefined || asMap(auth).issuers !== undefined;
  if (token_exchange === undefined || knowers.some(bringsTokens)) return [];
  const message = 'the token of the caller is exchanged here, and no `auth` takes tokens';
  return [{ ...at('token_exchange'), message, hint: 'add issuers to `auth`' }];
}
