// The anchor `timestamp`, against `openssl ts`: what is asked, what is kept, what is refused; and openssl agrees.
import { afterAll, expect, test } from 'bun:test';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stampsIn } from '../../../plugins/audit/anchors/check.ts';
import { askFor, checkStamp } from '../../../plugins/audit/anchors/time-stamp.ts';
import { timestampAnchor, timestampSchema } from '../../../plugins/audit/anchors/timestamp.ts';
import type { DeliveryFault } from '../../../plugins/audit/delivery/fault.ts';
import { sendOnce } from '../../fixtures/audit/outlet.ts';
import { EC, openssl, startTsa, type Tsa } from '../../fixtures/audit/tsa.ts';

const checkpoint = { size: 42, note: 'gw.example.com/1\n42\nroot\n\n— gw.example.com/1 signature\n' };
const content = Buffer.from(checkpoint.note);

/** One authority for all that only reads what it says. */
const tsa = startTsa();
afterAll(() => tsa[Symbol.asyncDispose]());

async function anchored(at: Pick<Tsa, 'url' | 'authority'>, more = {}) {
  const kept = join(mkdtempSync(join(tmpdir(), 'sluice-stamps-')), 'kept');
  const options = timestampSchema.parse({ kind: 'timestamp', url: at.url, authority: at.authority, ...more });
  const wrong = await sendOnce(timestampAnchor(options, { kept, now: () => 0 }), [checkpoint]).then(
    () => undefined,
    (error: DeliveryFault) => error,
  );
  const read = (name: string) => readFileSync(join(kept, name));
  const files = wrong ? [] : readdirSync(kept).sort();
  return { kept, wrong, files, read, [Symbol.dispose]: () => rmSync(join(kept, '..'), { recursive: true }) };
}

test('a checkpoint is stamped, and note and answer are kept beside each other', async () => {
  using it = await anchored(tsa);
  expect(it.wrong).toBeUndefined();
  expect(it.files).toEqual(['42.note', '42.tsr']);
  expect(it.read('42.note').equals(content)).toBe(true);
  expect(statSync(join(it.kept, '42.tsr')).mode & 0o777).toBe(0o600);
  const { time, subject } = checkStamp(it.read('42.tsr'), content, tsa.authority);
  expect(subject).toBe('CN=stamps');
  expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
  // Nothing of the checkpoint went there but its digest.
  const sent = Buffer.from(tsa.requests.at(-1) ?? []);
  expect(sent.includes('gw.example.com')).toBe(false);
  expect(sent.includes(Bun.CryptoHasher.hash('sha256', content))).toBe(true);
});

test('openssl verifies what is kept', async () => {
  using it = await anchored(tsa);
  const said = openssl(
    tsa.directory,
    'ts',
    '-verify',
    '-in',
    join(it.kept, '42.tsr'),
    '-data',
    join(it.kept, '42.note'),
    '-CAfile',
    'ca.pem',
  );
  expect(said).toContain('Verification: OK');
});

test('the certificate that signs may be given itself, in the place of its authority', async () => {
  using it = await anchored({ url: tsa.url, authority: tsa.certificate });
  expect(it.wrong).toBeUndefined();
});

test.each([
  ['elliptic curves', { key: EC }],
  ['elliptic curves and SHA-512', { key: EC, digest: 'sha512' }],
  ['RSA and SHA-384, certificate named by SHA-512', { digest: 'sha384', essAlgorithm: 'sha512' }],
  ['a certificate named by SHA-1', { essAlgorithm: 'sha1' }],
])('an authority with %s', async (_, wanted) => {
  await using other = startTsa(wanted);
  using it = await anchored(other);
  expect(it.wrong).toBeUndefined();
});

const refused = async (at: Pick<Tsa, 'url' | 'authority'>): Promise<string> => {
  using it = await anchored(at);
  expect(it.wrong?.reason).toBe('answer');
  expect(it.files).toEqual([]);
  return it.wrong?.message.replace(/^127\.0\.0\.1:\d+ gave a time stamp that does not hold: /, '') ?? '';
};

test('an authority that nobody trusts', async () => {
  await using other = startTsa({ key: EC });
  expect(await refused({ url: tsa.url, authority: other.authority })).toContain(
    'no authority that is trusted',
  );
});

