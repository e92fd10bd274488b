// A start without a file: variables of the environment as if they stood in one. The only list of them.
// Reads no value but those of its own variables; validation is the schema's.
import { suggest } from '../lib/suggest.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Overlay } from './document.ts';
import { CREDENTIALS, readCredentials, UPSTREAM } from './env-credentials.ts';
import type { World } from './interpolate.ts';
import { asList, asMap } from './relations/guess.ts';
import type { Path } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly description: string;
  /** Where the value goes; a function where that depends on what is there, and none where on others (env-credentials.ts). */
  readonly path?: Path | ((tree: JsonValue) => Path);
}

/** Every variable, by name. A variable that is set (and not empty) wins over the same field of the file. */
export const VARIABLES: Readonly<Record<string, Variable>> = {
  MCP_UPSTREAM_URL: {
    description: 'URL of the upstream, which is then called `upstream`.',
    path: [...UPSTREAM, 'url'],
  },
  ...Object.fromEntries(Object.entries(CREDENTIALS).map(([name, description]) => [name, { description }])),
  MCP_CONNECT_TIMEOUT: {
    description: 'Until a connection to it stands.',
    path: [...UPSTREAM, 'timeouts', 'connect'],
  },
  MCP_READ_TIMEOUT: {
    description: 'Until the first byte of its answer.',
    path: [...UPSTREAM, 'timeouts', 'first_byte'],
  },
  MCP_IDLE_TIMEOUT: {
    description: 'Longest silence within its answer.',
    path: [...UPSTREAM, 'timeouts', 'idle'],
  },
  MCP_TOTAL_TIMEOUT: {
    description: 'Until the end of its answer.',
    path: [...UPSTREAM, 'timeouts', 'total'],
  },
  MCP_LISTEN_ADDR: { description: 'Address of the first HTTP listener.', path: listenPath },
  MCP_ADMIN_ADDR: {
    description: 'Address of the admin listener, or `off`.',
    path: ['admin', 'listen'],
  },
  MCP_DRAIN_TIMEOUT: { description: 'How long a stop waits for requests at work.', path: ['drain'] },
  MCP_LOG_LEVEL: { description: 'Least important entry to log.', path: ['telemetry', 'log', 'level'] },
};

/** What replaces the file when there is none: with an upstream from the environment, and without. */
export const BUILT_IN = {
  environment: { file: 'built-in configuration', text: 'pipeline:\n  - progress: {}\n' },
  demo: {
    file: 'built-in demo',
    text: 'upstreams:\n  demo: { builtin: demo }\npipeline:\n  - progress: {}\n',
  },
} as const;

/** Whether the environment alone names an upstream. */
export function namesUpstream(env: Environment): boolean {
  return isSet(env, 'MCP_UPSTREAM_URL');
}

/**
 * The variables that are set, as values over `tree`, and what is wrong with them before validation.
 * @param isAlone whether there is no file, so that variables are all that there is
 */
export function readEnvironment(
  world: World,
  tree: JsonValue,
  isAlone: boolean,
): { overlays: Overlay[]; diagnostics: Diagnostic[] } {
  const { env } = world;
  const set = Object.keys(VARIABLES).filter((name) => isSet(env, name));
  const orphan = !namesUpstream(env) && asMap(asMap(tree).upstreams).upstream === undefined;
  const diagnostics = [...unsafe(env), ...unread(env, isAlone)];
  const existing = asMap(asMap(asMap(tree).upstreams).upstream);
  const isOther = namesUpstream(env) && (existing.command !== undefined || existing.builtin !== undefined);
  if (isOther) {
    const hint = 'rename that upstream, or unset the variable';
    const message = 'the file has an upstream called "upstream" that is no URL';
    diagnostics.push(about('MCP_UPSTREAM_URL', 'UPSTREAM_KIND', message, hint));
  }
  const overlays = set.flatMap((variable): Overlay[] => {
    const where = VARIABLES[variable]?.path;
    const path = typeof where === 'function' ? where(tree) : where;
    const isForUpstream = path === undefined || path[0] === 'upstreams';
    if (isOther && isForUpstream) return [];
    if (!orphan || !isForUpstream) return path ? [{ path, value: env[variable] ?? '', variable }] : [];
    const hint = 'set MCP_UPSTREAM_URL too, or unset this one';
    diagnostics.push(about(variable, 'ENV_INCOMPLETE', 'it describes an upstream, and none is named', hint));
    return [];
  });
  if (orphan || isOther) return { overlays, diagnostics };
  const credentials = readCredentials(tree, world, about);
  return {
    overlays: [...overlays, ...credentials.overlays],
    diagnostics: [...diagnostics, ...credentials.diagnostics],
  };
}

function isSet(env: Environment, name: string): boolean {
  // Compose files and unit files pass empty variables where nothing is meant.
  return env[name] !== undefined && env[name] !== '';
}

function listenPath(tree: JsonValue): Path {
  const listeners = asList(asMap(tree).listeners);
  const first = listeners.findIndex((listener) => (asMap(listener) as JsonObject).http !== undefined);
  return ['listeners', first < 0 ? listeners.length : first, 'http', 'listen'];
}

/** The runtime would obey it in every connection. */
function unsafe(env: Environment): Diagnostic[] {
  const name = 'NODE_TLS_REJECT_UNAUTHORIZED';
  if (env[name] !== '0') return [];
  const message = 'it would have every certificate of an upstream accepted';
  const hint = 'unset it; to trust an authority of your own, set NODE_EXTRA_CA_CERTS=/path/ca.pem';
  return [about(name, 'ENV_UNSAFE', message, hint)];
}

/**
 * Variables that were meant for us. Beside a file these are those one slip away from ours: other MCP_ variables belong
 * to other programs. Without one, all that describe an upstream; and all where they are the whole configuration.
 */
function unread(env: Environment, isAlone: boolean): Diagnostic[] {
  const known = Object.keys(VARIABLES);
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('MCP_') || known.includes(name) || !isSet(env, name)) return [];
    const near = known.filter((own) => isAlone || Math.abs(own.length - name.length) <= 2);
    const begun = isAlone ? known.find((own) => own.startsWith(name) || name.startsWith(own)) : undefined;
    const meant = begun ?? distanceWithin(name, near, isAlone ? 3 : 2);
    const isOurs = isAlone && (namesUpstream(env) || name.startsWith('MCP_UPSTREAM'));
    if (meant === undefined && !isOurs) return [];
    const hint = meant === undefined ? `these are: ${known.join(', ')}` : `did you mean ${meant}?`;
    return [
      { ...about(name, 'ENV_UNKNOWN', 'this variable is not read', hint), severity: 'warning' as const },
    ];
  });
}

/** The variable part of long common prefixes would make everything similar; compare what follows `MCP_`. */
function distanceWithin(name: string, known: readonly string[], most: number): string | undefined {
  const meant = suggest(
    name.slice(4),
    known.map((own) => own.slice(4)),
    most,
  );
  return meant === undefined ? undefined : `MCP_${meant}`;
}

function about(variable: string, code: Diagnostic['code'], message: string, hint: string): Diagnostic {
  return {
    severity: 'error',
    code,
    message,
    hint,
    file: `environment: ${variable}`,
    line: 0,
    column: 0,
    length: 0,
    frame: [],
  };
}
