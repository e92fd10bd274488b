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

  test('the vector of its library in Rust', () => {
    const message = { ...CALL, body: '{"email":"test@example.com","username":"test_user"}' };
    const keys = [{ secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' }];
    const id = 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk';
    const headers = signWebhook(message, WEBHOOK_HEADERS, keys, 1_649_367_553_000, id);
    expect(headers['webhook-signature']).toBe('v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=');
    expect(() =>
      verifyWebhook(signedWith(message, headers), rule({ keys, now: 1_649_367_553_000 })),
    ).not.toThrow();
  });

  describe('several signatures, as its libraries are tested', () => {
    const own = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    const having = (signature: string) => () =>
      verifyWebhook(
        signedWith(vector, {
          'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
          'webhook-timestamp': '1614265330',
          'webhook-signature': signature,
        }),
        rule({ now: at }),
      );
    const other = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
    const ed25519 =
      'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';
    for (const list of [
      [own],
      [other, other.replace('v1', 'v2'), own, other],
      [
        'v1,tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ=',
        'v1,Mm7xgUVICxZfQ3bgf0h0Dof65L/IFx+PnZvnDWPCX6Q=',
        own,
        'v1,9DfC1c3eeOrXB6w/5dIDydLNQaEyww5KalE5jLBZucE=',
      ],
      [own, ed25519],
      [ed25519, own],
    ])
      test(`one of ${list.length} holds: ${list.join(' ')}`, () =>
        expect(having(list.join(' '))).not.toThrow());
    for (const [list, reason] of [
      [[other, other.replace('v1', 'v2'), other], 'signature_wrong'],
      [[own.replace('v1', 'v2')], 'signature_wrong'],
      [[own.replace('v1', 'v1a')], 'signature_wrong'],
      [[ed25519], 'signature_wrong'],
      [['v1,dawfeoifkpqwoekfpqoekf'], 'header_invalid'],
      [[own.slice(0, 8)], 'header_invalid'],
      [['v1,'], 'header_invalid'],
      [[`${own},${own}`], 'header_invalid'],
      [[own, ''], 'header_invalid'],
    ] as const)
      test(`none holds: ${list.join(' ')}`, () => expect(having(list.join(' '))).toThrow(reason));
  });

  test('a message without a body is signed, too', () => {
    const empty = { ...CALL, body: '' };
    const headers = signWebhook(empty, WEBHOOK_HEADERS, [{ secret }], NOW);
    expect(() => verifyWebhook(signedWith(empty, headers), rule())).not.toThrow();
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
    const first = both['webhook-signature']?.split(' ')[0] ?? '';
    const byNext = signedWith(CALL, { ...both, 'webhook-signature': first });
    expect(() => verifyWebhook(byNext, rule({ keys: [next] }))).not.toThrow();
    const ended = { secret, not_after: NOW };
    const alone = signWebhook(CALL, WEBHOOK_HEADERS, [ended, next], NOW)['webhook-signature'];
    expect(alone?.split(' ')).toHaveLength(1);
    expect(() => verifyWebhook(signedWith(CALL, both), rule({ keys: [ended] }))).toThrow('signature_wrong');
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
