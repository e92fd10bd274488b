// TLS at a listener: which certificate is shown to whom, who is let in, and what is known of those who are.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { definePlugin, z } from 'sluice/plugin';
import type { Certificate } from '../fixtures/certificates.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { json, modern, modernHeaders } from '../fixtures/raw.ts';
import { type Secured, secured, shake, trusting } from '../fixtures/secured.ts';

let on: Secured;
beforeAll(() => {
  on = secured();
});
afterAll(() => on[Symbol.dispose]());

const printOf = (pem: string): string => new X509Certificate(pem).fingerprint256;
const echo = modern('tools/call', { name: 'echo', arguments: { text: 'hi' } });
const HEADERS = { ...json, ...modernHeaders('tools/call', 'echo') };
const CALL = { method: 'POST', headers: HEADERS, body: JSON.stringify(echo) };
const HEAD = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';

/** Notes who called. */
function watcher() {
  const seen: unknown[] = [];
  const plugin = definePlugin({
    name: 'watcher',
    api: 1,
    about: 'notes who called',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest(request, x) {
        if (request.method !== 'tools/call') return;
        const peer = x.inbound.peer?.();
        seen.push({ ...peer, ...(peer?.tls && { tls: { ...peer.tls, raw: peer.tls.raw().length > 0 } }) });
      },
    }),
  });
  return { seen, plugin };
}

async function answers(gateway: InProcess, shown?: Certificate): Promise<string> {
  const response = await trusting(on.authority.cert, shown)(gateway.url, { ...CALL, keepalive: false });
  return response.text();
}

describe('certificates', () => {
  test('the listener answers over TLS, and says https', async () => {
    await using gateway = await startInProcess(configOf(DEMO, on.listeners()));
    expect(gateway.url).toStartWith('https://127.0.0.1:');
    expect(await answers(gateway)).toContain('"hi"');
    expect(await shake(gateway.url, {}, HEAD)).toMatchObject({
      fingerprint: printOf(readFileSync(on.path('own.pem'), 'utf8')),
      protocol: 'TLSv1.3',
      said: expect.stringMatching(/^HTTP\/1.1 404/),
    });
  });

  test('are chosen by the name that is asked for', async () => {
    const hosts = Object.fromEntries(
      [
        ['b.test', 'b'],
        ['*.c.test', 'c'],
      ].map(([host = '', file = '']) => {
        on.write(file, { host });
        return [host, { cert: on.path(`${file}.pem`), key: on.path(`${file}.key`) }];
      }),
    );
    await using gateway = await startInProcess(configOf(DEMO, on.listeners({ hosts })));
    const shownFor = async (servername?: string) => {
      const { fingerprint } = await shake(gateway.url, servername ? { servername } : {}, HEAD);
      return ['own', 'b', 'c'].find(
        (file) => printOf(readFileSync(on.path(`${file}.pem`), 'utf8')) === fingerprint,
      );
    };
    expect(
      await Promise.all(
        [undefined, 'b.test', 'B.TEST', 'x.c.test', 'c.test', 'x.y.c.test', 'other.test'].map(shownFor),
      ),
    ).toEqual(['own', 'b', 'b', 'c', 'own', 'own', 'own']);
  });

  test('of older versions and other protocols nothing is spoken, and each failure has its figure', async () => {
    await using gateway = await startInProcess(configOf(DEMO, on.listeners({ min_version: 'TLSv1.3' })));
    const old = await shake(gateway.url, { maxVersion: 'TLSv1.2' }, HEAD);
    const h2 = await shake(gateway.url, { ALPNProtocols: ['h2'] }, HEAD);
    const both = await shake(gateway.url, { ALPNProtocols: ['h2', 'http/1.1'] }, HEAD);
    expect([old.error, h2.error, both.alpn]).toEqual([
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      'http/1.1',
    ]);
    const plain = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    plain.on('error', () => {}).write(HEAD);
    await new Promise((closed) => plain.on('close', closed));
    for (const reason of ['version', 'protocol', 'not_tls'])
      expect([reason, await gateway.figure('tlsFailures', { reason })]).toEqual([reason, 1]);
    const told = gateway.lines.filter(({ message }) => message === 'TLS handshake failed');
    expect(told.map(({ level, fields }) => [level, fields.reason])).toEqual([
      ['debug', 'version'],
      ['debug', 'protocol'],
      ['debug', 'not_tls'],
    ]);
  });

  test('a handshake that takes too long is ended', async () => {
    await using gateway = await startInProcess(
      configOf(DEMO, { ...on.listeners(), limits: { handshake: '500ms' } }),
    );
    const silent = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    await new Promise((closed) => silent.on('error', () => {}).on('close', closed));
    expect(await gateway.figure('timeouts', { kind: 'handshake' })).toBe(1);
    expect(await gateway.figure('tlsFailures', { reason: 'timeout' })).toBe(1);
    expect(await answers(gateway)).toContain('"hi"');
  });

  test('are no reason to share an address: one that is taken is told at its line', async () => {
    await using gateway = await startInProcess(configOf(DEMO, on.listeners()));
    const { host } = new URL(gateway.url);
    const second = startInProcess(configOf(DEMO, on.listeners({}, { listen: host })));
    expect(
      await second.then(
        () => 'started',
        ({ message }: Error) => message,
      ),
    ).toMatch(/LISTEN_FAILED[\s\S]*another program is listening there/);
    expect(await answers(gateway)).toContain('"hi"');
  });

  test('are shown over IPv6 as well', async () => {
    await using gateway = await startInProcess(configOf(DEMO, on.listeners({}, { listen: '[::1]:0' })));
    expect(gateway.url).toStartWith('https://[::1]:');
    const { port } = new URL(gateway.url);
    const said = await shake(
      gateway.url,
      { host: '::1', port: Number(port) },
      HEAD.replace('127.0.0.1', '[::1]'),
    );
    expect(said).toMatchObject({ protocol: 'TLSv1.3', said: expect.stringMatching(/^HTTP\/1.1 404/) });
  });

  test('say how many days they have', async () => {
    await using gateway = await startInProcess(configOf(DEMO, on.listeners()));
    const days = await gateway.figure('certificateDays');
    expect(days).toBeGreaterThan(9 * 365);
    expect(days).toBeLessThan(9 * 366);
  });
});

