// TLS to upstreams, with real servers that ask for certificates: who is trusted, what is shown, and files that change
// while calls are at work.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { type Faulty, type FaultyOptions, good, SECRET, startFaulty } from '../faults/faulty.ts';
import { good as goodEvent, startOlder } from '../faults/older.ts';
import { clientOf, ERAS, told } from '../faults/scene.ts';
import { type Authority, createAuthority, type Wanted } from '../fixtures/certificates.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';

const HOST = '127.0.0.1';
const RENEWALS = 20;

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});

interface Place {
  readonly authority: Authority;
  path(name: string): string;
  /** A certificate of the gateway in `gateway.pem` and `gateway.key`. */
  issue(wanted: Wanted, by?: Authority): void;
  /** What a server is, and that it asks who connects. */
  server(wanted?: Wanted): TlsOptions;
}

function place(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-upstream-tls-'));
  running.push({ stop: () => rmSync(dir, { recursive: true, force: true }) });
  const authority = createAuthority('an authority');
  const path = (name: string): string => join(dir, name);
  writeFileSync(path('ca.pem'), authority.cert);
  return {
    authority,
    path,
    issue(wanted, by = authority) {
      const { cert, key } = by.issue(wanted);
      writeFileSync(path('gateway.key'), key);
      writeFileSync(path('gateway.pem'), cert);
    },
    server: (wanted = { host: HOST }) => ({
      ...authority.issue(wanted),
      requestCert: true,
      rejectUnauthorized: true,
      ca: authority.cert,
    }),
  };
}

async function serve(tls: TlsOptions, more: Partial<FaultyOptions> = {}): Promise<Faulty> {
  const server = await startFaulty({ era: '2026', form: 'json', act: good, tls, ...more });
  running.push(server);
  return server;
}

/** The certificates are there twice: relative to the configuration, as files of it are. */
const TLS = { ca: 'ca.pem', cert: './gateway.pem', key: './gateway.key', look: '20ms' };

async function gatewayTo({ path }: Place, up: object): Promise<InProcess> {
  const config = configOf({ up: { tls: TLS, breaker: 'off', ...up }, beside: { builtin: 'demo' } });
  const gateway = await startInProcess(config, { dir: path('.') });
  running.push(gateway);
  return gateway;
}

const renewed = ({ lines }: InProcess): number =>
  lines.filter(({ message }) => message === 'certificates renewed').length;

