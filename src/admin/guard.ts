// Which requests reach the admin routes over TCP: those a page of some web site cannot have made.

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Whether a Host header names this machine, which stops DNS rebinding. `own` is the configured host and port. */
export function isOwnHost(header: string | null, own: { host: string; port: number }): boolean {
  if (header === null) return false;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(header);
  if (match === null) return false;
  const [, name = '', port] = match;
  if (port !== undefined && Number(port) !== own.port) return false;
  const bracketed = own.host.includes(':') ? `[${own.host}]` : own.host;
  return [...LOOPBACK, bracketed.toLowerCase()].includes(name.toLowerCase());
}

/** Whether a browser made the request for a page of another origin. */
export function isForeign(headers: Headers): boolean {
  const origin = headers.get('origin');
  if (origin !== null && origin !== `http://${headers.get('host')}`) return true;
  return headers.get('sec-fetch-site') === 'cross-site';
}
