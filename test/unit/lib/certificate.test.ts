// Whether a certificate and a key can be used together, and what is wrong with those that cannot.
import { describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { checkCertified, readCertificates, readPrivateKey } from '../../../src/lib/certificate.ts';
import { alternativeNames } from '../../../src/lib/san.ts';
import { createAuthority } from '../../fixtures/certificates.ts';

const authority = createAuthority('an authority');
const good = authority.issue({ host: 'a.test' });
const other = authority.issue({ host: '10.0.0.7' });

test('a pair that fits says how long it is valid', () => {
  const { validFrom, validTo } = new X509Certificate(good.cert);
  expect(checkCertified(good)).toEqual({ from: Date.parse(validFrom), to: Date.parse(validTo) });
  expect(checkCertified({ ...good, cert: good.cert + authority.cert })).not.toHaveProperty('about');
});

describe('of one that does not', () => {
  const armour = (label: string, body = 'AAAA') =>
    `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
  const cases: [string, object, 'cert' | 'key', RegExp][] = [
    ['another key', { key: other.key }, 'key', /does not belong/],
    ['a key for a certificate', { cert: good.key }, 'cert', /private key, not a certificate/],
    ['a certificate for a key', { key: good.cert }, 'key', /no private key in PEM/],
    ['anything', { cert: 'hello' }, 'cert', /no certificate in PEM/],
    ['nothing', { key: '' }, 'key', /no private key in PEM/],
    ['an empty shell', { cert: armour('CERTIFICATE') }, 'cert', /is no certificate/],
    ['a broken chain', { cert: good.cert + armour('CERTIFICATE') }, 'cert', /is no certificate/],
    ['an empty key', { key: armour('PRIVATE KEY') }, 'key', /is no key/],
    ['a key with a passphrase', { key: armour('ENCRYPTED PRIVATE KEY') }, 'key', /encrypted/],
  ];
  test.each(cases)('%s', (_, wrong, about, message) => {
    expect(checkCertified({ ...good, ...wrong })).toEqual({ about, message: expect.stringMatching(message) });
  });
});

test('nothing that was read is repeated', () => {
  const secret = 'MIIsecret';
  for (const read of [readCertificates, readPrivateKey])
    expect(() => read(`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
});

describe('alternative names', () => {
  const namesOf = (pem: string) => alternativeNames(new X509Certificate(pem).raw);

  test('are read by kind', () => {
    expect([namesOf(good.cert), namesOf(other.cert), namesOf(authority.cert)]).toEqual([
      { dns: ['a.test'] },
      { ip: ['10.0.0.7'] },
      {},
    ]);
  });

  test('stay apart whatever they hold', () => {
    const sly = authority.issue({ host: 'a.test, DNS:admin.test' });
    expect(namesOf(sly.cert)).toEqual({ dns: ['a.test, DNS:admin.test'] });
  });

  test('of what is cut short or no certificate are none', () => {
    const { raw } = new X509Certificate(good.cert);
    for (let length = 0; length < raw.length; length += 7)
      expect(alternativeNames(raw.subarray(0, length))).toEqual({});
    expect(alternativeNames(Buffer.from('hello'))).toEqual({});
  });
});
