// F12: TLS of an upstream that must not be trusted, in front of a gateway that trusts one authority. The same
// authority vouches for the healthy one.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { createAuthority, selfSigned } from '../fixtures/certificates.ts';
import { plainConfig, type RunningGateway, startGateway } from '../fixtures/gateway.ts';
import { until } from '../fixtures/until.ts';
import { type Faulty, good, SECRET, startFaulty } from './faulty.ts';
import { clientOf, ERAS, told } from './scene.ts';

const authority = createAuthority('an authority');
const HOST = '127.0.0.1';
const mine = authority.issue({ host: HOST });

const CASES: Readonly<Record<string, { tls: TlsOptions; reason: string; says: string }>> = {
  expired: {
    tls: authority.issue({ host: HOST, years: [-3, -1] }),
    reason: 'tls_expired',
    says: 'its certificate has expired',
  },
  early: {
    tls: authority.issue({ host: HOST, years: [1, 3] }),
    reason: 'tls_not_yet_valid',
    says: 'its certificate is not valid yet',
  },
  elsewhere: {
    tls: authority.issue({ host: 'elsewhere.invalid' }),
    reason: 'tls_wrong_host',
    says: 'its certificate is for another host',
  },
  alone: {
    tls: selfSigned(HOST),
    reason: 'tls_self_signed',
    says: 'its certificate vouches for itself',
  },
  unknown: {
    tls: createAuthority('another').issue({ host: HOST }),
    reason: 'tls_untrusted',
    says: 'from an authority that is not trusted here',
  },
  old: {
    tls: { ...mine, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
    reason: 'tls_version',
    says: 'it speaks no version of TLS that is taken here',
  },
  mutual: {
    tls: { ...mine, requestCert: true, rejectUnauthorized: true, ca: authority.cert },
    reason: 'tls_client_certificate',
    says: 'it wants a certificate of the gateway',
  },
};

let dir: string;
let gateway: RunningGateway;
let healthy: Faulty;
const servers = new Map<string, Faulty>();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const ca = join(dir, 'ca.pem');
  writeFileSync(ca, authority.cert);
  const start = (tls: TlsOptions) => startFaulty({ era: '2026', form: 'json', act: good, tls });
  healthy = await start(mine);
  for (const [name, { tls }] of Object.entries(CASES)) servers.set(name, await start(tls));
  const upstreams = Object.fromEntries(
    [...servers].map(([name, { url }]) => [name, { url, breaker: 'off' }]),
  );
  gateway = await startGateway(plainConfig({ ...upstreams, good: { url: healthy.url } }), {
    NODE_EXTRA_CA_CERTS: ca,
  });
});

afterAll(async () => {
  await gateway?.stop();
  for (const server of [healthy, ...servers.values()]) await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('F12: an upstream over TLS', () => {
  for (const [name, { reason, says }] of Object.entries(CASES))
    for (const era of ERAS)
      test(`whose certificate or version is no good (${reason}) gets no request of a ${era} client`, async () => {
        const calling = await clientOf(gateway.url, era);
        const before = healthy.calls;
        const [bad, beside] = await Promise.all([calling(name, 1), calling('good', 2)]);
        const outcome = { code: 'UPSTREAM_UNAVAILABLE', says, reason, upstream: name } as const;
        await told(bad, 1, outcome, SECRET);
        await told(beside, 2, {}, SECRET);
        expect(healthy.calls).toBe(before + 1);
        const server = servers.get(name);
        expect(server?.calls).toBe(0);
        await until(() => server?.open === 0);
      });

  test('leaves no connection open in the gateway', async () => {
    const open = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;
    const calling = await clientOf(gateway.url, '2026');
    const all = async () => {
      for (const name of servers.keys()) await (await calling(name, 1)).text();
    };
    await all();
    const before = open();
    for (let n = 0; n < 5; n++) await all();
    await until(() => open() <= before);
  });
});

test('F12: a start that would trust everybody is refused', async () => {
  const starting = startGateway(plainConfig({ good: { url: healthy.url } }), {
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  });
  await expect(starting).rejects.toThrow('it would have every certificate of an upstream accepted');
});
