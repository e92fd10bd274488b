// The figure of a certificate that is shown to an upstream: there as long as the upstream is, over reloads too.
import { expect, test } from 'bun:test';
import { createCertificates } from '../../../src/upstreams/certificates.ts';
import { createAuthority } from '../../fixtures/certificates.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const pair = createAuthority('an authority').issue({ host: 'gateway.example.com' });

test('it goes with the upstream, and not with the certificates before a reload', async () => {
  const host = testHost();
  const create = () =>
    createCertificates(
      'crm',
      {
        read: () => ({ ca: undefined, pair }),
        minVersion: 'TLSv1.2',
        serverName: undefined,
        look: 3_600_000,
      },
      host,
    );
  const rows = async (): Promise<number> =>
    ((await host.metrics.registry.metrics()).match(/^sluice_upstream_certificate_expires_days\{.*$/gm) ?? [])
      .length;
  const before = create();
  expect(await rows()).toBe(1);
  const after = create();
  before.stop();
  expect(await rows()).toBe(1);
  after.stop();
  expect(await rows()).toBe(0);
});
