// The CLI as an MCP client of a running gateway, with the official SDK. Turns its failures into exit codes.

import {
  Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { lostAnswers } from './answers.ts';
import { BUILD } from './build-info.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import type { Shell } from './shell.ts';
import { type Wanted, type Way, wayTo } from './way.ts';

export interface Reach extends Wanted {
  /** `Name: value`, as on the wire. */
  readonly header?: readonly string[] | undefined;
}

/** What the client can do for a server that asks something back. */
export interface Abilities {
  readonly prepare?: (client: Client) => void;
  readonly elicitation?: boolean;
}

/** Connects in whichever era the gateway speaks best, uses the client, and closes it whatever happens. */
export async function withClient<T>(
  shell: Shell,
  reach: Reach,
  use: (client: Client) => Promise<T>,
  abilities: Abilities = {},
): Promise<T> {
  const way = await wayTo(shell, reach);
  const client = new Client(
    { name: 'sluice-cli', version: BUILD.version },
    {
      capabilities: abilities.elicitation === true ? { elicitation: { form: {} } } : {},
      versionNegotiation: { mode: 'auto' },
    },
  );
  abilities.prepare?.(client);
  const headers = headersOf(shell, reach.header ?? []);
  try {
    const link = transport(way, headers);
    await client.connect(link);
    return await Promise.race([use(client), lostAnswers(link)]);
  } catch (error) {
    throw explained(error, way.shown, headers.has('authorization') || headers.has('x-api-key'));
  } finally {
    await client.close().catch(() => {});
  }
}

function headersOf(shell: Shell, header: readonly string[]): Headers {
  const headers = new Headers(header.map(split));
  if (shell.env.SLUICE_TOKEN && !headers.has('authorization'))
    headers.set('authorization', `Bearer ${shell.env.SLUICE_TOKEN}`);
  return headers;
}

function transport({ target, unix, host, serverName, isLocal }: Way, headers: Headers) {
  if (host !== undefined && !headers.has('host')) headers.set('host', host);
  // A proxy of the environment cannot reach this machine's own gateway, and a quiet call may take long.
  const extra = {
    timeout: false,
    ...(unix === undefined ? {} : { unix }),
    ...(serverName === undefined ? {} : { tls: { serverName } }),
    ...(isLocal ? { proxy: false } : {}),
  };
  return new StreamableHTTPClientTransport(target, {
    requestInit: { headers: Object.fromEntries(headers) },
    fetch: (input, init) => fetch(input, { ...init, ...extra } as BunFetchRequestInit),
  });
}

function split(line: string): [string, string] {
  const at = line.indexOf(':');
  if (at < 1) throw new CliError(EXIT.usage, `"${line}" is not a header`, "write 'Name: value'");
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

/**
 * An error of the client as what to tell and how to exit.
 * @param isProven whether a credential was sent
 */
function explained(error: unknown, url: string, isProven: boolean): unknown {
  if (error instanceof CliError) return error;
  if (error instanceof ProtocolError) return protocol(error);
  const status = error instanceof SdkHttpError ? error.status : undefined;
  if (status === 401 || status === 403)
    return new CliError(
      EXIT.denied,
      `${url} refused this caller (HTTP ${status})`,
      isProven
        ? 'the log of the gateway says why: look for `refused` and its `reason`'
        : "pass --header 'Authorization: Bearer …', or set SLUICE_TOKEN",
    );
  if (status === 429 || status === 503)
    return new CliError(EXIT.retryable, `${url} is busy (HTTP ${status})`, 'try again in a moment');
  const untrusted = certificateCode(error);
  if (untrusted !== undefined)
    return new CliError(
      EXIT.unreachable,
      `the certificate of ${url} is not trusted (${untrusted})`,
      'where it is of an authority of yours, set NODE_EXTRA_CA_CERTS to its certificate',
    );
  if (isUnreachable(error))
    return new CliError(EXIT.unreachable, `no gateway answers at ${url}`, 'start one with `sluice run`');
  return error instanceof SdkError ? new CliError(EXIT.failed, error.message) : error;
}

const DENIED = ['UNAUTHENTICATED', 'FORBIDDEN', 'HOST_REFUSED'];
const RETRYABLE = ['RATE_LIMITED', 'BUSY', 'STOPPING', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE'];

/** A JSON-RPC error: the gateway's own carry a name from the catalogue. */
function protocol(error: ProtocolError): CliError {
  const { data } = error;
  const code = typeof data === 'object' && data !== null ? String(Reflect.get(data, 'code') ?? '') : '';
  const exit = DENIED.includes(code) ? EXIT.denied : RETRYABLE.includes(code) ? EXIT.retryable : EXIT.failed;
  const known = /^[A-Z][A-Z_]+$/.test(code);
  return new CliError(
    exit,
    `${error.message} (${known ? code : error.code})`,
    known ? `\`sluice explain ${code}\` says more` : undefined,
  );
}

/** What is wrong with a certificate, in words of OpenSSL. */
function certificateCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && /CERT|ISSUER|LEAF_SIGNATURE/.test(at.code))
      return at.code;
  }
  return undefined;
}

function isUnreachable(error: unknown): boolean {
  if (['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT'].includes(systemCode(error) ?? ''))
    return true;
  return (
    error instanceof SdkError && error.code === SdkErrorCode.EraNegotiationFailed && error.cause !== undefined
  );
}