describe('clients', () => {
  const asked = (require: boolean) => on.listeners({ client: { ca: on.path('ca.pem'), require } });
  const start = (require: boolean) => {
    const { seen, plugin } = watcher();
    const config = configOf(DEMO, { ...asked(require), pipeline: [{ watcher: {} }] });
    return startInProcess(config, { plugins: { watcher: plugin } }).then((gateway) => ({ gateway, seen }));
  };

  test('must show a certificate of the authority where one is required', async () => {
    const { gateway, seen } = await start(true);
    await using _ = gateway;
    const stranger = secured();
    const own = on.authority.issue({ host: 'robot' });
    const refused = [
      undefined,
      stranger.authority.issue({ host: 'robot' }),
      on.authority.issue({ host: 'robot', years: [-2, -1] }),
    ];
    stranger[Symbol.dispose]();
    for (const shown of refused) expect(await answers(gateway, shown).catch(() => 'refused')).toBe('refused');
    expect(seen).toEqual([]);
    for (const reason of ['no_certificate', 'certificate', 'expired'])
      expect([reason, await gateway.figure('tlsFailures', { reason })]).toEqual([reason, 1]);
    expect(await answers(gateway, own)).toContain('"hi"');
    expect(seen).toEqual([
      {
        address: '127.0.0.1',
        tls: {
          subject: 'CN=robot',
          issuer: 'CN=an authority',
          san: { dns: ['robot'] },
          fingerprint256: printOf(own.cert).replaceAll(':', '').toLowerCase(),
          validTo: Date.parse(new X509Certificate(own.cert).validTo),
          authorized: true,
          raw: true,
        },
      },
    ]);
  });

  test('a certificate cannot be left out by leaving out the name of the server', async () => {
    on.write('b', { host: 'b.test' });
    const hosts = { 'b.test': { cert: on.path('b.pem'), key: on.path('b.key') } };
    const client = { ca: on.path('ca.pem') };
    await using gateway = await startInProcess(configOf(DEMO, on.listeners({ hosts, client })));
    for (const options of [{}, { servername: 'b.test' }, { servername: 'other.test' }])
      expect(await shake(gateway.url, { ...options, maxVersion: 'TLSv1.2' }, HEAD)).toMatchObject({
        said: '',
      });
    expect(await gateway.figure('tlsFailures', { reason: 'no_certificate' })).toBe(3);
  });

  test('are told apart where it is only asked for', async () => {
    const { gateway, seen } = await start(false);
    await using _ = gateway;
    const stranger = secured();
    for (const shown of [
      undefined,
      stranger.authority.issue({ host: 'robot' }),
      on.authority.issue({ host: '10.1.2.3' }),
    ])
      expect(await answers(gateway, shown)).toContain('"hi"');
    stranger[Symbol.dispose]();
    expect(seen).toMatchObject([
      { address: '127.0.0.1', tls: undefined },
      { tls: { authorized: false, subject: 'CN=robot' } },
      { tls: { authorized: true, san: { ip: ['10.1.2.3'] } } },
    ]);
  });

  test('are not who a header says they are', async () => {
    const { gateway, seen } = await start(false);
    await using _ = gateway;
    const headers = {
      ...HEADERS,
      forwarded: 'for=192.0.2.7',
      'x-forwarded-for': '192.0.2.7',
      'x-real-ip': '192.0.2.7',
      'x-client-cert': 'robot',
    };
    await (await trusting(on.authority.cert)(gateway.url, { ...CALL, headers, keepalive: false })).text();
    expect(seen).toMatchObject([{ address: '127.0.0.1', tls: undefined }]);
  });

  test('that come back with a session of theirs are still themselves', async () => {
    const { gateway, seen } = await start(true);
    await using _ = gateway;
    const { cert, key } = on.authority.issue({ host: 'robot' });
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const { hostname: host, port } = new URL(gateway.url);
    const first = connectTls({ host, port: Number(port), cert, key, rejectUnauthorized: false }, () =>
      first.write(HEAD),
    );
    first
      .on('session', resolve)
      .on('error', () => {})
      .resume();
    const session = await promise;
    const body = JSON.stringify(echo);
    const head = Object.entries({
      ...HEADERS,
      host: '127.0.0.1',
      connection: 'close',
      'content-length': `${body.length}`,
    });
    const text = `POST /mcp HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
    const again = await shake(gateway.url, { session, cert, key }, text);
    expect(again).toMatchObject({ resumed: true, said: expect.stringContaining('"hi"') });
    expect(seen).toMatchObject([{ tls: { authorized: true, subject: 'CN=robot' } }]);
  });
});
