// A real identity provider, a gateway, and an upstream that verifies what it is shown: over both eras.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { call, openSession } from '../fixtures/clients.ts';
import { GATEWAY, type Guarded, startBefore, startGuarded, UPSTREAM } from '../fixtures/oidc/guarded.ts';
import { type IdentityProvider, pemOf, SECRET, signer, startProvider } from '../fixtures/oidc/provider.ts';
import { stream } from '../fixtures/rogue.ts';
import { send } from '../fixtures/wire.ts';

let idp: IdentityProvider;
const running: Guarded[] = [];
beforeAll(async () => {
  idp = await startProvider();
});
afterAll(async () => {
  await Promise.all(running.map(({ rogue }) => rogue.stop()));
  await idp.stop();
});

const guarded = async (
  ...options: Parameters<typeof startGuarded> extends [unknown, ...infer R] ? R : never
) => {
  const made = await startGuarded(idp, ...options);
  running.push(made);
  return made;
};

const own = (more: object = {}) => ({
  client_credentials: {
    issuer: idp.issuer,
    client_id: 'basic',
    client_secret: SECRET,
    resource: UPSTREAM,
    ...more,
  },
});
const exchange = (more: object = {}) => ({
  token_exchange: {
    issuer: idp.issuer,
    client_id: 'basic',
    client_secret: SECRET,
    resource: UPSTREAM,
    ...more,
  },
});
/** What a user sends. */
const as = async (sub: string) => ({
  'x-badge': sub,
  authorization: `Bearer ${await idp.login({ sub, resource: GATEWAY, scope: 'mcp:use' })}`,
});
const textOf = async (answer: Awaited<ReturnType<typeof call>>) =>
  (await answer.json()).result?.content?.[0]?.text;

describe('client credentials', () => {
  const ways = {
    client_secret_basic: () => own(),
    client_secret_post: () => own({ client_id: 'post', auth: 'client_secret_post' }),
    private_key_jwt: () =>
      own({
        client_id: 'signer',
        client_secret: undefined,
        private_key: pemOf(signer.privateKey),
        key_id: 'signer-1',
      }),
    token_url: () => own({ issuer: undefined, token_url: idp.tokenUrl }),
  };
  for (const [way, options] of Object.entries(ways))
    test(`by ${way}: one token for everything that is said`, async () => {
      const up = await guarded();
      await using gateway = await startBefore(up, options());
      const before = idp.requests.length;
      for (let n = 0; n < 3; n++) expect((await call(gateway.url, 'x')).status).toBe(200);
      expect(idp.requests.length - before).toBe(1);
      expect(new Set(up.entries.map(({ token }) => token)).size).toBe(1);
      expect(up.seen.filter((each) => each.endsWith('turned away'))).toEqual([]);
    });

  test('a server of 2025: from initialize to DELETE, with the standing stream', async () => {
    const up = await guarded({ era: '2025' }, ({ method }, res) => method === 'GET' && stream(res, ':\n\n'));
    const gateway = await startBefore(up, own(), { era: '2025' });
    const session = await openSession(gateway.url);
    const standing = await session.stream();
    await up.rogue.nth('GET');
    expect((await session.call('x')).status).toBe(200);
    await send(gateway.url, { method: 'DELETE', headers: session.headers }).then((told) => told.text());
    await gateway.stop();
    await standing.messages().catch(() => {});
    expect(new Set(up.seen)).toEqual(
      new Set(
        ['initialize', 'notifications/initialized', 'GET', 'tools/call', 'DELETE'].map(
          (what) => `${what} basic`,
        ),
      ),
    );
  });
});

describe('token exchange', () => {
  test('a server of 2026 is shown each caller for what it is, also in its greeting', async () => {
    const up = await guarded();
    await using gateway = await startBefore(up, exchange());
    const [ada, eve] = [await as('ada'), await as('eve')];
    for (const headers of [ada, eve, ada])
      expect(await textOf(await call(gateway.url, 'x', {}, { headers }))).toBe(headers['x-badge']);
    expect(new Set(up.seen)).toEqual(
      new Set(
        ['ada', 'eve'].flatMap((sub) =>
          ['server/discover', 'tools/list', 'tools/call'].map((what) => `${what} ${sub}`),
        ),
      ),
    );
    expect(up.entries.map(({ token }) => token)).not.toContain(ada.authorization.slice(7));
  });

  for (const per of ['session', 'principal', 'request', 'shared'])
    test(`a server of 2025, sessions per ${per}: everything said on a link is said for its principal`, async () => {
      const up = await guarded(
        { era: '2025' },
        ({ method }, res) => method === 'GET' && stream(res, ':\n\n'),
      );
      const gateway = await startBefore(up, exchange(), { era: '2025', sessions: { per } });
      const bySession = new Map<string, Set<string>>();
      for (const who of ['ada', 'eve']) {
        const session = await openSession(gateway.url, { headers: await as(who) });
        const standing = await session.stream();
        expect(await textOf(await session.call('x'))).toBe(who);
        await send(gateway.url, { method: 'DELETE', headers: session.headers }).then((told) => told.text());
        await standing.messages().catch(() => {});
      }
      await gateway.stop();
      expect(up.seen.filter((each) => each.endsWith('turned away'))).toEqual([]);
      for (const { hit, claims } of up.entries) {
        const id = hit.headers['mcp-session-id'];
        if (typeof id === 'string')
          bySession.set(id, (bySession.get(id) ?? new Set()).add(String(claims?.sub)));
      }
      expect([...bySession.values()].map((subs) => subs.size)).toEqual([...bySession].map(() => 1));
      expect(up.seen).toContain('DELETE ada');
    });

  test('a session that listens does so for its principal, with the token its client sent last', async () => {
    const listens = Promise.withResolvers<void>();
    const up = await guarded({ era: '2026' }, ({ message }, res) => {
      if (message.method !== 'subscriptions/listen') return false;
      listens.resolve();
      return stream(res, ':\n\n');
    });
    const gateway = await startBefore(up, exchange(), { era: '2026' });
    const session = await openSession(gateway.url, { headers: await as('ada') });
    expect(await textOf(await session.call('x'))).toBe('ada');
    const standing = await session.stream();
    await listens.promise;
    await gateway.stop();
    await standing.messages().catch(() => {});
    expect(up.seen).toContain('subscriptions/listen ada');
    expect(up.seen.filter((each) => each.endsWith('turned away'))).toEqual([]);
  });

  test('what is said last on a link is said with what its principal has shown last', async () => {
    const up = await guarded({ era: '2025' });
    const gateway = await startBefore(up, exchange(), { era: '2025' });
    for (let n = 0; n < 2; n++)
      expect(await textOf(await call(gateway.url, 'x', {}, { headers: await as('ada') }))).toBe('ada');
    await gateway.stop();
    const by = (what: string) => up.entries.filter((each) => each.what === what).map(({ token }) => token);
    expect(new Set(by('tools/call')).size).toBe(2);
    expect(by('DELETE')).toEqual(by('tools/call').slice(1));
  });
});
