// Callers with a certificate, and those on a Unix socket: whom they stand for.
import { describe, expect, test } from 'bun:test';
import { certificates, certificatesSchema } from '../../plugins/auth/certificates.ts';
import { peers, peersSchema } from '../../plugins/auth/peers.ts';
import type { PeerCertificate } from '../../src/core/peer.ts';
import { attempt, type Brought } from '../fixtures/auth/attempt.ts';
import { NOW } from '../fixtures/signing/mutations.ts';

const problems = (schema: typeof certificatesSchema | typeof peersSchema, rules: unknown): string[] =>
  (schema.safeParse(rules).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('certificates', () => {
  const fingerprint256 = '0a'.repeat(32);
  const certificate: PeerCertificate = {
    subject: 'CN=agent-7,OU=Agents,O=Acme',
    issuer: 'CN=Acme Agents,O=Acme',
    san: {
      dns: ['seven.agents.acme.example'],
      uri: ['spiffe://acme.example/agent/seven'],
      email: ['seven@acme.example', '7@acme.example'],
    },
    fingerprint256,
    validTo: NOW + 1_000,
    authorized: true,
    raw: () => new Uint8Array(),
  };
  const verdict = async (rules: object[], tls: Partial<PeerCertificate> = {}, more: Brought = {}) =>
    certificates(certificatesSchema.parse(rules)).verify(
      attempt({ peer: { tls: { ...certificate, ...tls } }, ...more }),
    );
  const fits = async (rule: object, tls?: Partial<PeerCertificate>): Promise<boolean> =>
    (await verdict([{ ...rule, principal: 'p' }], tls))?.kind === 'found';

  test('the first rule that fits says whom it stands for, until it ends', async () => {
    const rules = [
      { dns: '*.other.example', principal: 'other' },
      {
        subject: 'CN=*,OU=Agents,O=Acme',
        principal: 'agent',
        tenant: 'acme',
        scopes: ['mcp:use'],
        groups: ['g'],
      },
      { issuer: 'CN=Acme Agents,O=Acme', principal: 'late' },
    ];
    expect(await verdict(rules)).toEqual({
      kind: 'found',
      principal: { id: 'agent', tenant: 'acme', scopes: ['mcp:use'], groups: ['g'], expires: NOW + 1_000 },
    });
  });
  for (const [rule, isFit] of [
    [{ subject: certificate.subject }, true],
    [{ subject: 'CN=agent-7' }, false],
    [{ subject: 'CN=*,O=Acme' }, false],
    [{ subject: 'cn=agent-7,OU=Agents,O=Acme' }, false],
    [{ issuer: 'CN=Acme Agents,O=Acme', subject: 'CN=*,OU=Agents,O=Acme' }, true],
    [{ issuer: 'CN=Others,O=Acme', subject: 'CN=*,OU=Agents,O=Acme' }, false],
    [{ dns: '*.agents.acme.example' }, true],
    [{ dns: '*.Agents.ACME.example' }, true],
    [{ dns: '*.acme.example' }, false],
    [{ dns: '*' }, false],
    [{ dns: 'seven.agents.acme.exampl.' }, false],
    [{ uri: 'spiffe://acme.example/agent/*' }, true],
    [{ uri: 'spiffe://acme.example/*' }, false],
    [{ uri: 'spiffe://*/agent/seven' }, true],
    [{ email: '*@acme.example' }, true],
    [{ email: '7@acme.example' }, true],
    [{ email: '*' }, false],
    [{ ip: '192.0.2.7' }, false],
    [{ uri: 'spiffe://acme.example/agent/s*v*n' }, true],
    [{ uri: 'spiffe://acme.example/agent/*seven' }, false],
    [{ uri: 'spiffe://acme.example/agent/seven*' }, false],
    [{ uri: 'spiffe://acme.example/agent/se*even' }, false],
    [{ uri: 'spiffe://acme.example/agent/*' + '/' }, false],
    [{ fingerprint: fingerprint256 }, true],
    [{ fingerprint: Array(32).fill('0A').join(':') }, true],
    [{ fingerprint: '0b'.repeat(32) }, false],
    [{ fingerprint: fingerprint256, email: 'x@acme.example' }, false],
  ] as const) {
    test(`${JSON.stringify(rule)} ${isFit ? 'fits' : 'does not fit'}`, async () =>
      expect(await fits(rule)).toBe(isFit));
  }
  test('a name that is long takes no long time', async () => {
    const uri = `spiffe://acme.example/agent/${'a'.repeat(1_000_000)}`;
    expect(await fits({ uri: 'spiffe://acme.example/agent/*a*a*a*b' }, { san: { uri: [uri] } })).toBe(false);
  });
  for (const subject of [
    'CN=x\\,OU=Agents\\,O=Acme',
    'CN=x\\,OU=Agents,O=Acme',
    'CN=a+UID=b,OU=Agents,O=Acme',
  ])
    test(`"*" stands for no part of ${subject}`, async () =>
      expect(await fits({ subject: 'CN=*,OU=Agents,O=Acme' }, { subject })).toBe(false));

  test('what is its id, where no principal is written', async () => {
    const idBy = async (id: string | undefined, tls?: Partial<PeerCertificate>) => {
      const found = await verdict([{ issuer: certificate.issuer, ...(id && { id }) }], tls);
      return found?.kind === 'found' ? found.principal.id : found?.reason;
    };
    expect(await idBy(undefined)).toBe(`subject:${certificate.subject}`);
    expect(await idBy('fingerprint')).toBe(`fingerprint:${fingerprint256}`);
    expect(await idBy('uri')).toBe('uri:spiffe://acme.example/agent/seven');
    expect(await idBy('dns')).toBe('dns:seven.agents.acme.example');
    expect(await idBy('email')).toBe('certificate_without_id');
    expect(await idBy('ip')).toBe('certificate_without_id');
    expect(await idBy('subject', { subject: '' })).toBe('certificate_without_id');
  });
  test('one that is not verified, is over, or fits no rule is refused', async () => {
    const all = [{ issuer: certificate.issuer, principal: 'p' }];
    expect(await verdict(all, { authorized: false })).toMatchObject({ reason: 'certificate_not_verified' });
    expect(await verdict(all, { validTo: NOW })).toMatchObject({ reason: 'certificate_expired' });
    expect(await verdict(all, { issuer: 'CN=Others' })).toMatchObject({ reason: 'certificate_unknown' });
  });
  test('without one, or beside a token, another method decides', async () => {
    const rules = [{ issuer: certificate.issuer, principal: 'p' }];
    expect(await verdict(rules, {}, { peer: {} })).toBeUndefined();
    expect(await verdict(rules, {}, { headers: { authorization: 'Bearer x' } })).toBeUndefined();
  });
  for (const [what, rules, problem] of [
    ['no rule', [], ': '],
    ['a rule for all', [{ principal: 'p' }], '0: needs something of the certificate'],
    ['a fingerprint that is none', [{ fingerprint: 'xx' }], '0.fingerprint: not a SHA-256'],
    ['an unknown field', [{ cn: 'x' }], '0: '],
  ] as const) {
    test(`${what} is refused`, () => expect(problems(certificatesSchema, rules)[0]).toStartWith(problem));
  }
});

describe('peers', () => {
  const verdict = async (rules: object[], credentials?: { uid: number; gid: number }, more: Brought = {}) =>
    peers(peersSchema.parse(rules)).verify(
      attempt({ peer: { ...(credentials && { credentials }) }, ...more }),
    );
  const user = { uid: 1000, gid: 100 };

  test('the first rule that fits says whom a user stands for', async () => {
    expect(
      await verdict(
        [
          { uid: 0, principal: 'root' },
          { uid: 1000, tenant: 'acme', scopes: ['s'] },
        ],
        user,
      ),
    ).toEqual({
      kind: 'found',
      principal: { id: 'uid:1000', tenant: 'acme', scopes: ['s'] },
    });
    expect(await verdict([{ gid: 100, principal: 'staff' }], user)).toMatchObject({
      principal: { id: 'staff' },
    });
    expect(await verdict([{ gid: 100 }], user)).toMatchObject({ principal: { id: 'uid:1000' } });
  });
  test('a user that fits none is refused', async () => {
    for (const rule of [{ uid: 1001 }, { gid: 1000 }, { uid: 1000, gid: 1000 }, { uid: 0, gid: 100 }])
      expect(await verdict([rule], user)).toMatchObject({ reason: 'peer_unknown' });
  });
  test('root is a number like others', async () => {
    expect(await verdict([{ uid: 1 }], { uid: 0, gid: 0 })).toMatchObject({ reason: 'peer_unknown' });
    expect(await verdict([{ uid: 0, gid: 0 }], { uid: 0, gid: 0 })).toMatchObject({
      principal: { id: 'uid:0' },
    });
  });
  test('beside a token, or where nobody knows the user, another method decides', async () => {
    expect(await verdict([{ uid: 1000 }])).toBeUndefined();
    expect(await verdict([{ uid: 1000 }], user, { headers: { authorization: 'Bearer x' } })).toBeUndefined();
  });
  test('a rule for all is refused', () => {
    expect(problems(peersSchema, [{ principal: 'p' }])).toEqual(['0: needs uid or gid']);
    expect(problems(peersSchema, [{ uid: -1 }])[0]).toStartWith('0.uid');
  });
});
