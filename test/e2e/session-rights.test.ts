// What a session watches and is told outside of its calls goes by all that plugins found out of its principal, groups
// and scopes included, and not by its name alone.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { definePlugin, principalFact, z } from 'sluice/plugin';
import { openSession, type RawSession, sessionOf } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';

const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes headers for a proof.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_, x) {
      const list = (name: string) => x.inbound.headers.get(name)?.split(' ') ?? [];
      const [id] = list('x-badge');
      if (id !== undefined) x.set(principalFact, { id, groups: list('x-groups'), scopes: list('x-scopes') });
    },
  }),
});

const more = '"resultType":"complete","ttlMs":0,"cacheScope":"private"';
let upstream: RawUpstream;
let gateway: InProcess;

beforeAll(async () => {
  upstream = startRawUpstream({
    era: '2025',
    answer: ({ message: { method } }) => {
      if (method === 'resources/list') return `{"resources":[{"uri":"a:/1","name":"1"}],${more}}`;
      if (method === 'resources/templates/list') return `{"resourceTemplates":[],${more}}`;
      return method === 'resources/subscribe' ? '{}' : '!{"code":-32601,"message":"no"}';
    },
  });
  const resources = { deny: ['*'] };
  const views = [
    { for: { groups: ['ops'] } },
    { for: { scopes: ['read'] } },
    { for: { principals: ['*'] }, resources },
  ];
  gateway = await startInProcess(
    configOf(
      { one: { url: upstream.url }, other: { builtin: 'demo' } },
      { endpoints: { '/mcp': { views } }, pipeline: [{ badges: {} }] },
    ),
    { plugins: { badges } },
  );
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const watched = async (session: RawSession): Promise<boolean> =>
  'result' in (await (await session.ask('resources/subscribe', { uri: 'a:/1' })).json());

test.each([
  [{ 'x-groups': 'ops' }, true],
  [{ 'x-scopes': 'write read' }, true],
  [{ 'x-groups': 'guests' }, false],
])('a session of %j watches what its view has: %p', async (rights, may) => {
  expect(await watched(await openSession(gateway.url, { headers: { 'x-badge': 'ada', ...rights } }))).toBe(
    may,
  );
});

test('a principal that gets a right watches with it in the same session, and is told to list again', async () => {
  const headers = { 'x-badge': 'ada' };
  const session = await openSession(gateway.url, { headers });
  const stream = await session.stream();
  expect(await watched(session)).toBe(false);
  const later = sessionOf(gateway.url, session.id, { ...session.headers, 'x-groups': 'ops' });
  expect(await watched(later)).toBe(true);
  const notes = new Set<string>();
  while (!notes.has('notifications/resources/list_changed'))
    notes.add(String((await stream.message()).method));
  stream.drop();
});