test(`a certificate that is renewed ${RENEWALS} times under load fails no call`, async () => {
  const at = place();
  at.issue({ host: 'gateway-0' });
  const server = await serve(at.server());
  const gateway = await gatewayTo(at, { url: server.url });
  const clients = await Promise.all(ERAS.map((era) => clientOf(gateway.url, era)));
  let isOver = false;
  let calls = 0;
  const load = clients.map(async (calling) => {
    while (!isOver) {
      const id = ++calls;
      await told(await calling('up', id), id, {}, SECRET);
      await new Promise(setImmediate);
    }
  });
  for (let nth = 1; nth <= RENEWALS; nth++) {
    at.issue({ host: `gateway-${nth}` });
    await until(() => renewed(gateway) === nth && server.peers.includes(`gateway-${nth}`));
  }
  isOver = true;
  await Promise.all(load);
  expect(calls).toBeGreaterThan(RENEWALS);
  expect(await gateway.figure('upstreamErrors')).toBe(0);
  // Nothing connects with an old one once a new one is there.
  const numbers = server.peers.map((peer) => Number(peer?.split('-')[1]));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test('what cannot be used changes nothing, is told once, and is made good by what can', async () => {
  const at = place();
  at.issue({ host: 'gateway-0' });
  const server = await serve(at.server());
  const gateway = await gatewayTo(at, { url: server.url });
  const calling = await clientOf(gateway.url, '2026');
  const complaints = () => gateway.lines.filter(({ message }) => message.startsWith('new certificates'));
  writeFileSync(at.path('gateway.pem'), 'half a file');
  await until(() => complaints().length === 1);
  expect(complaints()[0]?.fields).toMatchObject({
    upstream: 'up',
    reason: 'this is no certificate in PEM form',
  });
  await told(await calling('up', 1), 1, {}, SECRET);
  at.issue({ host: 'gateway-1' });
  await until(() => renewed(gateway) === 1);
  await told(await calling('up', 2), 2, {}, SECRET);
  expect(complaints()).toHaveLength(1);
  expect(server.peers.at(-1)).toBe('gateway-1');
});

test('a reload looks at once', async () => {
  const at = place();
  at.issue({ host: 'gateway-0' });
  const server = await serve(at.server());
  const gateway = await gatewayTo(at, { url: server.url, tls: { ...TLS, look: '24h' } });
  const calling = await clientOf(gateway.url, '2026');
  await told(await calling('up', 1), 1, {}, SECRET);
  at.issue({ host: 'gateway-1' });
  await gateway.reload();
  await told(await calling('up', 2), 2, {}, SECRET);
  expect(server.peers.at(-1)).toBe('gateway-1');
});

test('an authority that is trusted no more is not, and a key may be a reference', async () => {
  const at = place();
  at.issue({ host: 'gateway' });
  const server = await serve(at.server());
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of gateway.yaml
  const gateway = await gatewayTo(at, { url: server.url, tls: { ...TLS, key: '${file:gateway.key}' } });
  const calling = await clientOf(gateway.url, '2026');
  await told(await calling('up', 1), 1, {}, SECRET);
  writeFileSync(at.path('ca.pem'), createAuthority('another').cert);
  await until(() => renewed(gateway) === 1);
  const outcome = { code: 'UPSTREAM_UNAVAILABLE', reason: 'tls_untrusted', upstream: 'up' } as const;
  await told(await calling('up', 2), 2, outcome, SECRET);
});

describe('a certificate is shown', () => {
  test('over HTTP+SSE', async () => {
    const at = place();
    at.issue({ host: 'gateway' });
    const older = await startOlder({ row: 'F12', what: 'nothing', act: goodEvent }, '', at.server());
    running.push(older);
    const gateway = await gatewayTo(at, { url: older.url, type: 'sse' });
    for (const era of ERAS) await told(await (await clientOf(gateway.url, era))('up', 1), 1, {}, SECRET);
    expect(new Set(older.peers)).toEqual(new Set(['gateway']));
  });

  test('at each of several places', async () => {
    const at = place();
    at.issue({ host: 'gateway' });
    const servers = [await serve(at.server()), await serve(at.server())];
    const gateway = await gatewayTo(at, { urls: servers.map(({ url }) => url), balance: 'round_robin' });
    const calling = await clientOf(gateway.url, '2026');
    for (const id of [1, 2, 3, 4]) await told(await calling('up', id), id, {}, SECRET);
    for (const { calls, peers } of servers) {
      expect(calls).toBe(2);
      expect(new Set(peers)).toEqual(new Set(['gateway']));
    }
  });

  test('under a name that is asked for instead of the host', async () => {
    const at = place();
    at.issue({ host: 'gateway' });
    const server = await serve(at.server({ host: 'mcp.internal.test' }));
    const tls = { ...TLS, server_name: 'mcp.internal.test' };
    const gateway = await gatewayTo(at, { url: server.url, tls });
    await told(await (await clientOf(gateway.url, '2026'))('up', 1), 1, {}, SECRET);
  });
});

describe('no request is sent to an upstream', () => {
  const own = createAuthority('nobody knows it');
  const REFUSED: Readonly<Record<string, { tls: object; server?: TlsOptions; reason: string }>> = {
    'that wants a certificate and is shown none': {
      tls: { ca: 'ca.pem' },
      reason: 'tls_client_certificate',
    },
    'that somebody else vouches for': { tls: { ...TLS, ca: 'other.pem' }, reason: 'tls_untrusted' },
    'whose certificate is for another name': {
      tls: { ...TLS, server_name: 'mcp.internal.test' },
      reason: 'tls_wrong_host',
    },
    'that speaks no version of TLS that is new enough': {
      tls: { ...TLS, min_version: 'TLSv1.3' },
      server: { maxVersion: 'TLSv1.2' },
      reason: 'tls_version',
    },
    'that speaks TLS 1.0': {
      tls: TLS,
      server: { minVersion: 'TLSv1', maxVersion: 'TLSv1' },
      reason: 'tls_version',
    },
  };
  for (const [what, { tls, server: more = {}, reason }] of Object.entries(REFUSED))
    for (const era of ERAS)
      test(`${what} (${era})`, async () => {
        const at = place();
        at.issue({ host: 'gateway' });
        writeFileSync(at.path('other.pem'), own.cert);
        const server = await serve({ ...at.server(), ...more });
        const gateway = await gatewayTo(at, { url: server.url, tls });
        const outcome = { code: 'UPSTREAM_UNAVAILABLE', reason, upstream: 'up' } as const;
        await told(await (await clientOf(gateway.url, era))('up', 1), 1, outcome, SECRET);
        expect(server.calls).toBe(0);
      });
});

test('how long a certificate is good is a figure, and the log says when it runs out', async () => {
  const at = place();
  at.issue({ host: 'gateway', years: [-1, 1] });
  const server = await serve(at.server());
  const gateway = await gatewayTo(at, { url: server.url });
  const days = () => gateway.figure('upstreamCertificateDays', { upstream: 'up' });
  const warned = () => gateway.lines.filter(({ level, fields }) => level === 'warn' && 'days' in fields);
  expect(await days()).toBeGreaterThan(360);
  expect(warned()).toEqual([]);
  gateway.turn(355 * 86_400_000);
  await until(() => warned().length === 1);
  expect(await days()).toBeLessThan(14);
  expect(warned()[0]?.message).toContain('runs out soon');
});
