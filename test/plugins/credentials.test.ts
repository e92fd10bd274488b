// The plugin as an entry of an upstream's pipeline, through the public kit, before a token endpoint that is scripted.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { callerTokenFact, type Exchange, type PluginHost } from 'sluice/plugin';
import { testPlugin } from 'sluice/testing';
import credentials from '../../plugins/credentials.ts';
import { plugins } from '../../plugins/index.ts';

const entry = { upstream: 'up' };
const ISSUER = 'https://id.example';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const CALL = { method: 'tools/call', params: { name: 'echo' } };

/** Answers what the test wants, and counts. */
const endpoint = {
  asked: [] as URLSearchParams[],
  answer: (n: number): Response =>
    Response.json({ access_token: `token-${n}`, token_type: 'Bearer', expires_in: 600 }),
};
let server: ReturnType<typeof Bun.serve>;
beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      endpoint.asked.push(new URLSearchParams(await request.text()));
      return endpoint.answer(endpoint.asked.length);
    },
  });
});
afterAll(() => server.stop(true));

const client = (more: object = {}) => ({
  token_url: `http://127.0.0.1:${server.port}/token`,
  client_id: 'gw',
  client_secret: 'CANARY-secret',
  ...more,
});

/** Tokens by number, living for so many seconds, from here on. */
function fresh(lifetime: number | undefined = 600) {
  endpoint.asked = [];
  endpoint.answer = (n) =>
    Response.json({ access_token: `token-${n}`, token_type: 'Bearer', expires_in: lifetime });
}

type Bench = Awaited<ReturnType<typeof testPlugin>>;
const sentBy = async (bench: Bench, call: object = {}) => {
  const { sent, result } = await bench.call({ ...CALL, ...call });
  return sent[0]?.headers.authorization ?? (result.value.data as { code?: string })?.code;
};

test('it is the built-in called "credentials"', () => expect(plugins.credentials).toBe(credentials));

test('in the pipeline of all it is refused', async () => {
  const all = testPlugin(credentials, { headers: { 'x-api-key': 'k' } });
  await expect(all).rejects.toThrow('credentials belongs into upstreams.NAME.pipeline');
});

test('headers are put on every attempt, over what is there, and change nothing else', async () => {
  await using bench = await testPlugin(
    credentials,
    { headers: { 'X-Api-Key': 'k', authorization: 'Basic x' } },
    entry,
  );
  const { sent } = await bench.call({ ...CALL, attempts: 2 });
  expect(sent.map(({ headers }) => [headers['x-api-key'], headers.authorization])).toEqual([
    ['k', 'Basic x'],
    ['k', 'Basic x'],
  ]);
  expect(sent[0]?.headers['mcp-method']).toBe('tools/call');
});

describe('a token', () => {
  test('is asked for once, by what the options say', async () => {
    fresh();
    const options = client({
      scopes: ['a', 'b'],
      resource: ['https://r.example/'],
      audience: 'aud',
      parameters: { x: 'y' },
    });
    await using bench = await testPlugin(credentials, { client_credentials: options }, entry);
    expect(await Promise.all([sentBy(bench), sentBy(bench)])).toEqual(['Bearer token-1', 'Bearer token-1']);
    expect(endpoint.asked.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'a b',
        resource: 'https://r.example/',
        audience: 'aud',
        x: 'y',
      },
    ]);
    expect([...bench.counts]).toEqual([['got', 1]]);
  });

  test('is got anew before its end, while calls go on with the old one', async () => {
    fresh(600);
    await using bench = await testPlugin(
      credentials,
      { client_credentials: client(), refresh_before: '60s' },
      entry,
    );
    expect(await sentBy(bench)).toBe('Bearer token-1');
    // 90 s before its end at the earliest, 60 s at the latest.
    await bench.advance(509_000);
    expect([await sentBy(bench), endpoint.asked.length]).toEqual(['Bearer token-1', 1]);
    await bench.advance(31_000);
    expect(await sentBy(bench)).toBe('Bearer token-1');
    while (bench.counts.get('got') !== 2) await new Promise(setImmediate);
    expect([await sentBy(bench), endpoint.asked.length]).toEqual(['Bearer token-2', 2]);
  });

  test('that does not tell its end is used for `lifetime`', async () => {
    fresh();
    endpoint.answer = (n) => Response.json({ access_token: `token-${n}`, token_type: 'bearer' });
    await using bench = await testPlugin(
      credentials,
      { client_credentials: client(), lifetime: '10m' },
      entry,
    );
    await sentBy(bench);
    await bench.advance(299_000);
    expect(await sentBy(bench)).toBe('Bearer token-1');
    await bench.advance(301_000);
    expect(await sentBy(bench)).toBe('Bearer token-2');
  });

  test('outlives a reload that changes nothing, and no other', async () => {
    fresh();
    await using bench = await testPlugin(credentials, { client_credentials: client() }, entry);
    await sentBy(bench);
    await bench.reload();
    expect(await sentBy(bench)).toBe('Bearer token-1');
    await bench.reload({ client_credentials: client({ client_secret: 'CANARY-next' }) });
    expect(await sentBy(bench)).toBe('Bearer token-2');
  });

  test('stands in another header where the server wants it there', async () => {
    fresh();
    const options = client({ header: 'X-Token', prefix: '' });
    await using bench = await testPlugin(credentials, { client_credentials: options }, entry);
    expect((await bench.call(CALL)).sent[0]?.headers['x-token']).toBe('token-1');
  });
});

