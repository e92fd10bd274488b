// Sessions while it cannot be read what became of them: one that may have ended is not brought back.
import { expect, test } from 'bun:test';
import { type SessionStore, sessionMemory, UNREAD } from '../../../src/core/session-store.ts';
import { openSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { make, open } from './in-memory.ts';

function shut(): SessionStore & { closed: boolean } {
  const memory = sessionMemory(1 << 20);
  const store = { ...memory, closed: false };
  return Object.assign(store, { find: (key: string) => (store.closed ? UNREAD : memory.find(key)) });
}

test('one in memory goes on; one that is not waits until it can be read', () => {
  const store = shut();
  const { sessions, another, turn } = make(undefined, store);
  const { id, session } = open(sessions);
  store.closed = true;
  turn(500);
  expect(sessions.find(id, '/mcp')).toBe(session);
  const later = another();
  expect([later.find(id, '/mcp'), later.size]).toEqual([UNREAD, 0]);
  store.closed = false;
  expect(later.find(id, '/mcp')).toMatchObject({ path: '/mcp' });
});

test('its client is told to try again', async () => {
  const store = shut();
  await using gateway = await startInProcess(configOf(DEMO, { limits: { sessions: 1 } }), {
    sessions: store,
  });
  const first = await openSession(gateway.url);
  await openSession(gateway.url);
  store.closed = true;
  const refused = await first.call('echo', { text: 'one' });
  expect([refused.status, (await refused.json()).error.data.code]).toEqual([503, 'BUSY']);
  store.closed = false;
  const answer = await first.call('echo', { text: 'two' });
  expect((await answer.json()).result.content[0].text).toBe('two');
});
