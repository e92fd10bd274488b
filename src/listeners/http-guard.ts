// Who may talk to an HTTP listener at all: the Host and Origin of a request, before anything else is looked at.
// A page of another site must not reach a local gateway through a rebound name (DNS rebinding).

export interface Guard {
  /** @returns why the request is refused; undefined when it may pass */
  refuses(headers: Headers): string | undefined;
  /** The Origin to allow for cross-origin scripts, if the request has an allowed one. */
  allowedOrigin(headers: Headers): string | undefined;
}

export interface GuardOptions {
  /** Names this listener answers to beside its own address. One with a port is good for that port only. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  /** The host it listens on; undefined on a Unix socket, which no web page can reach. */
  readonly host: string | undefined;
  /** The port that a Host header without one means. */
  readonly port?: string | undefined;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

export function createGuard({ hosts, origins, host, port: usual = '80' }: GuardOptions): Guard {
  const local = host !== undefined && isLoopback(host);
  const names = new Set([
    ...hosts.map(lower),
    ...(host === undefined ? [] : [bracketed(host)]),
    ...(local ? LOOPBACK : []),
  ]);
  const allowed = new Set(origins.map(lower));

  const hostRefused = (value: string | null): string | undefined => {
    if (host === undefined) return undefined;
    const asked = value === null ? undefined : hostOf(value, usual);
    if (asked === undefined) return 'The Host header is missing or malformed.';
    const { name, port } = asked;
    if (names.has(name) || names.has(`${name}:${port}`)) return undefined;
    return `This listener does not answer to the host "${name}".`;
  };
  const originAllowed = (value: string): boolean => {
    if (allowed.has(lower(value))) return true;
    const origin = URL.canParse(value) ? new URL(value) : undefined;
    return (
      local && origin !== undefined && /^https?:$/.test(origin.protocol) && LOOPBACK.includes(origin.hostname)
    );
  };

  return {
    refuses(headers) {
      const origin = headers.get('origin');
      const bad = hostRefused(headers.get('host'));
      if (bad !== undefined) return bad;
      return origin === null || originAllowed(origin)
        ? undefined
        : `The origin "${origin.slice(0, 200)}" is not allowed.`;
    },
    allowedOrigin(headers) {
      const origin = headers.get('origin');
      return origin !== null && originAllowed(origin) ? origin : undefined;
    },
  };
}

/** A Host header; the name in lower case and without a trailing dot. Undefined when malformed. */
function hostOf(value: string, usual: string): { name: string; port: string } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/.exec(lower(value.trim()));
  const port = match?.[2] ?? usual;
  if (match?.[1] === undefined || Number(port) > 65_535) return undefined;
  return { name: match[1].replace(/\.$/, ''), port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${lower(host)}]` : lower(host);
}

function lower(text: string): string {
  return text.toLowerCase();
}
