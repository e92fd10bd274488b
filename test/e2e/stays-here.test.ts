// What a client proves itself with ends at the gateway: nothing of it is in any byte that an upstream gets.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import credentials from '../../plugins/credentials.ts';
import signing from '../../plugins/signing.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { badges } from '../fixtures/oidc/guarded.ts';
import { answer, json, type Rogue, startRogue, stream } from '../fixtures/rogue.ts';
import { type SseServer, startSseServer } from '../fixtures/sse-server.ts';
import { send } from '../fixtures/wire.ts';

/** Every value holds the word: one search finds them all. */
const CANARY = 'CANARY-of-the-caller';
const BROUGHT = {
  authorization: `Bearer ${CANARY}.a.b`,
  'proxy-authorization': `Basic ${CANARY}`,
  cookie: `session=${CANARY}`,
  dpop: `${CANARY}.proof`,
  'x-api-key': `${CANARY}-key`,
  'x-api-secret': `${CANARY}-secret`,
  'x-forwarded-user': CANARY,
  'x-forwarded-for': CANARY,
  forwarded: `for=${CANARY}`,
  signature: `sig1=:${CANARY}:`,
  'signature-input': `sig1=("@method");keyid="${CANARY}"`,
  'x-tenant-id': CANARY,
  'x-badge': 'ada',
};

let [older, newer]: Rogue[] = [];
let sse: SseServer;
beforeAll(async () => {
  const start = (era: '2025' | '2026') =>
    startRogue((hit, res) => json(res, answer(hit)), {
      era,
      before: ({ method, message }, res) => {
        const lasts = method === 'GET' || message.method === 'subscriptions/listen';
        return lasts && stream(res, ':\n\n');
      },
    });
  [older, newer] = [await start('2025'), await start('2026')];
  sse = await startSseServer();
});
afterAll(() => Promise.all([older?.stop(), newer?.stop(), sse.stop()]));

const SERVER = fileURLToPath(new URL('../fixtures/children/server.ts', import.meta.url));

/** Nothing of the pipeline, and all that puts something on messages. */
const pipelines = {
  'no plugin': [],
  'fixed credentials': [
    { credentials: { headers: { authorization: 'Bearer of-the-gateway' }, forward: ['x-locale'] } },
  ],
  'a credential for this caller': [
    { credentials: { callers: [{ principal: 'ada', headers: { 'x-key': 'of-ada' } }] } },
  ],
  signatures: [
    {
      signing: { scheme: 'hmac-v1', keys: [{ id: 'k', secret: 'a secret of more than 32 bytes, at least' }] },
    },
  ],
} as const;

for (const [name, pipeline] of Object.entries(pipelines))
  describe(`with ${name}`, () => {
    const start = () => {
      const upstreams = {
        old: { url: older?.url, era: '2025', pipeline },
        new: { url: newer?.url, era: '2026', pipeline },
        sse: { url: sse.url, type: 'sse', pipeline },
        pipe: { command: process.execPath, args: [SERVER] },
      };
      const plugins = { badges, credentials, signing };
      return startInProcess(configOf(upstreams, { pipeline: [{ badges: {} }] }), { plugins });
    };
    const received = () => JSON.stringify([...(older?.hits ?? []), ...(newer?.hits ?? []), ...sse.hits]);

    test('a client of 2026, over HTTP of both eras, HTTP+SSE and a pipe', async () => {
      const gateway = await start();
      const { url } = gateway;
      const options = { headers: BROUGHT };
      await (await ask(url, 'server/discover', {}, options)).text();
      await (await ask(url, 'tools/list', {}, options)).text();
      for (const tool of ['old__x', 'new__x', 'sse__echo']) await (await call(url, tool, {}, options)).text();
      const env = await (await call(url, 'pipe__env', {}, options)).text();
      const said = await (await call(url, 'pipe__received', {}, options)).text();
      const before = newer?.of('subscriptions/listen').length ?? 0;
      const subscribing = listen(url, { toolsListChanged: true }, options).catch(() => {});
      await newer?.nth('subscriptions/listen', before + 1);
      await gateway.stop();
      await subscribing;
      expect(env).toContain('PATH');
      expect(said).toContain('tools/call');
      expect([env, said, received()].filter((text) => text.includes('CANARY'))).toEqual([]);
      expect(JSON.stringify(gateway.lines)).not.toContain('CANARY');
    });

    test('a client of 2025, from its first message to its last', async () => {
      const gateway = await start();
      const session = await openSession(gateway.url, { headers: BROUGHT });
      const standing = await session.stream();
      await (await session.ask('tools/list')).text();
      for (const tool of ['old__x', 'new__x', 'sse__echo']) await (await session.call(tool)).text();
      const env = await (await session.call('pipe__env')).text();
      const said = await (await session.call('pipe__received')).text();
      await session.tell({ method: 'notifications/cancelled', params: { requestId: 99 } });
      await (await send(gateway.url, { method: 'DELETE', headers: session.headers })).text();
      await gateway.stop();
      await standing.messages().catch(() => {});
      expect(older?.hits.some(({ method }) => method === 'DELETE')).toBe(true);
      expect(sse.hits.some(({ line }) => line === 'POST /messages')).toBe(true);
      expect([env, said, received()].filter((text) => text.includes('CANARY'))).toEqual([]);
      expect(JSON.stringify(gateway.lines)).not.toContain('CANARY');
    });
  });

test('what is passed on by name is passed on, and shown to the upstream it is for alone', async () => {
  const upstreams = {
    old: { url: older?.url, era: '2025', pipeline: [{ credentials: { forward: ['x-locale'] } }] },
    new: { url: newer?.url, era: '2026' },
  };
  await using gateway = await startInProcess(configOf(upstreams), { plugins: { credentials } });
  const from = [older?.hits.length ?? 0, newer?.hits.length ?? 0];
  const headers = { 'x-locale': 'de-CH', 'x-other': 'de' };
  for (const tool of ['old__x', 'new__x']) await (await call(gateway.url, tool, {}, { headers })).text();
  const called = (rogue: Rogue | undefined, at: number) =>
    rogue?.of('tools/call').at(-1)?.headers[['x-locale', 'x-other'][at] ?? ''];
  expect([called(older, 0), called(older, 1), called(newer, 0), called(newer, 1)]).toEqual([
    'de-CH',
    undefined,
    undefined,
    undefined,
  ]);
  expect(from.every((n) => n > 0)).toBe(true);
});
