// The scheme hmac-v1: published vectors, a gateway's own scheme spelled with it, what verifying refuses.
import { describe, expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import {
  HMAC_FORM,
  type HmacForm,
  type HmacKey,
  hmacSchema,
  signHmac,
  verifyHmac,
} from '../../plugins/signatures/hmac-v1.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import { CALL, FORTY, mutations, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { ROOM, ruleOf } from '../fixtures/signing/rule.ts';
import { vectorsOf } from '../fixtures/signing/vectors.ts';

const key: HmacKey = { id: 'k1', secret: 'a secret of thirty-two bytes, yes', encoding: 'text' };
const rule = (more: object = {}) => ruleOf({ form: HMAC_FORM, keys: [key], ...more });
const vectors = await vectorsOf('hmac-v1');
const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA';

describe('published vectors', () => {
  for (const { name, secret, now, nonce, message, headers } of vectors) {
    test(name, () => {
      const keys = [{ id: 'demo-1', secret, encoding: 'text' as const }];
      expect(signHmac(message, HMAC_FORM, keys, now, nonce)).toEqual(headers);
      expect(verifyHmac(signedWith(message, headers), rule({ keys, now }))).toMatchObject({ id: 'demo-1' });
    });
  }
});

/** The scheme of go-core-stack's auth gateway, as docs/signing.md spells it. */
const gateway: HmacForm = {
  ...HMAC_FORM,
  message: '{method}\n{path_decoded}\n{timestamp}',
  timestamp: 'rfc3339',
};

describe("an auth gateway's own scheme", () => {
  test('the vector its client is tested with', () => {
    const message = { ...CALL, url: 'https://example.com/v1/test?foo=bar' };
    const keys = [{ id: 'key123', secret: 'secret456', encoding: 'text' as const }];
    expect(signHmac(message, gateway, keys, 1_700_000_000_000)).toEqual({
      'x-api-key-id': 'key123',
      'x-timestamp': '2023-11-14T22:13:20Z',
      'x-signature': 'd1bfbc31386e7c029a0c30216ff01f5ed337b6de4bb97ac539c7a7feec125d05',
    });
  });

  test('the vector its library is tested with', () => {
    const message = { ...CALL, url: 'https://example.com/api/service1/v1/scope/abc/test/test1' };
    const keys = [{ id: 'k', secret: 'mysupersecretcode', encoding: 'text' as const }];
    const form = { ...gateway, timestamp: 'seconds' as const };
    expect(signHmac(message, form, keys, 1_748_410_688_000)['x-signature']).toBe(
      '04a41d00f2f133c8746d11c7d3d5bfc547fc514b583e3798b1df2c9c09204461',
    );
  });
});

describe('a server of another kind', () => {
  const lineOf = (url: string, form: HmacForm, text: string): boolean =>
    signHmac({ ...CALL, url }, form, [key], NOW)['x-signature'] ===
    createHmac('sha256', key.secret).update(text).digest('hex');
  test('sees the path without its escapes, or with them', () => {
    const url = 'https://example.com/a%20b/%C3%A4?x=%20';
    const at = '2027-01-15T08:00:00Z';
    expect(lineOf(url, gateway, `POST\n/a b/ä\n${at}`)).toBe(true);
    const raw = { ...gateway, message: '{method}\n{path}\n{timestamp}' };
    expect(lineOf(url, raw, `POST\n/a%20b/%C3%A4\n${at}`)).toBe(true);
    expect(lineOf('https://example.com/%zz', gateway, `POST\n/%zz\n${at}`)).toBe(true);
  });
  test('wants the signature in Authorization, behind the name of its scheme', () => {
    const { headers, prefix } = hmacSchema.parse({
      scheme: 'hmac-v1',
      keys: [{ id: 'k1', secret: key.secret }],
      headers: { key: 'X-Client', timestamp: 'X-Date', nonce: 'X-Once', signature: 'Authorization' },
      prefix: 'HMAC-SHA256 ',
    });
    const form = { ...HMAC_FORM, headers, prefix };
    const signed = signHmac(CALL, form, [key], NOW, NONCE);
    expect(Object.keys(signed)).toEqual(['x-client', 'x-date', 'x-once', 'authorization']);
    expect(signed.authorization).toMatch(/^HMAC-SHA256 [0-9a-f]{64}$/);
    expect(verifyHmac(signedWith(CALL, signed), rule({ form }))).toBe(key);
  });
});

describe('verifying', () => {
  const signed = signedWith(CALL, signHmac(CALL, HMAC_FORM, [key], NOW, NONCE));
  const all = mutations(signed, Object.values(HMAC_FORM.headers), { method: true, url: true, body: true });

  test('what was signed holds', () => expect(verifyHmac(signed, rule())).toBe(key));
  test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
  for (const [name, mutated] of all) {
    test(`${name} is refused`, () =>
      expect(() => verifyHmac(mutated, rule())).toThrow('the signature is refused'));
  }

  const refused = (more: object, message = signed) => expect(() => verifyHmac(message, rule(more)));
  test('a second time is refused, and one that does not hold uses up no nonce', () => {
    const nonces = new NonceMemory(ROOM);
    refused({ nonces }, { ...signed, body: '{}' }).toThrow('signature_wrong');
    expect(verifyHmac(signed, rule({ nonces }))).toBe(key);
    refused({ nonces }).toThrow('replayed');
    refused({ nonces, now: NOW + 60_000 }).toThrow('replayed');
  });
  test('clocks may be apart so far', () => {
    for (const now of [NOW - 60_000, NOW + 60_000]) expect(verifyHmac(signed, rule({ now }))).toBe(key);
    refused({ now: NOW + 60_001 }).toThrow('too_old');
    refused({ now: NOW - 60_001 }).toThrow('too_new');
  });
  test('the key has to be known and valid', () => {
    refused({ keys: [{ ...key, id: 'k2' }] }).toThrow('key_unknown');
    refused({ keys: [{ ...key, not_after: NOW }] }).toThrow('key_not_valid');
    refused({ keys: [{ ...key, not_before: NOW + 1 }] }).toThrow('key_not_valid');
  });
  test('a store of nonces that is full refuses, until some are too old', () => {
    const nonces = new NonceMemory({ each: 1, all: 2 });
    expect(nonces.take('k1', 'another one', 1_000, NOW)).toBe('new');
    refused({ nonces }).toThrow('nonces_full');
    expect(verifyHmac(signed, rule({ nonces, now: NOW + 1_001 }))).toBe(key);
  });
  for (const form of [
    { ...HMAC_FORM, timestamp: 'milliseconds' as const, signature: 'base64' as const, prefix: 'v1=' },
    { ...HMAC_FORM, message: '{timestamp}{nonce}{key_id}{authority}{body}' },
    gateway,
  ]) {
    test(`another form holds, too: ${JSON.stringify(form.message)}`, () => {
      const other = signedWith(CALL, signHmac(CALL, form, [key], NOW));
      expect(verifyHmac(other, rule({ form }))).toBe(key);
      expect(() => verifyHmac(other, rule())).toThrow('the signature is refused');
    });
  }
});

describe('options', () => {
  const problems = (more: object, own: object = {}): string[] => {
    const keys = [{ id: 'k1', secret: key.secret, ...own }];
    const parsed = hmacSchema.safeParse({ scheme: 'hmac-v1', keys, ...more });
    return parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  test('the least there can be', () => expect(problems({})).toEqual([]));
  for (const [what, more, own, problem] of [
    [
      'a short secret',
      {},
      { secret: 'short' },
      'keys.0.secret: the secret has 5 bytes, at least 32 are wanted',
    ],
    ['no Base64', {}, { encoding: 'base64' }, 'keys.0.secret: the secret is not Base64'],
    ['an unknown part', { message: '{timestamp}{date}' }, {}, 'message: knows {timestamp}'],
    ['a prefix of a blank', { prefix: ' ' }, {}, 'prefix: must be ASCII, and begin with a visible'],
    ['no time', { message: '{nonce}{body}' }, {}, 'message: needs {timestamp}'],
    ['two headers of one name', { headers: { key: 'X-A', nonce: 'x-a' } }, {}, 'headers: every header needs'],
    [
      'a header of MCP',
      { headers: { key: 'Mcp-Name' } },
      {},
      'headers.key: this header means something else',
    ],
    ['a time without a zone', {}, { not_after: '2027-01-01T00:00:00' }, 'keys.0.not_after: not a time'],
    [
      'an end before the beginning',
      {},
      { not_before: '2027-01-02T00:00:00Z', not_after: '2027-01-01T00:00:00Z' },
      'keys.0.not_after: must be after',
    ],
  ] as const) {
    test(`${what} is refused, and the secret not repeated`, () => {
      const found = problems(more, own);
      expect(found).toEqual([expect.stringContaining(problem)]);
      expect(found.join()).not.toContain(key.secret);
    });
  }
  test('a short secret may be wanted', () =>
    expect(problems({ key_min: 5 }, { secret: 'short' })).toEqual([]));
  test('two keys of one name are refused', () => {
    const one = { id: 'k1', secret: key.secret };
    expect(problems({ keys: [one, one] })).toEqual(['keys.1: another key has the same name']);
  });
});
