// Where `sluice call` and `sluice tools` find the gateway: what was named, else the first HTTP listener of the
// configuration, as the gateway that runs has bound it. Opens no connection but one to the admin socket.

import { formatListen, type ListenAddress, parseListen } from '../config/listen.ts';
import type { Config, HttpListener } from '../config/schema.ts';
import type { GatewayReport } from '../gateway/types.ts';
import { askAdmin } from './admin-client.ts';
import { createReader } from './config.ts';
import { CliError, EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

export interface Wanted {
  /** An http(s) URL, or `unix:/path` of a socket listener. */
  readonly url?: string | undefined;
  readonly config?: string | undefined;
  /** Its path. */
  readonly endpoint?: string | undefined;
}

export interface Way {
  /** As people are told. */
  readonly shown: string;
  readonly target: URL;
  readonly unix?: string;
  /** The Host header, where it is not that of the target. */
  readonly host?: string;
  /** The name that the certificate has to be for, likewise. */
  readonly serverName?: string;
  readonly isLocal: boolean;
}

const PRESET = { host: '127.0.0.1', port: 7420, path: '/mcp' };

const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])$/;

/** Whether it is said where the gateway is: then nothing is known of its configuration. */
export function isNamed(shell: Shell, wanted: Wanted): boolean {
  return namedIn(shell, wanted) !== undefined;
}

function namedIn({ env }: Shell, { url }: Wanted): string | undefined {
  return url ?? (env.SLUICE_URL || undefined);
}

export async function wayTo(shell: Shell, wanted: Wanted): Promise<Way> {
  const named = namedIn(shell, wanted);
  if (named === undefined) return configured(shell, wanted);
  if (named.startsWith('unix:'))
    return overSocket(named.slice('unix:'.length), wanted.endpoint ?? PRESET.path);
  const target = parseUrl(named);
  if (wanted.endpoint !== undefined) target.pathname = wanted.endpoint;
  return { shown: target.href, target, isLocal: LOOPBACK.test(target.hostname) };
}

async function configured(shell: Shell, { config: file, endpoint }: Wanted): Promise<Way> {
  const reading = createReader(shell, file).look();
  const config = reading.ok ? reading.config : undefined;
  const listener = config && firstHttp(config);
  if (config && listener === undefined)
    throw new CliError(EXIT.usage, 'the configuration has no HTTP listener', 'name a gateway with --url');
  const running = await firstBound(shell, file);
  const path = endpoint ?? config?.endpoints[0]?.path ?? running?.path ?? PRESET.path;
  const address = running?.address ?? listener?.listen ?? { kind: 'tcp', ...PRESET };
  if (address.kind === 'unix') return overSocket(address.path, path);
  const isSecure = running?.isSecure ?? listener?.tls !== undefined;
  const publicUrl = running?.publicUrl ?? listener?.url;
  const host = publicUrl === undefined ? listener?.hosts[0] : new URL(publicUrl).host;
  return overTcp(address, isSecure, path, host);
}

function firstHttp({ listeners }: Config): HttpListener | undefined {
  return listeners.find((each) => each.kind === 'http');
}

interface Bound {
  readonly address: ListenAddress;
  readonly isSecure: boolean;
  readonly path: string;
  readonly publicUrl: string | undefined;
}

const ANSWER_MS = 2_000;

/** The first listener of the gateway that runs with this configuration, if one does: a port of 0 is known there alone. */
async function firstBound(shell: Shell, config: string | undefined): Promise<Bound | undefined> {
  try {
    const { body } = await askAdmin(shell, { config }, '/status', { timeoutMs: ANSWER_MS });
    const [first] = (body as Partial<GatewayReport>).listeners ?? [];
    const address = first && parseListen(first.address);
    const [url] = first?.urls ?? [];
    if (!address || !('kind' in address) || url === undefined) return undefined;
    const { protocol, pathname } = new URL(url);
    return { address, isSecure: protocol === 'https:', path: pathname, publicUrl: first?.publicUrls?.[0] };
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

function overSocket(unix: string, path: string): Way {
  const target = new URL(`http://localhost${path}`);
  return { shown: `unix:${unix}`, target, unix, isLocal: true };
}

/** Its own address, by a name that it answers to and that its certificate is for. @param known that name */
function overTcp(
  { host, port }: { host: string; port: number },
  isSecure: boolean,
  path: string,
  known: string | undefined,
): Way {
  const isAll = /^(?:0\.0\.0\.0|::)$/.test(host);
  const place = formatListen({ kind: 'tcp', host: isAll ? '127.0.0.1' : host, port });
  const target = new URL(`${isSecure ? 'https' : 'http'}://${place}${path}`);
  if (known === undefined || !(isAll || isSecure)) return { shown: target.href, target, isLocal: true };
  const serverName = known.replace(/:\d+$/, '');
  return {
    shown: `${target.href} (${known})`,
    target,
    host: known,
    ...(isSecure && { serverName }),
    isLocal: true,
  };
}

function parseUrl(text: string): URL {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  const example = `http://${PRESET.host}:${PRESET.port}${PRESET.path}`;
  throw new CliError(EXIT.usage, `"${text}" is not a URL`, `write it like ${example}`);
}
