// Several gateways on one store: a session that one of them ends is over at all of them soon.
import { expect, test } from 'bun:test';
import { sessionMemory } from '../../../src/core/session-store.ts';
import { found, LIMITS, make, open } from './in-memory.ts';

test('one that another process has ended is over here, too, within limits.session_check', async () => {
  const { sessions, another, turn, metrics } = make();
  const { id, session } = open(sessions);
  await another().end(id);
  turn(99);
  expect(found(sessions, id)).toBe(session);
  turn(1);
  expect(found(sessions, id)).toBeUndefined();
  expect(session.over).toBe(true);
  expect((await metrics.sessions.get()).values[0]?.value).toBe(0);
});

test('the store is asked for one in use as often as that, not with each request', () => {
  const store = sessionMemory(1 << 20);
  let asked = 0;
  const find = (key: string) => {
    asked++;
    return store.find(key);
  };
  const counting = { ...store, find };
  const { sessions, turn } = make(LIMITS, counting);
  const { id } = open(sessions);
  for (let n = 0; n < 40; n++) {
    turn(10);
    found(sessions, id);
  }
  expect(asked).toBe(4);
});
