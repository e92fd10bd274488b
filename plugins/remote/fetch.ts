// Requests to servers of the operator's choice, such as token endpoints: TLS, no redirects, a deadline, a bounded
// answer. Errors name the host and nothing of what was sent.

/** Hosts on which a server may be reached without TLS, where they are written out so. */
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/** Whether a host is this machine, written out so. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.includes(':') ? `[${host}]` : host);
}

/** Whether a URL is one that secrets may be sent to. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** Whether a URL that a server names is as safe as its own: none of elsewhere leads to this machine. */
export function isAsSafe(text: string, named: string): boolean {
  return isSafeUrl(text) && (new URL(text).protocol === 'https:' || new URL(named).protocol === 'http:');
}

/** The server could not be reached, or did not answer as one should: another try may find it otherwise. */
export class RemoteFault extends Error {
  constructor(
    message: string,
    /** The same as one word, for figures. */
    readonly reason: RemoteReason,
  ) {
    super(message);
  }
}

export type RemoteReason =
  | 'url_refused'
  | 'redirected'
  | 'timeout'
  | 'too_large'
  | 'unreachable'
  | 'status'
  | 'not_json';

export interface FetchOptions {
  /** Milliseconds. */
  readonly timeout: number;
  /** Most bytes of an answer, decoded. */
  readonly bytes: number;
  /** Who may vouch for the server, and nobody else: certificates in PEM. Default: the authorities of the machine. */
  readonly ca?: string | undefined;
  /** What the gateway shows as its own: certificate and key in PEM. */
  readonly own?: { readonly cert: string; readonly key: string } | undefined;
  /** Ends the request before its time. */
  readonly signal?: AbortSignal | undefined;
  /** What is sent is no secret, and what is answered is signed: it may go without TLS. */
  readonly unencrypted?: boolean;
}

type Init = Pick<RequestInit, 'method' | 'headers' | 'body'>;

/**
 * One request, to the end of its answer.
 * @throws RemoteFault
 */
export async function fetchWhole(
  url: string,
  init: Init,
  { timeout, bytes, ca, own, signal: given, unencrypted = false }: FetchOptions,
): Promise<Response> {
  if (!unencrypted && !isSafeUrl(url))
    throw new RemoteFault('the address is neither https nor on this machine', 'url_refused');
  const { host } = new URL(url);
  const limit = AbortSignal.timeout(timeout);
  const signal = given ? AbortSignal.any([limit, given]) : limit;
  try {
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal,
      ...((ca !== undefined || own !== undefined) && { tls: { ...(ca !== undefined && { ca }), ...own } }),
      // A connection that was made as another is not this one's.
      ...(own !== undefined && { keepalive: false }),
    });
    const { status, headers } = answer;
    if (status >= 300 && status <= 399) {
      await answer.body?.cancel();
      throw new RemoteFault(`${host} redirects (${status}), which is not followed`, 'redirected');
    }
    const whole = await bytesOf(answer, bytes, host);
    const isEmpty = status === 204 || status === 205 || status === 304;
    return new Response(isEmpty ? null : whole, { status, headers: kept(headers) });
  } catch (error) {
    if (error instanceof RemoteFault) throw error;
    if (limit.aborted) throw new RemoteFault(`${host} took longer than ${timeout} ms`, 'timeout');
    // What the platform says of a connection names the address, and may name more.
    throw new RemoteFault(`${host} cannot be reached (${codeOf(error)})`, 'unreachable');
  }
}

async function bytesOf({ body }: Response, most: number, host: string): Promise<Uint8Array<ArrayBuffer>> {
  let size = 0;
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) {
    size += part.length;
    if (size > most) throw new RemoteFault(`${host} answered with more than ${most} bytes`, 'too_large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Those that say something of the text as it is now, and when to come again. */
function kept(headers: Headers): Headers {
  const names = ['content-type', 'retry-after', 'date', 'cache-control', 'expires', 'etag', 'age'];
  return new Headers(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value] as [string, string]];
    }),
  );
}

function codeOf(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'unknown');
}
