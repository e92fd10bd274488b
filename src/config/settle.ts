// What the schema made of a document → Config: paths absolute, secrets sealed, names and ids decided.
// Runs only after schema and relations have accepted the document, and reads nothing.
import { isAbsolute, resolve } from 'node:path';
import type { JsonObject } from '../protocol/values.ts';
import type { ConfigDocument } from './document.ts';
import { guard } from './options.ts';
import { pemSource } from './pem-source.ts';
import { aliasTarget, templateOf } from './relations/offering.ts';
import { isPluginFile, pluginKeys, presetId } from './relations/pipeline.ts';
import type {
  Config,
  Endpoint,
  Entry,
  ListenAddress,
  Listener,
  ListenerTls,
  Offer,
  Parsed,
  Path,
  PemSource,
  Upstream,
  UpstreamTls,
  UrlUpstream,
} from './schema.ts';
import { MASK, Secret } from './secret.ts';
import { isReserved } from './sections/endpoints.ts';
import { bareEntry, type ParsedEntry } from './sections/pipeline.ts';
import type { ParsedTls } from './sections/tls.ts';
import type { ParsedUpstreamTls } from './sections/upstream-tls.ts';
import type { ParsedUpstream } from './sections/upstreams.ts';

/** `baseDir` is absolute; relative paths begin there. */
export function settle(parsed: Parsed, document: ConfigDocument, baseDir: string): Config {
  const names = Object.keys(parsed.upstreams);
  const { listen, socket } = parsed.admin;
  const { dir, pins, size, lists, busy } = parsed.state;
  return {
    listeners: parsed.listeners.map((listener) => settleListener(listener, baseDir)),
    endpoints: settleEndpoints(parsed.endpoints, names),
    upstreams: Object.entries(parsed.upstreams).map(([name, upstream]) =>
      settleUpstream(name, upstream, document, baseDir),
    ),
    pipeline: settlePipeline(parsed.pipeline, ['pipeline'], document, baseDir),
    admin: {
      listen: listen === 'off' ? listen : settleAddress(listen, baseDir),
      socket: socket === undefined || socket === 'off' ? socket : resolve(baseDir, socket),
    },
    state: {
      dir: dir === undefined ? undefined : resolve(baseDir, dir),
      pins: pins === undefined ? undefined : resolve(baseDir, pins),
      size,
      lists,
      busy,
    },
    telemetry: parsed.telemetry,
    limits: parsed.limits,
    drain: parsed.drain,
  };
}

function settleAddress(address: ListenAddress, baseDir: string): ListenAddress {
  return address.kind === 'unix' ? { kind: 'unix', path: resolve(baseDir, address.path) } : address;
}

function settleListener({ http }: Parsed['listeners'][number], baseDir: string): Listener {
  if (http === undefined) return { kind: 'stdio' };
  const { listen, url, hosts, origins, mode, tls } = http;
  return {
    kind: 'http',
    listen: settleAddress(listen, baseDir),
    url,
    hosts,
    origins,
    mode,
    tls: tls === undefined || tls === 'off' ? undefined : settleTls(tls, baseDir),
  };
}

function settleTls(tls: ParsedTls, baseDir: string): ListenerTls {
  const pem = (written: string): PemSource => pemSource(written, baseDir);
  const pair = ({ cert, key }: Pick<ParsedTls, 'cert' | 'key'>) => ({ cert: pem(cert), key: pem(key) });
  const { hosts, min_version: minVersion, client, look } = tls;
  return {
    ...pair(tls),
    hosts: Object.fromEntries(Object.entries(hosts).map(([name, other]) => [name, pair(other)])),
    minVersion,
    client: client && { ca: pem(client.ca), require: client.require },
    look,
  };
}

function settleEndpoints(endpoints: Parsed['endpoints'], all: readonly string[]): Endpoint[] {
  const entries = Object.entries(endpoints);
  const taken = new Set(entries.flatMap(([path, { sse }]) => [path, sse]));
  return entries.map(([path, endpoint]) => {
    const { upstreams, names, short_names: shortNames, max_tools: maxTools, sse } = endpoint;
    const { collisions, tools, prompts, resources, expose, views = [] } = endpoint;
    const chosen = [...new Set(upstreams.flatMap((name) => (name === '*' ? all : [name])))];
    const template = templateOf(names, chosen);
    return {
      path,
      upstreams: chosen,
      template,
      shortNames: shortNames === 'auto' ? template !== undefined : shortNames === 'on',
      aliases: Object.entries(endpoint.aliases).map(([name, target]) => ({ name, ...aliasTarget(target) })),
      collisions,
      tools,
      prompts,
      resources,
      maxTools,
      search: expose.mode === 'search' ? { hits: expose.hits, also: expose.also } : undefined,
      views,
      sse: sse === 'auto' ? freeSsePath(path, taken) : sse === 'off' ? undefined : sse,
    };
  });
}

