// The entry itself: what needs no method of proof.
import { describe, expect, test } from 'bun:test';
import { testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';
import { principalFact } from '../../src/plugin.ts';

const headersOf = (authorization: string) => ({ authorization });

describe('anonymous callers', () => {
  test('are let in where it is written, as whom it says', async () => {
    await using plain = await testPlugin(auth, { anonymous: true });
    const { result, get } = await plain.call({ method: 'tools/list' });
    expect([result.kind, get(principalFact)]).toMatchObject(['complete', { id: 'anonymous', scopes: [] }]);
    expect(plain.counts.get('found{kind=anonymous}')).toBe(1);
    await using named = await testPlugin(auth, {
      anonymous: { id: 'guest', scopes: ['read'], public: true },
    });
    expect((await named.call({ method: 'tools/list' })).get(principalFact)).toMatchObject({
      id: 'guest',
      scopes: ['read'],
    });
  });

  test.each([
    'Bearer x',
    'Basic eDp5',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer\ta',
    'Bearer a\u00a0',
    '',
  ])('who sends %p is none of them', async (authorization) => {
    await using harness = await testPlugin(auth, { anonymous: true });
    const { result, request } = await harness.call({
      method: 'tools/list',
      headers: headersOf(authorization),
    });
    expect([result.http, request]).toEqual([401, undefined]);
    expect(result.headers?.['www-authenticate']).toStartWith('Bearer error="invalid_');
  });
});

test('nobody is refused silently: the reason is counted and told, with nothing of the credential', async () => {
  await using harness = await testPlugin(auth, { anonymous: true });
  const { result } = await harness.call({ method: 'tools/list', headers: headersOf('Bearer canary') });
  expect(result.why).toEqual({ by: 'none', reason: 'scheme_unknown' });
  expect(JSON.stringify([result, harness.log])).not.toContain('canary');
  expect(harness.counts.get('refused{kind=none,reason=scheme_unknown}')).toBe(1);
});

test('what the gateway asks by itself runs as whom its client is, while that is proven', async () => {
  await using harness = await testPlugin(auth, { peers: [{ uid: 0, principal: 'root' }] });
  const by = async (principal: object) => {
    const call = { method: 'subscriptions/listen', inbound: { isOwn: true }, principal };
    return (await harness.call(call)).result.http;
  };
  const ended = AbortSignal.abort();
  expect(await by({ id: 'ada', expires: harness.now() + 1 })).toBeUndefined();
  for (const principal of [{}, { id: 'ada', expires: harness.now() }, { id: 'ada', ends: ended }])
    expect(await by(principal)).toBe(401);
});

test('an entry that lets nobody in is no configuration, and neither is one of an upstream', async () => {
  await expect(testPlugin(auth, {})).rejects.toThrow('nobody could prove anything');
  for (const options of [{}, { dpop: {} }, { scopes: ['mcp:use'] }])
    expect(auth.schema.safeParse(options).error?.issues).toMatchObject([
      { message: expect.stringContaining('nobody could prove anything') },
    ]);
  expect(auth.schema.safeParse({ anonymous: true }).success).toBe(true);
  await expect(testPlugin(auth, { anonymous: true }, { upstream: 'one' })).rejects.toThrow(
    'of all upstreams',
  );
});
