// Whom an address belongs to, as far as it can be told: one address of IPv4, or the network of one of IPv6, since who
// is in that has all addresses of it.

import { IPv6, parse } from 'ipaddr.js';

/** @returns undefined where it is no address, as on a pipe or a Unix socket */
export function networkOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  try {
    const parsed = parse(address.replace(/%.*$/, ''));
    if (!(parsed instanceof IPv6)) return parsed.toString();
    if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
    const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
    return `${network.join(':')}::/64`;
  } catch {
    return undefined;
  }
}
