// After a reload, whoever listens is told of the lists that are others now: also one whom a plugin lets in.
import { expect, test } from 'bun:test';
import { definePlugin, principalFact, refuse, z } from 'sluice/plugin';
import { listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';

const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a principal.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_, x) {
      const id = x.inbound.headers.get('x-badge');
      if (id !== null) x.set(principalFact, { id, scopes: [], groups: ['staff'] });
      else if (x.principal.id === 'anonymous') return refuse('FORBIDDEN', 'who are you?');
      return undefined;
    },
  }),
});

test('a session that is its principal’s alone hears of lists that a reload changed', async () => {
  const config = (deny: string[]) =>
    configOf(DEMO, { endpoints: { '/mcp': { tools: { deny } } }, pipeline: [{ badges: {} }] });
  await using gateway = await startInProcess(config(['nothing']), { plugins: { badges } });
  const session = await openSession(gateway.url, { headers: { 'x-badge': 'grace' } });
  const stream = await session.stream();
  await (await session.ask('tools/list')).text();
  gateway.configure(config(['echo']));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect(await stream.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  stream.drop();
});

test('so does a subscription of which only its own request says whose it is', async () => {
  const config = (deny: string[]) =>
    configOf(DEMO, { endpoints: { '/mcp': { tools: { deny } } }, pipeline: [{ badges: {} }] });
  await using gateway = await startInProcess(config(['nothing']), { plugins: { badges } });
  const { answer } = await listen(
    gateway.url,
    { toolsListChanged: true },
    { headers: { 'x-badge': 'grace' } },
  );
  gateway.configure(config(['echo']));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect(await answer.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  answer.drop();
});
