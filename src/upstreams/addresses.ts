// What an IP address leads to, judged by the registries of special addresses. Knows no names.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * `never`: nothing that is an upstream has it unless it is written out: link-local addresses, where clouds have their
 * metadata, and what is no address of one machine.
 */
export type Reach = 'public' | 'private' | 'loopback' | 'never';

/** What clouds tell a machine's secrets at, beside 169.254.0.0/16. */
const METADATA: ReadonlySet<string> = new Set([
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // Amazon
  'fd20:ce::254', // Google
]);

const REACHES: Readonly<Record<string, Reach>> = {
  unicast: 'public',
  loopback: 'loopback',
  linkLocal: 'never',
  unspecified: 'never',
  broadcast: 'never',
  multicast: 'never',
};

/** @returns `never` for what is no address */
export function reachOf(address: string): Reach {
  if (isIP(address) === 0) return 'never';
  const parsed = ipaddr.parse(address);
  if (METADATA.has(parsed.toString())) return 'never';
  const embedded = parsed instanceof ipaddr.IPv6 ? embeddedIn(parsed) : undefined;
  if (embedded !== undefined) return reachOf(embedded);
  // What is reserved is somebody's own network, if it is anything.
  return REACHES[parsed.range()] ?? 'private';
}

/** The IPv4 address at which a packet to this one comes out. */
function embeddedIn(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  switch (address.range()) {
    case 'ipv4Mapped':
    case 'rfc6145':
      return dotted(bytes.slice(12));
    case 'rfc6052':
      // 64:ff9b:1::/48 is for networks of one's own (RFC 8215): where the address stands in it is theirs to choose.
      return bytes.slice(4, 12).some((byte) => byte !== 0) ? undefined : dotted(bytes.slice(12));
    case '6to4':
      return dotted(bytes.slice(2, 6));
    case 'teredo':
      return dotted(bytes.slice(12).map((byte) => byte ^ 0xff));
    default:
      // IPv4-compatible addresses, ::a.b.c.d, which nobody uses any more (RFC 4291 §2.5.5.1).
      return bytes.slice(0, 12).every((byte) => byte === 0) && address.range() !== 'loopback'
        ? dotted(bytes.slice(12))
        : undefined;
  }
}

const dotted = (bytes: readonly number[]): string => bytes.join('.');
