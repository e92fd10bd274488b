// Certificates that are renewed while a listener works: by whom they are noticed, and by whom they must not be.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { json, modern, modernHeaders } from '../fixtures/raw.ts';
import { type Secured, secured, shake } from '../fixtures/secured.ts';
import { until } from '../fixtures/until.ts';

let on: Secured;
beforeEach(() => {
  on = secured();
});
afterEach(() => on[Symbol.dispose]());

const BODY = JSON.stringify(modern('tools/call', { name: 'echo', arguments: { text: 'hi' } }));
const HEADERS = { ...json, ...modernHeaders('tools/call', 'echo'), 'content-length': String(BODY.length) };
const CLOSING = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';

/** The file of a certificate whose connections get it now. */
const shown = async (url: string): Promise<string | undefined> => (await shake(url, {}, CLOSING)).fingerprint;
const printOf = (file: string): string => new X509Certificate(readFileSync(file, 'utf8')).fingerprint256;
const renewals = ({ lines }: InProcess): number =>
  lines.filter(({ message }) => message === 'certificates renewed').length;

function callOnce(url: string, agent: Agent): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asking = request(url, { method: 'POST', headers: HEADERS, agent }, (response) => {
    let text = '';
    response.on('data', (bytes) => {
      text += bytes;
    });
    response.on('end', () => resolve(text)).on('error', reject);
  });
  asking.on('error', reject).end(BODY);
  return promise;
}

/** Calls in a row, on one connection or each on its own, until it is told to stop. */
async function load(url: string, keepAlive: boolean, until: { over: boolean }) {
  const agent = new Agent({ ca: on.authority.cert, keepAlive, maxSockets: 1 });
  const outcome = { done: 0, failed: [] as string[] };
  while (!until.over) {
    const text = await callOnce(url, agent).catch((error: Error) => error.message);
    if (text.includes('"hi"')) outcome.done++;
    else outcome.failed.push(text);
  }
  agent.destroy();
  return outcome;
}

test('twenty renewals under load, of files and by reload, and no call fails', async () => {
  const config = configOf(DEMO, on.listeners({ look: '5ms' }));
  await using gateway = await startInProcess(config);
  const flag = { over: false };
  const clients = [true, true, true, false, false, false].map((kept) => load(gateway.url, kept, flag));
  const seen = new Set([await shown(gateway.url)]);
  for (let round = 1; round <= 20; round++) {
    on.write('own', { host: '127.0.0.1' });
    if (round % 2 === 0) await gateway.reload();
    await until(() => renewals(gateway) >= round);
    expect(await shown(gateway.url)).toBe(printOf(on.path('own.pem')));
    seen.add(await shown(gateway.url));
  }
  flag.over = true;
  const outcomes = await Promise.all(clients);
  expect(outcomes.flatMap(({ failed }) => failed)).toEqual([]);
  for (const { done } of outcomes) expect(done).toBeGreaterThan(0);
  expect(seen.size).toBe(21);
  expect(await gateway.figure('tlsFailures')).toBe(0);
}, 60_000);

test('a directory that is exchanged by its link, as Kubernetes does it, is noticed', async () => {
  const versions = ['one', 'two'].map((name) => {
    const dir = on.path(name);
    mkdirSync(dir);
    const { cert, key } = on.authority.issue({ host: '127.0.0.1' });
    writeFileSync(`${dir}/tls.crt`, cert);
    writeFileSync(`${dir}/tls.key`, key);
    return dir;
  });
  symlinkSync('one', on.path('..data'));
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, on.path(file));
  const tls = { cert: on.path('tls.crt'), key: on.path('tls.key'), look: '5ms' };
  await using gateway = await startInProcess(configOf(DEMO, on.listeners(tls)));
  expect(await shown(gateway.url)).toBe(printOf(`${versions[0]}/tls.crt`));
  symlinkSync('two', on.path('..next'));
  renameSync(on.path('..next'), on.path('..data'));
  rmSync(on.path('one'), { recursive: true });
  await until(() => renewals(gateway) > 0);
  expect(await shown(gateway.url)).toBe(printOf(`${versions[1]}/tls.crt`));
});

test('what cannot be used is told once, and the old certificate stays', async () => {
  await using gateway = await startInProcess(configOf(DEMO, on.listeners({ look: '5ms' })));
  const before = await shown(gateway.url);
  const complaints = () =>
    gateway.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.reason);
  writeFileSync(on.path('own.key'), on.authority.issue({ host: 'another' }).key);
  await until(() => complaints().length > 0);
  rmSync(on.path('own.pem'));
  await until(() => complaints().length > 1);
  expect(complaints()).toEqual([
    'the key does not belong to the certificate',
    expect.stringContaining('ENOENT'),
  ]);
  expect(await shown(gateway.url)).toBe(before as string);
  on.write('own', { host: '127.0.0.1' });
  await until(() => renewals(gateway) > 0);
  expect(await shown(gateway.url)).toBe(printOf(on.path('own.pem')));
});

