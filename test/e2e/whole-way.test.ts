// The whole way with a real identity provider: a client logs in, the gateway verifies its token and exchanges it, and
// the upstream verifies what it is shown.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import credentials from '../../plugins/credentials.ts';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { GATEWAY, type Guarded, startGuarded, UPSTREAM } from '../fixtures/oidc/guarded.ts';
import { type IdentityProvider, type Login, SECRET, startProvider } from '../fixtures/oidc/provider.ts';
import { stream } from '../fixtures/rogue.ts';
import { post } from '../fixtures/wire.ts';

let idp: IdentityProvider;
const running: Guarded[] = [];
beforeAll(async () => {
  idp = await startProvider();
});
afterEach(() => Promise.all(running.splice(0).map(({ rogue }) => rogue.stop())));
afterAll(() => idp.stop());

async function start(era: '2025' | '2026') {
  const up = await startGuarded(idp, { era }, ({ method, message }, res) => {
    const lasts = method === 'GET' || message.method === 'subscriptions/listen';
    return lasts && stream(res, ':\n\n');
  });
  running.push(up);
  const issuer = { issuer: idp.issuer, audiences: [GATEWAY], keys: { cooldown: '1s' } };
  const exchange = { issuer: idp.issuer, client_id: 'basic', client_secret: SECRET, resource: UPSTREAM };
  const config = configOf(
    { up: { url: up.rogue.url, era, pipeline: [{ credentials: { token_exchange: exchange } }] } },
    { pipeline: [{ auth: { issuers: [issuer], scopes: ['mcp:use'] } }] },
  );
  const gateway = await startInProcess(config, { plugins: { auth, credentials } });
  return { up, gateway };
}

/** What a client sends that has logged in. */
async function as(sub: string, more: Partial<Login> = {}) {
  const token = await idp.login({ sub, resource: GATEWAY, scope: 'mcp:use', ...more });
  return { authorization: `Bearer ${token}` };
}
const textOf = async (answer: Awaited<ReturnType<typeof call>>) =>
  (await answer.json()).result?.content?.[0]?.text;

for (const era of ['2025', '2026'] as const)
  describe(`a server of ${era}`, () => {
    test('works for each of two people as that person, in sessions and without', async () => {
      const { up, gateway } = await start(era);
      for (const sub of ['ada', 'eve']) {
        const headers = await as(sub);
        expect(await textOf(await call(gateway.url, 'x', {}, { headers }))).toBe(sub);
        const session = await openSession(gateway.url, { headers });
        expect(await textOf(await session.call('x'))).toBe(sub);
        await (await session.ask('tools/list')).text();
      }
      await gateway.stop();
      expect(new Set(up.seen.map((each) => each.split(' ')[1]))).toEqual(new Set(['ada', 'eve']));
      expect(JSON.stringify(gateway.lines)).not.toMatch(/CANARY|eyJ/);
    });

    test('is not even asked for who proves nothing, or proves it to somebody else', async () => {
      const { up, gateway } = await start(era);
      const refused = [
        {},
        await as('ada', { resource: UPSTREAM }),
        await as('ada', { scope: '' }),
        { authorization: 'Bearer a.b.c' },
      ];
      const statuses = [];
      for (const headers of refused) {
        const answer = await call(gateway.url, 'x', {}, { headers });
        await answer.text();
        statuses.push(answer.status);
      }
      expect(statuses).toEqual([401, 401, 403, 401]);
      const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} };
      expect((await post(gateway.url, hello, { authorization: 'Bearer a.b.c' })).status).toBe(401);
      expect(up.entries).toEqual([]);
      await gateway.stop();
    });

    test('goes on when the provider changes its keys, for who has logged in since', async () => {
      const { up, gateway } = await start(era);
      expect(await textOf(await call(gateway.url, 'x', {}, { headers: await as('ada') }))).toBe('ada');
      idp.rotate();
      gateway.turn(2_000);
      expect(await textOf(await call(gateway.url, 'x', {}, { headers: await as('ada') }))).toBe('ada');
      expect(up.seen.at(-1)).toBe('tools/call ada');
      await gateway.stop();
    });

    test('shows nobody what another was shown: lists are kept for each', async () => {
      const { up, gateway } = await start(era);
      const [ada, eve] = [await as('ada'), await as('eve')];
      for (const headers of [ada, eve, ada, eve])
        await (await ask(gateway.url, 'tools/list', {}, { headers })).text();
      const lists = up.seen.filter((each) => each.startsWith('tools/list'));
      expect(new Set(lists)).toEqual(new Set(['tools/list ada', 'tools/list eve']));
      await gateway.stop();
    });
  });