test.each([
  ['of a server', 'extendedKeyUsage=critical,serverAuth\n'],
  ['for time stamps and more', 'extendedKeyUsage=critical,timeStamping,serverAuth\n'],
  ['for time stamps, which may be overlooked', 'extendedKeyUsage=timeStamping\n'],
])('a certificate %s signs none', async (_, extensions) => {
  // Its own openssl would refuse to begin with, so a good certificate is put in the place of the one that is verified.
  await using good = startTsa({ key: EC });
  openssl(good.directory, 'req', '-new', '-key', 'tsa.key', '-out', 'other.csr', '-subj', '/CN=stamps');
  await Bun.write(join(good.directory, 'other.ext'), extensions);
  openssl(
    good.directory,
    'x509',
    '-req',
    '-in',
    'other.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-out',
    'other.pem',
    '-days',
    '2',
    '-extfile',
    'other.ext',
  );
  const { X509Certificate } = await import('node:crypto');
  const { isForTimeStamps } = await import('../../../plugins/audit/anchors/trusted.ts');
  const certificateOf = (name: string) => new X509Certificate(readFileSync(join(good.directory, name)));
  expect(isForTimeStamps(certificateOf('other.pem'))).toBe(false);
  expect(isForTimeStamps(certificateOf('tsa.pem'))).toBe(true);
});

test('an answer to another request, of other bytes, or of another nonce', async () => {
  const before = tsa.reply(askFor(content).request);
  await using replaying = startTsa({ answer: () => before });
  expect(await refused({ url: replaying.url, authority: tsa.authority })).toContain(
    'answers another request',
  );
  expect(() => checkStamp(before, Buffer.from('other'), tsa.authority)).toThrow('of something else');
});

test('a refusal, half an answer, and what is none', async () => {
  const nothing = Buffer.from('30053003020102', 'hex');
  for (const answer of [nothing, Buffer.from('<html>'), Buffer.alloc(0)]) {
    await using other = startTsa({ key: EC, answer: () => answer });
    expect(await refused(other)).toMatch(/refused to stamp|no time-stamp response/);
  }
  await using half = startTsa({ key: EC, answer: (der) => der.subarray(0, der.length - 40) });
  expect(await refused(half)).not.toBe('');
});

test('each byte of an answer that is changed makes it another one, or none', () => {
  const asked = askFor(content);
  const whole = tsa.reply(asked.request);
  const good = checkStamp(whole, content, tsa.authority, asked.nonce);
  let taken = 0;
  for (let at = 0; at < whole.length; at += 11) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x04;
    try {
      // What is not signed, such as the words of the status, may be changed; what is said may not.
      expect(checkStamp(changed, content, tsa.authority, asked.nonce)).toEqual(good);
      taken++;
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
  expect(taken).toBeLessThan(whole.length / 60);
});

test.each([
  [503, 'busy'],
  [500, 'status'],
  [415, 'status'],
])('an authority that answers %d is asked again later', async (status, reason) => {
  await using other = startTsa({ key: EC, answer: () => new Response('', { status }) });
  using it = await anchored(other);
  expect([it.wrong?.reason, it.wrong?.more.isFinal ?? false]).toEqual([
    reason as DeliveryFault['reason'],
    false,
  ]);
});

test.each([
  ['https://tsa.example.com/tsr', {}, true],
  ['http://tsa.example.com/tsr', {}, false],
  ['http://tsa.example.com/tsr', { unencrypted: true }, true],
  ['http://127.0.0.1:3161/', {}, true],
  ['https://user:secret@tsa.example.com/tsr', {}, false],
  ['ftp://tsa.example.com/', { unencrypted: true }, false],
])('%s %j may be written: %p', (url, more, isAllowed) => {
  const options = { kind: 'timestamp', url, authority: tsa.authority, ...more };
  expect(timestampSchema.safeParse(options).success).toBe(isAllowed);
});

test('what was kept is read again: each stamp with its checkpoint and time, and those that do not hold with why', async () => {
  using it = await anchored(tsa);
  const copy = (name: string, as: string) => writeFileSync(join(it.kept, as), it.read(name));
  copy('42.tsr', '7.tsr');
  copy('42.note', '7.note');
  appendFileSync(join(it.kept, '7.note'), 'more');
  copy('42.note', '99.note');
  const { stamped, faults } = stampsIn(it.kept, tsa.authority);
  expect(stamped).toMatchObject([{ text: checkpoint.note, from: 'kept/42.tsr, CN=stamps' }]);
  expect(stamped[0]?.time).toBe(checkStamp(it.read('42.tsr'), content, tsa.authority).time);
  expect(faults).toEqual([
    { from: 'kept/7.tsr', detail: 'the time stamp is of something else' },
    { from: 'kept/99.tsr', detail: '99.tsr is not there' },
  ]);
});
