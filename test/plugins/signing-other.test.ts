// The schemes api-key and standard-webhooks, and key rings.
import { describe, expect, test } from 'bun:test';
import { type Named, newestKey, validKeys } from '../../plugins/signatures/keys.ts';
import { NonceMemory } from '../../plugins/signatures/nonces.ts';
import {
  signWebhook,
  verifyWebhook,
  WEBHOOK_HEADERS,
  webhooksSchema,
} from '../../plugins/signatures/webhooks.ts';
import { apiKeySchema, signApiKey } from '../../plugins/signing/api-key.ts';
import { CALL, FORTY, flip, mutations, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { ROOM, ruleOf } from '../fixtures/signing/rule.ts';
import { verifyApiKey } from '../fixtures/signing/verify.ts';

describe('api-key', () => {
  const headers = { key: 'x-api-key', secret: 'x-api-secret' };
  const keys = [{ api_key: 'ak-0123456789', api_secret: 'as-abcdefghij' }];
  const signed = signedWith(CALL, signApiKey(headers, keys, NOW));
  const rule = { headers, keys, now: NOW };
  const flips = Object.values(headers).flatMap((name) =>
    [...(signed.headers[name] ?? '')].map((_, at) =>
      signedWith(signed, { [name]: flip(signed.headers[name] ?? '', at) }),
    ),
  );
  const all = [...mutations(signed, Object.values(headers), {}).map(([, mutated]) => mutated), ...flips];

  test('key and secret stand in their headers, and hold', () => {
    expect(signApiKey(headers, keys, NOW)).toEqual({
      'x-api-key': 'ak-0123456789',
      'x-api-secret': 'as-abcdefghij',
    });
    expect(() => verifyApiKey(signed, rule)).not.toThrow();
  });
  test('each of more than forty mutations is refused', () => {
    expect(all.length).toBeGreaterThanOrEqual(FORTY);
    for (const mutated of all) expect(() => verifyApiKey(mutated, rule)).toThrow('the signature is refused');
  });
  test('a key alone is sent alone', () => {
    expect(signApiKey(headers, [{ api_key: 'k' }], NOW)).toEqual({ 'x-api-key': 'k' });
  });
  test('the secret of one key does not fit another', () => {
    const two = [...keys, { api_key: 'other', api_secret: 'their own' }];
    expect(() => verifyApiKey(signedWith(signed, { 'x-api-key': 'other' }), { ...rule, keys: two })).toThrow(
      'signature_wrong',
    );
  });
  test('a key that cannot stand in a header is refused, and not repeated', () => {
    const { error } = apiKeySchema.safeParse({ scheme: 'api-key', keys: [{ api_key: 'my\nsecret' }] });
    expect(error?.issues.map(({ message }) => message)).toEqual(['cannot stand in a header']);
  });
});

describe('standard-webhooks', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const vector = { ...CALL, body: '{"test": 2432232314}' };
  const at = 1_614_265_330_000;
  const rule = (more: object = {}) => ({
    ...ruleOf({ headers: WEBHOOK_HEADERS, keys: [{ secret }], skew: 300_000, ...more }),
  });

  test('the published vector', () => {
    const headers = signWebhook(vector, WEBHOOK_HEADERS, [{ secret }], at, 'msg_p5jXN8AQM9LWM0D4loKWxJek');
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
    expect(() => verifyWebhook(signedWith(vector, headers), rule({ now: at }))).not.toThrow();
  });

  const signed = signedWith(
    CALL,
    signWebhook(CALL, WEBHOOK_HEADERS, [{ secret }], NOW, 'msg_0123456789abcdef'),
  );
  // A second signature, or another version, may stand beside one that holds.
  const all = mutations(signed, Object.values(WEBHOOK_HEADERS), { body: true });
  test('what was signed holds, once', () => {
    const nonces = new NonceMemory(ROOM);
    expect(() => verifyWebhook(signed, rule({ nonces }))).not.toThrow();
    expect(() => verifyWebhook(signed, rule({ nonces }))).toThrow('replayed');
    expect(() => verifyWebhook(signed, rule({ now: NOW + 300_001 }))).toThrow('too_old');
    expect(() => verifyWebhook(signed, rule({ now: NOW - 300_001 }))).toThrow('too_new');
  });
  test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
  for (const [name, mutated] of all) {
    test(`${name} is refused`, () =>
      expect(() => verifyWebhook(mutated, rule())).toThrow('the signature is refused'));
  }
  test('while keys overlap both sign, the newest first, and each receiver is served', () => {
    const next = { secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`, not_before: NOW - 1 };
    const both = signWebhook(CALL, WEBHOOK_HEADERS, [{ secret }, next], NOW);
    expect(both['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const keys of [[{ secret }], [next]]) {
      expect(() => verifyWebhook(signedWith(CALL, both), rule({ keys }))).not.toThrow();
    }
  });
  test('a secret in another form is refused', () => {
    for (const wrong of ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_c2hvcnQ=', 'whsec_!']) {
      const { error } = webhooksSchema.safeParse({
        scheme: 'standard-webhooks',
        keys: [{ id: 'k', secret: wrong }],
      });
      expect(error?.issues.map(({ message }) => message)).toEqual([
        'must be whsec_ and the Base64 of 24 to 64 bytes',
      ]);
    }
  });
});

describe('a ring of keys', () => {
  const [old, now, next]: [Named, Named, Named] = [
    { id: 'old', not_after: NOW + 10 },
    { id: 'now', not_before: NOW - 10 },
    { id: 'next', not_before: NOW + 5 },
  ];
  const keys = [next, old, now];
  test('the newest valid one signs', () => {
    expect(newestKey(keys, NOW - 11).id).toBe('old');
    expect(newestKey(keys, NOW).id).toBe('now');
    expect(newestKey(keys, NOW + 5).id).toBe('next');
    expect(validKeys(keys, NOW + 5).map(({ id }) => id)).toEqual(['next', 'now', 'old']);
    expect(validKeys(keys, NOW + 10).map(({ id }) => id)).toEqual(['next', 'now']);
  });
  test('of two that are as new, the later in the list', () => {
    expect(newestKey<Named>([{ id: 'a' }, { id: 'b' }], NOW).id).toBe('b');
  });
  test('none is an error', () => expect(() => newestKey([next], NOW)).toThrow('no key is valid now'));
});