/** An endpoint with one upstream as it is. */
export function bareEndpoint(path: string, upstream: string): Endpoint {
  return {
    path,
    upstreams: [upstream],
    template: undefined,
    shortNames: false,
    aliases: [],
    collisions: 'first',
    tools: undefined,
    prompts: undefined,
    resources: undefined,
    maxTools: undefined,
    search: undefined,
    views: [],
    sse: undefined,
  };
}

/** Beside the endpoint, where users look for it; nowhere when that place is taken. */
function freeSsePath(path: string, taken: Set<string>): string | undefined {
  const sse = `${path.replace(/\/(?:mcp)?$/, '')}/sse`;
  if (taken.has(sse) || isReserved(sse)) return undefined;
  taken.add(sse);
  return sse;
}

function settleUpstream(
  name: string,
  parsed: ParsedUpstream,
  document: ConfigDocument,
  baseDir: string,
): Upstream {
  const path: Path = ['upstreams', name];
  const {
    era,
    timeouts,
    concurrency,
    retry,
    cache,
    breaker,
    pin,
    uris,
    owns,
    builtin,
    url,
    urls = [url],
    command,
  } = parsed;
  const pipeline = settlePipeline(parsed.pipeline, [...path, 'pipeline'], document, baseDir);
  const { tools, prompts, resources, overrides } = parsed;
  const offer = { tools, prompts, resources, overrides: overrides as Offer['overrides'] };
  const base = {
    name,
    offer,
    era,
    timeouts,
    concurrency,
    retry,
    cache,
    breaker,
    pin,
    uris,
    owns,
    pipeline,
    path,
  };
  const places = urls.filter((place) => place !== undefined);
  const sealed = (field: 'headers' | 'env'): Record<string, Secret> =>
    seal(parsed[field] ?? {}, [...path, field], document);
  if (builtin !== undefined) return { ...base, kind: 'builtin', builtin };
  if (places.length > 0)
    return {
      ...base,
      kind: 'url',
      urls: places,
      network: parsed.network,
      tls: parsed.tls && settleUpstreamTls(parsed.tls, baseDir),
      balance: parsed.balance,
      health: parsed.health,
      transport: settleTransport(parsed),
      headers: sealed('headers'),
      sessions: parsed.sessions,
    };
  const { args = [], cwd, instances, restart, stop, kill } = parsed;
  return {
    ...base,
    kind: 'command',
    // A name is looked up in PATH; only a path can be relative to the file.
    command:
      command !== undefined && /^\.{1,2}\//.test(command) ? resolve(baseDir, command) : (command ?? ''),
    args,
    env: sealed('env'),
    cwd: cwd === undefined ? undefined : resolve(baseDir, cwd),
    instances,
    restart,
    stop,
    kill,
  };
}

function settleUpstreamTls(tls: ParsedUpstreamTls, baseDir: string): UpstreamTls {
  const { ca, cert, key, min_version: minVersion, server_name: serverName, look } = tls;
  const pem = (written: string): PemSource => pemSource(written, baseDir);
  return {
    ca: ca === undefined ? undefined : pem(ca),
    pair: cert === undefined || key === undefined ? undefined : { cert: pem(cert), key: pem(key) },
    minVersion,
    serverName,
    look,
  };
}

function settleTransport({ type, transport }: ParsedUpstream): UrlUpstream['transport'] {
  const said = type ?? transport;
  if (said === undefined) return 'auto';
  return said === 'sse' ? 'sse' : 'http';
}

/** Values as secrets, each showing the reference it was read from or nothing. */
function seal(
  values: Readonly<Record<string, string>>,
  path: Path,
  document: ConfigDocument,
): Record<string, Secret> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const shown = document.shown([...path, key]);
      return [key, Secret.of(value, typeof shown === 'string' ? shown : MASK)];
    }),
  );
}

function settlePipeline(
  entries: readonly ParsedEntry[],
  path: Path,
  document: ConfigDocument,
  baseDir: string,
): Entry[] {
  return entries.map((entry, index) => settleEntry(entry, [...path, index], document, baseDir));
}

function settleEntry(parsed: ParsedEntry, path: Path, document: ConfigDocument, baseDir: string): Entry {
  const fields = typeof parsed === 'string' ? bareEntry() : parsed;
  const written = typeof parsed === 'string' ? parsed : (pluginKeys(parsed as JsonObject)[0] ?? '');
  const options = typeof parsed === 'string' ? null : (parsed[written] as JsonObject | null);
  return {
    plugin: isPluginFile(written) && !isAbsolute(written) ? resolve(baseDir, written) : written,
    options: options === null ? null : guard(options, () => document.shown([...path, written]) ?? null),
    id: fields.id ?? presetId(written),
    when: fields.when,
    mode: fields.mode,
    onError: fields.on_error,
    timeout: fields.timeout,
    path,
  };
}
