// What happens when a credential is not to be had, or is not taken: at the identity provider, and at the upstream.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { call, openSession } from '../fixtures/clients.ts';
import { GATEWAY, type Guarded, startBefore, startGuarded, UPSTREAM } from '../fixtures/oidc/guarded.ts';
import { type IdentityProvider, SECRET, startProvider } from '../fixtures/oidc/provider.ts';
import { answer, type Behaviour, event, startRogue, status, stream } from '../fixtures/rogue.ts';

let idp: IdentityProvider;
const running: Guarded[] = [];
beforeAll(async () => {
  idp = await startProvider();
});
afterAll(async () => {
  await Promise.all(running.map(({ rogue }) => rogue.stop()));
  await idp.stop();
});

const guarded = async (options: Parameters<typeof startGuarded>[1] = {}) => {
  const made = await startGuarded(idp, options);
  running.push(made);
  return made;
};
const client = () => ({ issuer: idp.issuer, client_id: 'basic', client_secret: SECRET, resource: UPSTREAM });
const own = (more: object = {}) => ({ client_credentials: client(), ...more });
const errorOf = async (answer: Awaited<ReturnType<typeof call>>) => {
  const [message] = await answer.messages();
  return (message as { error?: { message: string; data: Record<string, unknown> } }).error;
};

for (const era of ['2025', '2026'] as const)
  test(`a token that a server of ${era} takes no longer is got anew, and the call goes out once more`, async () => {
    const up = await guarded({ era });
    await using gateway = await startBefore(up, own({ renew_least: '0ms' }), { era });
    expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
    const [{ token } = { token: '' }] = up.entries;
    up.distrust(token);
    const from = up.seen.length;
    expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
    expect(up.seen.slice(from)).toEqual(['tools/call turned away', 'tools/call basic']);
    expect(await gateway.figure('pluginEvents', { event: 'renewed' })).toBe(1);
  });

test('twenty calls that are turned away together make one new token', async () => {
  const up = await guarded();
  await using gateway = await startBefore(up, own({ renew_least: '0ms' }));
  await (await call(gateway.url, 'x')).text();
  up.distrust(up.entries[0]?.token ?? '');
  const before = idp.requests.length;
  const all = await Promise.all(
    Array.from({ length: 20 }, async () => errorOf(await call(gateway.url, 'x'))),
  );
  expect(all).toEqual(Array.from({ length: 20 }));
  expect(idp.requests.length - before).toBe(1);
});

test('a new token that is turned away, too, is the end of it: neither loops nor locks anybody out', async () => {
  const up = await guarded();
  await using gateway = await startBefore(up, {
    ...own(),
    client_credentials: { ...client(), resource: GATEWAY },
  });
  const before = idp.requests.length;
  for (let n = 0; n < 5; n++) {
    const error = await errorOf(await call(gateway.url, 'x'));
    expect(error?.message).toContain(`The upstream "up" refused the gateway's credential (401)`);
  }
  expect(idp.requests.length - before).toBe(1);
});

test('a client the provider does not know: a readable error, no 401, and no storm', async () => {
  const up = await guarded();
  const wrong = { client_credentials: { ...client(), client_secret: 'CANARY-wrong' }, backoff: '1m' };
  await using gateway = await startBefore(up, wrong);
  const before = idp.requests.length;
  const answers = [];
  for (let n = 0; n < 10; n++) answers.push(await call(gateway.url, 'x'));
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    const error = await errorOf(answer);
    expect(error?.message).toBe(
      'There is no credential for the upstream "up": its authorization server refuses (invalid_client).',
    );
    expect(error?.data).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', upstream: 'up', reason: 'refused' });
  }
  expect(idp.requests.length - before).toBe(1);
  expect(up.entries).toEqual([]);
  expect(JSON.stringify(gateway.lines)).not.toContain('CANARY');
  expect(gateway.lines.filter(({ message }) => message === 'no credential')).toHaveLength(1);
  // A reload with the right secret is all it takes.
  gateway.configure(
    JSON.stringify({
      version: 1,
      listeners: [{ http: { listen: '127.0.0.1:0' } }],
      admin: { listen: 'off', socket: 'off' },
      drain: '5s',
      pipeline: [{ badges: {} }],
      upstreams: { up: { url: up.rogue.url, pipeline: [{ credentials: own() }] } },
    }),
  );
  expect((await gateway.reload()).ok).toBe(true);
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
});

