// Ways in that nobody can take: a Host that is never asked for, a URL that leads elsewhere, a method of `auth` that
// no listener has anything for; and built-in plugins where they cannot work. Looks at no more options than that takes.
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import { parseListen } from '../listen.ts';
import type { Path } from '../schema.ts';
import { asList, asMap, isMap } from './guess.ts';
import { isGuarded } from './listeners.ts';

export function wayInProblems(tree: JsonObject): PlacedProblem[] {
  const listeners = tree.listeners === undefined ? [{ http: {} }] : asList(tree.listeners);
  const http = listeners.map((each) => asMap(asMap(each).http));
  const endpoints = tree.endpoints === undefined ? ['/mcp'] : Object.keys(asMap(tree.endpoints));
  return [
    ...http.flatMap((listener, at) => [
      ...(isGuarded(tree) ? withoutHosts(listener, ['listeners', at, 'http']) : []),
      ...urlOfEndpoint(listener, ['listeners', at, 'http', 'url'], endpoints),
    ]),
    ...asList(tree.pipeline).flatMap((entry, at) => [
      ...idleMethods(asMap(entry), ['pipeline', at, 'auth'], listeners.map(asMap)),
      ...misplaced(entry, ['pipeline', at], OF_ONE, 'upstreams.NAME.pipeline, of the upstream it is for'),
    ]),
    ...Object.entries(asMap(tree.upstreams)).flatMap(([name, upstream]) =>
      asList(asMap(upstream).pipeline).flatMap((entry, at) =>
        misplaced(entry, ['upstreams', name, 'pipeline', at], OF_ALL, 'pipeline, that of all upstreams'),
      ),
    ),
  ];
}

/** All interfaces are no name that a client could ask for. What is not safe to start is told without this. */
function withoutHosts({ listen, hosts, url, tls }: JsonObject, path: Path): PlacedProblem[] {
  const address = typeof listen === 'string' ? parseListen(listen) : undefined;
  const isAll =
    address !== undefined &&
    'kind' in address &&
    address.kind === 'tcp' &&
    /^(?:0\.0\.0\.0|::)$/.test(address.host);
  if (!isAll || tls === undefined || url !== undefined || asList(hosts).length > 0) return [];
  const message = 'every request is refused here: clients ask for a host by its name, and none is written';
  const hint = 'add the names, or addresses, that clients use: hosts: [mcp.example.com]';
  return [{ path: [...path, 'listen'], code: 'LISTEN_HOSTS', message, hint, severity: 'warning' }];
}

/** `url` is without the path of an endpoint; with it, that stands twice in what tokens are for. */
function urlOfEndpoint({ url }: JsonObject, path: Path, endpoints: readonly string[]): PlacedProblem[] {
  if (typeof url !== 'string' || !URL.canParse(url)) return [];
  const { pathname } = new URL(url);
  const endpoint = endpoints.find((each) => pathname === each || pathname === `${each}/`);
  if (endpoint === undefined) return [];
  const base = url.slice(0, url.lastIndexOf(endpoint));
  const message = `with this, the endpoint ${endpoint} is ${url.replace(/\/$/, '')}${endpoint} to clients`;
  return [{ path, code: 'LISTEN_URL_PATH', message, hint: `write url: ${base}`, severity: 'warning' }];
}

/** Methods of `auth` that look at what a connection brings, where none can. */
function idleMethods(entry: JsonObject, path: Path, listeners: readonly JsonObject[]): PlacedProblem[] {
  const http = listeners.map((each) => asMap(each.http));
  const { certificates, peers } = asMap(entry.auth);
  const isSocket = ({ listen }: JsonObject) => typeof listen === 'string' && listen.startsWith('unix:');
  const asksFor = ({ tls }: JsonObject) => isMap(tls) && tls.client !== undefined;
  const idle = (method: string, message: string, hint: string): PlacedProblem => ({
    path: [...path, method],
    code: 'AUTH_IDLE',
    message,
    hint,
    on: 'key',
    severity: 'warning',
  });
  if (entry.mode === 'off') return [];
  return [
    ...(certificates === undefined || http.some(asksFor)
      ? []
      : [idle('certificates', 'no listener asks clients for a certificate', 'add tls.client.ca to one')]),
    ...(peers === undefined || http.some(isSocket) || listeners.some(({ stdio }) => stdio !== undefined)
      ? []
      : [
          idle(
            'peers',
            'the system knows callers on a Unix socket or pipe alone',
            'add a listener on unix:/path',
          ),
        ]),
  ];
}

/** Built-in plugins that know who calls, and those that know one upstream. */
const OF_ALL = ['auth'];
const OF_ONE = ['credentials', 'signing'];

function misplaced(entry: JsonValue, path: Path, names: readonly string[], where: string): PlacedProblem[] {
  const isNamed = typeof entry === 'string';
  const name = names.find((each) => (isNamed ? entry === each : asMap(entry)[each] !== undefined));
  if (name === undefined || asMap(entry).mode === 'off') return [];
  const at = isNamed ? path : [...path, name];
  const message = `"${name}" cannot work here`;
  return [{ path: at, code: 'PLUGIN_PLACE', message, hint: `put it into ${where}`, on: 'key' }];
}