describe('an exchange', () => {
  const as = (token: string, id = 'ada', expires?: number, more: object = {}) => ({
    principal: { id, ...(expires === undefined ? {} : { expires }) },
    before: (x: Exchange) => x.set(callerTokenFact, { token, type: ACCESS_TOKEN, issuer: ISSUER, ...more }),
  });

  test('is made once for each token of each caller, and its result never outlives the token', async () => {
    fresh();
    await using bench = await testPlugin(credentials, { token_exchange: client({ issuer: ISSUER }) }, entry);
    const until = bench.now() + 100_000;
    expect(await sentBy(bench, as('one', 'ada', until))).toBe('Bearer token-1');
    expect(await sentBy(bench, as('one', 'ada', until))).toBe('Bearer token-1');
    expect(await sentBy(bench, as('two', 'ada'))).toBe('Bearer token-2');
    expect(await sentBy(bench, as('one', 'eve'))).toBe('Bearer token-3');
    await bench.advance(99_000);
    expect(await sentBy(bench, as('one', 'ada', until))).toBe('Bearer token-4');
    await bench.advance(1_000);
    expect(await sentBy(bench, as('one', 'ada', until))).toBe('CREDENTIAL_MISSING');
    expect(endpoint.asked.length).toBe(4);
    expect(Object.fromEntries(endpoint.asked[0] ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'one',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
  });

  test('keeps no more tokens than it may', async () => {
    fresh();
    await using bench = await testPlugin(
      credentials,
      { token_exchange: client({ issuer: ISSUER }), tokens: 2 },
      entry,
    );
    for (const token of ['a', 'b', 'c', 'b', 'c']) await sentBy(bench, as(token));
    expect([endpoint.asked.length, bench.counts.get('credentials_tokens')]).toEqual([3, 1]);
    await sentBy(bench, as('a'));
    expect(endpoint.asked.length).toBe(4);
  });

  test('on behalf of, and by way of a second server', async () => {
    fresh();
    const obo = client({
      issuer: ISSUER,
      grant: 'jwt-bearer',
      parameters: { requested_token_use: 'on_behalf_of' },
    });
    await using entra = await testPlugin(credentials, { token_exchange: obo }, entry);
    expect(await sentBy(entra, as('mine'))).toBe('Bearer token-1');
    const idJag = 'urn:ietf:params:oauth:token-type:id-jag';
    endpoint.answer = (n) => Response.json({ access_token: `token-${n}`, token_type: 'N_A', expires_in: 60 });
    const chain = client({
      issuer: ISSUER,
      requested_token_type: idJag,
      audience: 'https://as.example',
      redeem: client(),
    });
    await using bench = await testPlugin(credentials, { token_exchange: chain }, entry);
    expect(await sentBy(bench, as('mine'))).toBe('Bearer token-3');
    expect(endpoint.asked.map((form) => Object.fromEntries(form))).toMatchObject([
      { assertion: 'mine', requested_token_use: 'on_behalf_of' },
      { subject_token: 'mine', requested_token_type: idJag, audience: 'https://as.example' },
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'token-2' },
    ]);
  });

  test('is made of tokens of its own issuers alone: no other is shown to the server', async () => {
    fresh();
    const others = client({ subject_issuers: ['https://other.example'] });
    await using own = await testPlugin(credentials, { token_exchange: client({ issuer: ISSUER }) }, entry);
    await using other = await testPlugin(credentials, { token_exchange: others }, entry);
    for (const more of [{ issuer: 'https://other.example' }, { issuer: undefined }, { type: 'api_key' }])
      expect(await sentBy(own, as('a token', 'ada', undefined, more))).toBe('CREDENTIAL_MISSING');
    expect(await sentBy(other, as('a token'))).toBe('CREDENTIAL_MISSING');
    expect(endpoint.asked).toEqual([]);
    const theirs = as('a token', 'ada', undefined, { issuer: 'https://other.example' });
    expect(await sentBy(other, theirs)).toBe('Bearer token-1');
  });

  test("that gives the caller's own token back gives nothing", async () => {
    fresh();
    endpoint.answer = () => Response.json({ access_token: 'mine', token_type: 'Bearer' });
    await using bench = await testPlugin(credentials, { token_exchange: client({ issuer: ISSUER }) }, entry);
    expect(await sentBy(bench, as('mine'))).toBe('CREDENTIAL_UNAVAILABLE');
    expect(await sentBy(bench, { principal: 'eve' })).toBe('CREDENTIAL_MISSING');
  });
});

describe('a failure', () => {
  const oauthError =
    (status: number, error: string, more: object = {}) =>
    () =>
      Response.json({ error, error_description: 'for CANARY-secret', ...more }, { status });
  test.each([
    ['invalid_client', oauthError(401, 'invalid_client'), 'refused', 300],
    ['invalid_scope', oauthError(400, 'invalid_scope'), 'refused', 300],
    ['temporarily_unavailable', oauthError(400, 'temporarily_unavailable'), 'away', 10],
    ['503', () => new Response('', { status: 503 }), 'away', 10],
    ['429', () => new Response('', { status: 429, headers: { 'retry-after': '3600' } }), 'away', 10],
    ['a redirect', () => new Response(null, { status: 307, headers: { location: '/' } }), 'away', 10],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'odd', 10],
    ['no token', () => Response.json({ token_type: 'Bearer' }), 'odd', 10],
    ['a token of two lines', () => Response.json({ access_token: 'a\nb', token_type: 'Bearer' }), 'odd', 10],
    ['too much', () => new Response('x'.repeat(300_000)), 'away', 10],
    ['DPoP', () => Response.json({ access_token: 'a', token_type: 'DPoP' }), 'refused', 300],
  ] as const)('%s: told, counted, waited for no longer than it takes', async (_, answer, reason, most) => {
    fresh();
    const good = endpoint.answer;
    endpoint.answer = answer;
    const options = { client_credentials: client(), backoff: '1s', backoff_max: '10s', refused_max: '5m' };
    await using bench = await testPlugin(credentials, options, entry);
    const told = await bench.call(CALL);
    expect(told.sent).toEqual([]);
    expect(told.result.value.data).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', upstream: 'up', reason });
    await bench.call(CALL);
    expect(endpoint.asked.length).toBe(1);
    for (let n = 0; n < 20; n++) {
      await bench.advance(most * 1_000);
      await bench.call(CALL);
    }
    // Each wait was over, however often it had failed.
    expect(endpoint.asked.length).toBe(21);
    expect(bench.counts.get(`failed{kind=${reason}}`)).toBe(21);
    endpoint.answer = good;
    await bench.advance(most * 1_000);
    expect(await sentBy(bench)).toStartWith('Bearer token-');
    expect(JSON.stringify([bench.log, told.result.value])).not.toContain('CANARY');
  });

  test('to connect names the host and nothing more', async () => {
    const gone = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    await gone.stop(true);
    const options = client({ token_url: `http://127.0.0.1:${gone.port}/token?CANARY` });
    await using bench = await testPlugin(credentials, { client_credentials: options }, entry);
    const { result } = await bench.call(CALL);
    expect(result.value.message).toContain(`127.0.0.1:${gone.port} cannot be reached`);
    expect(JSON.stringify([bench.log, result.value])).not.toContain('CANARY');
  });
});

test('a process has no headers for a credential', async () => {
  const options = credentials.schema.parse({ headers: { 'x-api-key': 'k' } });
  const host = { id: 'c', upstream: 'up', now: () => 0, keep: (_: string, make: () => unknown) => make() };
  const hooks = await credentials.setup(options, host as unknown as PluginHost);
  const sent = Promise.resolve(hooks.onSend?.({ transport: 'stdio' } as never, {} as never));
  await expect(sent).rejects.toThrow('what goes to a process has no headers');
});
