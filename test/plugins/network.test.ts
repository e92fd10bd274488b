// Whom an address belongs to: one of IPv4, or a whole network of IPv6.
import { expect, test } from 'bun:test';
import { networkOf } from '../../plugins/remote/network.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is of %s', (address, network) => expect(networkOf(address)).toBe(network));

test.each([[undefined], [''], ['/run/sluice.sock'], ['example.com'], ['192.0.2.7:80']])(
  '%p is of none',
  (address) => expect(networkOf(address)).toBeUndefined(),
);
