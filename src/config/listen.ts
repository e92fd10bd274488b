// Where a listener listens: `127.0.0.1:7420`, `[::1]:7420`, `unix:/run/x.sock`. Opens nothing, resolves no name.

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Why a text is no listen address, and what to write instead. */
export interface ListenFault {
  readonly message: string;
  readonly hint: string;
}

/** The shortest limit of the systems we run on (macOS: 104 bytes with the closing zero). */
const SOCKET_PATH_BYTES = 103;
const LABEL = /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * Reads a listen address. A host is an IPv4 literal, an IPv6 literal in brackets or a host name (kept without
 * brackets); a port is 0 (a free one) to 65535; what follows `unix:` is a path, taken as it stands.
 */
export function parseListen(text: string): ListenAddress | ListenFault {
  if (text.startsWith('unix:')) return unix(text.slice('unix:'.length));
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) return notAnAddress(text);
  const [, ipv6, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535)
    return { message: `port ${port} does not exist`, hint: 'ports go from 0 (a free one) to 65535' };
  if (ipv6 !== undefined) return ipv6Address(ipv6, port);
  if (name === undefined || name === '') {
    return {
      message: 'no host before the port',
      hint: `write 127.0.0.1:${port} for this machine alone, 0.0.0.0:${port} for all interfaces`,
    };
  }
  if (!isHost(name))
    return { message: `"${name}" is not a host`, hint: 'write an address such as 127.0.0.1:7420' };
  return { kind: 'tcp', host: name, port };
}

/** Whether only this machine can reach the address: 127.0.0.0/8, ::1, `localhost` or a socket file. */
export function isLocal(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true;
  const host = address.host.toLowerCase();
  return host === 'localhost' || host === '::1' || (IPV4.test(host) && host.startsWith('127.'));
}

/** The address as it is written in the file. */
export function formatListen(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function unix(path: string): ListenAddress | ListenFault {
  const example = 'write unix:/run/sluice/mcp.sock';
  if (path === '' || path.endsWith('/')) return { message: 'no socket file after "unix:"', hint: example };
  if (path.includes('\0')) return { message: 'a path cannot hold a zero byte', hint: example };
  if (path.startsWith('//')) return { message: '"unix:" takes a path, not a URL', hint: example };
  return { kind: 'unix', path };
}

/** A fault when the path, made absolute, is longer than a socket address can hold. */
export function socketFault(path: string): ListenFault | undefined {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes <= SOCKET_PATH_BYTES) return undefined;
  return {
    message: `a socket path of ${bytes} bytes is too long`,
    hint: `systems take at most ${SOCKET_PATH_BYTES}; choose a shorter directory`,
  };
}

function ipv6Address(literal: string, port: number): ListenAddress | ListenFault {
  if (!URL.canParse(`http://[${literal}]/`)) {
    return { message: `"[${literal}]" is not an IPv6 address`, hint: 'write [::1]:7420' };
  }
  return { kind: 'tcp', host: literal, port };
}

function isHost(name: string): boolean {
  if (IPV4.test(name)) return name.split('.').every((part) => Number(part) <= 255);
  // A name of digits alone would be read as an IPv4 address in some other notation.
  if (/^[\d.]+$/.test(name)) return false;
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label));
}

function notAnAddress(text: string): ListenFault {
  if (/^https?:/i.test(text)) {
    return {
      message: 'an address to listen on, not a URL',
      hint: 'write host and port alone: 127.0.0.1:7420',
    };
  }
  if (/^\d{1,5}$/.test(text)) {
    return { message: 'no host before the port', hint: `write 127.0.0.1:${text} for this machine alone` };
  }
  if (text.split(':').length > 2)
    return { message: 'an IPv6 address needs brackets', hint: 'write [::1]:7420' };
  if (/^[./]/.test(text)) return { message: 'not an address', hint: `for a socket file write unix:${text}` };
  const isHostLike = text === 'localhost' || (text.includes('.') && isHost(text));
  if (!text.includes(':'))
    return { message: 'no port', hint: `write ${isHostLike ? text : '127.0.0.1'}:7420` };
  return { message: 'not an address', hint: 'write 127.0.0.1:7420, [::1]:7420 or unix:/run/sluice.sock' };
}