test('a provider in trouble: calls go on with the token there is, and come back with it', async () => {
  const up = await guarded();
  await using gateway = await startBefore(up, own({ backoff: '1s' }));
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
  idp.instead((_, response) => response.writeHead(503).end());
  gateway.turn(250_000);
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
  expect(up.seen.at(-1)).toBe('tools/call basic');
  // Now it is over, and there is no other.
  gateway.turn(60_000);
  const error = await errorOf(await call(gateway.url, 'x'));
  expect(error?.data).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', reason: 'away' });
  idp.instead(undefined);
  gateway.turn(10_000);
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
});

test('who brings no token, or one that the provider does not take, is told so; others go on', async () => {
  const up = await guarded();
  await using gateway = await startBefore(up, { token_exchange: client() });
  const bare = await errorOf(await call(gateway.url, 'x', {}, { headers: { 'x-badge': 'ada' } }));
  expect(bare?.data.code).toBe('CREDENTIAL_MISSING');
  expect(bare?.message).toContain('upstream "up"');
  const forged = { 'x-badge': 'eve', authorization: 'Bearer a.b.c' };
  const refused = await errorOf(await call(gateway.url, 'x', {}, { headers: forged }));
  expect(refused?.message).toContain("does not take the caller's token (invalid_grant)");
  const good = {
    'x-badge': 'ada',
    authorization: `Bearer ${await idp.login({ sub: 'ada', resource: GATEWAY })}`,
  };
  expect(await errorOf(await call(gateway.url, 'x', {}, { headers: good }))).toBeUndefined();
  expect(up.entries.map(({ token }) => token)).not.toContain('a.b.c');
});

test('keys that change at the provider: new tokens are taken', async () => {
  const up = await guarded();
  await using gateway = await startBefore(up, own({ renew_least: '0ms' }));
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
  idp.rotate();
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
  expect(up.seen.slice(-2)).toEqual(['tools/call turned away', 'tools/call basic']);
});

test("a tenant that is not in the list is refused, and is never given what is another's", async () => {
  const rogue = await guarded();
  const headers = (value: string) => ({ 'x-api-key': value });
  const options = {
    callers: [
      { tenant: 'north', headers: headers('north') },
      { tenant: 'south', headers: headers('south') },
      { tenant: 'south', principal: 'ada', headers: headers('ada of south') },
      { principal: 'ada', headers: headers('ada') },
    ],
  };
  await using gateway = await startBefore(rogue, options, { era: '2026' });
  for (const badge of ['bob@north', 'bob@south', 'ada@north', 'ada@south', 'ada', 'bob', 'bob@west', 'north'])
    await (await call(gateway.url, 'x', {}, { headers: { 'x-badge': badge } })).text();
  expect([...new Set(rogue.entries.map(({ hit }) => hit.headers['x-api-key']))]).toEqual([
    'north',
    'south',
    'ada of south',
    'ada',
  ]);
  const error = await errorOf(await call(gateway.url, 'x', {}, { headers: { 'x-badge': 'bob@west' } }));
  expect(error?.data).toMatchObject({ code: 'CREDENTIAL_MISSING', upstream: 'up' });
  const session = await openSession(gateway.url, { headers: { 'x-badge': 'bob@west' } });
  expect((await errorOf(await session.call('x')))?.data.code).toBe('CREDENTIAL_MISSING');
});

test('over HTTP+SSE, too', async () => {
  let events: ServerResponse | undefined;
  const calls: (string | undefined)[] = [];
  const before: Behaviour = (hit, res) => {
    const { id, method } = hit.message;
    if (hit.method === 'GET') {
      events = res;
      return stream(res, 'event: endpoint\ndata: /mcp?session=1\n\n');
    }
    if (method === 'tools/call') calls.push(hit.headers.authorization);
    if (calls.length === 1 && method === 'tools/call') return status(res, 401);
    status(res, 202);
    const greeting = {
      protocolVersion: '2024-11-05',
      capabilities: { tools: {} },
      serverInfo: { name: 's', version: '1' },
    };
    const result = { initialize: greeting, 'tools/list': { tools: [] } }[method ?? ''];
    if (result) events?.write(event({ jsonrpc: '2.0', id, result }));
    else if (method === 'tools/call') events?.write(event(answer(hit)));
  };
  const rogue = await startRogue(() => {}, { before });
  await using gateway = await startBefore({ rogue }, own({ renew_least: '0ms' }), { type: 'sse' });
  expect(await errorOf(await call(gateway.url, 'x'))).toBeUndefined();
  expect(calls).toHaveLength(2);
  expect(new Set(calls).size).toBe(2);
  await rogue.stop();
});