test('a reload takes other files and names, refuses what cannot be used, and leaves the rest for a restart', async () => {
  await using gateway = await startInProcess(configOf(DEMO, on.listeners({ look: '1h' })));
  on.write('b', { host: 'b.test' });
  const other = { cert: on.path('b.pem'), key: on.path('b.key'), look: '1h' };
  gateway.configure(configOf(DEMO, on.listeners(other)));
  expect(await gateway.reload()).toMatchObject({
    ok: true,
    plan: { changes: [{ sign: '~', what: 'listeners.tls' }] },
  });
  expect(await shown(gateway.url)).toBe(printOf(on.path('b.pem')));

  gateway.configure(configOf(DEMO, on.listeners({ ...other, key: on.path('own.key') })));
  expect(await gateway.reload()).toMatchObject({ ok: false, diagnostics: [{ code: 'CERTIFICATE_INVALID' }] });

  gateway.configure(configOf(DEMO, on.listeners({ ...other, min_version: 'TLSv1.3' })));
  expect(await gateway.reload()).toMatchObject({
    ok: true,
    plan: { changes: [{ sign: '!', what: 'listeners changed', note: 'needs a restart, ignored' }] },
  });
});

test('clients are asked for those whom the new authorities vouch for', async () => {
  const client = { ca: on.path('clients.pem') };
  const old = secured();
  writeFileSync(on.path('clients.pem'), old.authority.cert);
  await using gateway = await startInProcess(configOf(DEMO, on.listeners({ look: '5ms', client })));
  const said = async (shown: { cert: string; key: string }, servername?: string) =>
    (await shake(gateway.url, { ...shown, ...(servername && { servername }) }, CLOSING)).said.slice(0, 12);
  const [known, unknown] = [old.authority.issue({ host: 'robot' }), on.authority.issue({ host: 'robot' })];
  expect([await said(known), await said(unknown)]).toEqual(['HTTP/1.1 404', '']);
  writeFileSync(on.path('clients.pem'), on.authority.cert);
  await until(() => renewals(gateway) > 0);
  expect([await said(known), await said(unknown), await said(unknown, 'a.test')]).toEqual([
    '',
    'HTTP/1.1 404',
    'HTTP/1.1 404',
  ]);
  old[Symbol.dispose]();
});

test('a session of before is worth nothing once nobody vouches for its client', async () => {
  const client = { ca: on.path('clients.pem') };
  const old = secured();
  writeFileSync(on.path('clients.pem'), old.authority.cert);
  await using gateway = await startInProcess(configOf(DEMO, on.listeners({ look: '5ms', client })));
  const known = old.authority.issue({ host: 'robot' });
  const session = await sessionOf(gateway.url, known);
  expect(await shake(gateway.url, { ...known, session }, CLOSING)).toMatchObject({ resumed: true });
  writeFileSync(on.path('clients.pem'), on.authority.cert);
  await until(() => renewals(gateway) > 0);
  expect((await shake(gateway.url, { ...known, session }, CLOSING)).said).toBe('');
  old[Symbol.dispose]();
});

test('a connection ends when nobody vouches for its client any more, and no other does', async () => {
  const client = { ca: on.path('clients.pem') };
  const old = secured('another authority');
  writeFileSync(on.path('clients.pem'), `${old.authority.cert}\n${on.authority.cert}`);
  await using gateway = await startInProcess(configOf(DEMO, on.listeners({ look: '5ms', client })));
  const agentOf = (shown: { cert: string; key: string }) =>
    new Agent({ ca: on.authority.cert, keepAlive: true, maxSockets: 1, ...shown });
  const leaving = agentOf(old.authority.issue({ host: 'robot' }));
  const staying = agentOf(on.authority.issue({ host: 'robot' }));
  expect(await callOnce(gateway.url, leaving)).toContain('"hi"');
  expect(await callOnce(gateway.url, staying)).toContain('"hi"');
  const [kept] = Object.values(staying.freeSockets).flat();
  writeFileSync(on.path('clients.pem'), on.authority.cert);
  await until(() => renewals(gateway) > 0);
  await until(() => Object.values(leaving.freeSockets).flat().length === 0);
  await expect(callOnce(gateway.url, leaving)).rejects.toThrow();
  expect(await callOnce(gateway.url, staying)).toContain('"hi"');
  expect(Object.values(staying.freeSockets).flat()).toEqual([kept]);
  leaving.destroy();
  staying.destroy();
  old[Symbol.dispose]();
});

/** What a client keeps of a connection, to come back with. */
function sessionOf(url: string, shown: { cert: string; key: string }): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port), ...shown, rejectUnauthorized: false }, () =>
    socket.write(CLOSING),
  );
  socket
    .on('session', resolve)
    .on('error', () => {})
    .resume();
  return promise;
}
