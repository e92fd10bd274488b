// Tokens that an issuer has signed: what is taken, and everything that is not.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Harness, testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';
import { callerTokenFact, principalFact } from '../../src/plugin.ts';
import { callWith, refusalOf } from '../fixtures/auth/judged.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../fixtures/issuer.ts';

const START = 1_800_000_000_000;
const NOW = START / 1_000;

let issuer: Issuer;
let other: Issuer;
let harness: Harness;

beforeAll(async () => {
  issuer = await startIssuer(() => START);
  other = await startIssuer(() => START);
  harness = await testPlugin(auth, { issuers: [{ issuer: issuer.url }] });
});
afterAll(() => Promise.all([issuer, other, harness].map((each) => each[Symbol.asyncDispose]())));

const call = (authorization: string, by: Harness = harness) => callWith(by, authorization);
const refusal = (token: string, by: Harness = harness) => refusalOf(token, by);

describe('a good token', () => {
  test('is its caller, until it expires and the clocks’ leeway', async () => {
    const token = await issuer.token({ scope: 'a b', groups: ['x'] });
    const { result, get } = await call(`Bearer ${token}`);
    expect(result.kind).toBe('complete');
    expect(get(principalFact)).toEqual({
      ends: expect.any(AbortSignal),
      id: 'ada',
      issuer: issuer.url,
      scopes: ['a', 'b'],
      expires: START + 3_600_000 + 60_000,
    });
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    expect(get(callerTokenFact)).toEqual({ token, type, issuer: issuer.url });
  });

  test.each([
    ['bearer in other letters', () => issuer.token(), 'bEARER'],
    ['no typ', () => issuer.token({}, { typ: undefined }), 'Bearer'],
    ['typ JWT', () => issuer.token({}, { typ: 'JWT' }), 'Bearer'],
    ['typ as a media type', () => issuer.token({}, { typ: 'application/AT+JWT' }), 'Bearer'],
    ['several audiences', () => issuer.token({ aud: ['https://a', AUDIENCE] }), 'Bearer'],
    ['no key id where there is one key', () => issuer.token({}, { kid: undefined }), 'Bearer'],
    ['token_use access', () => issuer.token({ token_use: 'access' }), 'Bearer'],
    ['typ Bearer in its claims', () => issuer.token({ typ: 'Bearer' }), 'Bearer'],
    ['no iat', () => issuer.token({ iat: undefined }), 'Bearer'],
    ['a clock a little ahead', () => issuer.token({ iat: NOW + 50, nbf: NOW + 50 }), 'Bearer'],
    ['a certificate’s thumbprint in its header', () => issuer.token({}, { x5t: 'abc' }), 'Bearer'],
  ] as [string, () => Promise<string>, string][])('with %s', async (_, token, scheme) => {
    expect((await call(`${scheme} ${await token()}`)).result.kind).toBe('complete');
  });

  test.each(['RS256', 'PS256', 'EdDSA'] as const)('signed by %s', async (alg) => {
    await using own = await startIssuer(() => START);
    const key = await own.rotate(alg, alg);
    await using by = await testPlugin(auth, { issuers: [{ issuer: own.url }] });
    expect((await call(`Bearer ${await own.token({}, {}, key)}`, by)).result.kind).toBe('complete');
    // The same key, told to sign otherwise.
    const swapped = await own.token({}, { alg: alg === 'RS256' ? 'PS256' : 'RS256' }, key);
    expect(await refusal(swapped, by)).toBe('key_unknown');
  });
});

describe('where it stands', () => {
  const odd: [string, (token: string) => object][] = [
    ['twice, with commas', (token) => ({ headers: { authorization: `Bearer ${token}, Bearer ${token}` } })],
    ['behind a tab', (token) => ({ headers: { authorization: `Bearer\t${token}` } })],
    ['behind two spaces', (token) => ({ headers: { authorization: `Bearer  ${token}` } })],
    ['before another word', (token) => ({ headers: { authorization: `Bearer ${token} x` } })],
    ['as Basic', (token) => ({ headers: { authorization: `Basic ${token}` } })],
    ['as Token', (token) => ({ headers: { authorization: `Token ${token}` } })],
    ['as DPoP, though it is bound to nothing', (token) => ({ headers: { authorization: `DPoP ${token}` } })],
    ['in a cookie', (token) => ({ headers: { cookie: `access_token=${token}` } })],
    ['in another header', (token) => ({ headers: { 'x-forwarded-access-token': token } })],
    ['in the query', (token) => ({ inbound: { query: `?access_token=${token}` } })],
    [
      'in the query, too',
      (token) => ({
        headers: { authorization: `Bearer ${token}` },
        inbound: { query: `?a=b&access_token=${token}` },
      }),
    ],
  ];
  test.each(odd)('%s, it is not taken', async (_, place) => {
    const token = await issuer.token();
    const { result, request, log } = await harness.call({ method: 'tools/list', ...place(token) });
    expect([result.http, request]).toEqual([401, undefined]);
    expect(JSON.stringify([log, result.raw.text, result.headers])).not.toContain(token.split('.')[2]);
  });

  test('nothing sent is no error of what was sent', async () => {
    const { result } = await harness.call({ method: 'tools/list' });
    const metadata = 'https://gateway.example/.well-known/oauth-protected-resource/mcp';
    expect(result.headers?.['www-authenticate']).toBe(`Bearer resource_metadata="${metadata}"`);
  });
});

describe('options', () => {
  test('audiences stand for the URL of the endpoint', async () => {
    await using by = await testPlugin(auth, {
      issuers: [{ issuer: issuer.url, audiences: ['api://a', 'api://b'] }],
    });
    expect((await call(`Bearer ${await issuer.token({ aud: 'api://b' })}`, by)).result.kind).toBe('complete');
    expect(await refusal(await issuer.token(), by)).toBe('audience_wrong');
  });

  test('where nobody has said the URL, no token is for it', async () => {
    const headers = { authorization: `Bearer ${await issuer.token()}` };
    const { result } = await harness.call({
      method: 'tools/list',
      headers,
      inbound: { url: undefined } as never,
    });
    expect([result.http, result.headers?.['www-authenticate']]).toEqual([
      401,
      'Bearer error="invalid_token"',
    ]);
  });

  test('algorithms that are not named are not taken', async () => {
    await using by = await testPlugin(auth, { issuers: [{ issuer: issuer.url, algorithms: ['RS256'] }] });
    expect(await refusal(await issuer.token(), by)).toBe('algorithm_refused');
  });

  test('typ at+jwt takes no others', async () => {
    await using by = await testPlugin(auth, { issuers: [{ issuer: issuer.url, typ: 'at+jwt' }] });
    expect((await call(`Bearer ${await issuer.token()}`, by)).result.kind).toBe('complete');
    expect(await refusal(await issuer.token({}, { typ: 'JWT' }), by)).toBe('type_wrong');
    expect(await refusal(await issuer.token({}, { typ: undefined }), by)).toBe('type_wrong');
  });

  test('claims are read where they are said to be', async () => {
    const claims = { id: 'email', tenant: 'tid', groups: ['realm_access', 'roles'], scopes: 'permissions' };
    await using by = await testPlugin(auth, { issuers: [{ issuer: issuer.url, claims }] });
    const good = {
      email: 'ada@example.com',
      tid: 'north',
      realm_access: { roles: ['dev'] },
      permissions: ['a:b'],
    };
    const { get } = await call(`Bearer ${await issuer.token(good)}`, by);
    expect(get(principalFact)).toMatchObject({
      id: 'ada@example.com',
      tenant: 'north',
      groups: ['dev'],
      scopes: ['a:b'],
    });
    for (const tid of [undefined, ['north'], '', 7, null])
      expect(await refusal(await issuer.token({ ...good, tid }), by)).toBe('tenant_malformed');
    const twin = { ...good, tid: undefined, TID: 'north' };
    expect(await refusal(await issuer.token(twin), by)).toBe('tenant_malformed');
    await using inherited = await testPlugin(auth, {
      issuers: [{ issuer: issuer.url, claims: { tenant: '__proto__' } }],
    });
    expect(await refusal(await issuer.token(), inherited)).toBe('tenant_malformed');
  });

  test('two issuers know different people by one name', async () => {
    const issuers = [
      { issuer: issuer.url, name: 'one' },
      { issuer: other.url, name: 'two' },
    ];
    await using by = await testPlugin(auth, { issuers });
    const ids = await Promise.all(
      [issuer, other].map(
        async (each) => (await call(`Bearer ${await each.token()}`, by)).get(principalFact)?.id,
      ),
    );
    expect(ids).toEqual(['one:ada', 'two:ada']);
    // A key of one is nobody's at the other, whatever it is called.
    expect(await refusal(await other.token({ iss: issuer.url }, { kid: 'one' }), by)).toBe('signature_wrong');
    const nameless = testPlugin(auth, { issuers: [{ issuer: issuer.url }, { issuer: other.url }] });
    await expect(nameless).rejects.toThrow('needs a name beside it');
  });

  test.each([
    'http://id.example.com',
    'https://a:b@id.example.com',
    'https://id.example.com/#x',
    'ftp://x',
    'id.example.com',
  ])('an issuer is on TLS, or on this machine: %s is not', async (url) => {
    await expect(testPlugin(auth, { issuers: [{ issuer: url }] })).rejects.toThrow('do not fit the schema');
  });

  test.each(['HS256', 'none', 'rs256'])('no algorithm is called %s', async (alg) => {
    const issuers = [{ issuer: issuer.url, algorithms: [alg as 'RS256'] }];
    await expect(testPlugin(auth, { issuers })).rejects.toThrow('do not fit the schema');
  });
});
