// Events for a client that reads when it likes: the newest of each kind, in order, and never more than a few.
import { expect, test } from 'bun:test';
import { Latest, type Out } from '../../../src/listeners/latest.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import { settle } from '../../../src/testing/clock.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const TOOLS = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';
const event = (method: string, params = {}): McpNotification => McpNotification.of(method, params);

function make(most = 1_000_000) {
  const host = testHost();
  const dropped: string[] = [];
  const { metrics } = host;
  const counted = metrics.dropped.inc.bind(metrics.dropped);
  metrics.dropped.inc = ((labels: { reason: string }) => {
    dropped.push(labels.reason);
    counted(labels);
  }) as typeof metrics.dropped.inc;
  const out: string[] = [];
  const latest = new Latest(
    metrics,
    () => 256,
    () => most,
  );
  const write: Out = (note) => void out.push(`${note.method} ${note.raw?.text}`);
  return { latest, dropped, out, write, host };
}

test('goes straight through to one who reads', () => {
  const { latest, out, write } = make();
  latest.attach(write);
  for (const uri of ['a', 'a', 'b']) latest.put(event(UPDATED, { uri }));
  latest.put(event('notifications/message', { data: 1 }));
  latest.put(event('notifications/tasks', { taskId: 't' }));
  expect(out.length).toBe(5);
});

test('waits for one who is not there, the newest of a kind alone', () => {
  const { latest, out, dropped, write } = make();
  for (const i of [1, 2]) {
    latest.put(event(TOOLS, { i }));
    latest.put(event(UPDATED, { uri: 'a', i }));
    latest.put(event('notifications/tasks', { taskId: 't', i }));
    latest.put(event('notifications/other', { i }));
    latest.put(event('notifications/message', { i }));
  }
  latest.put(event(UPDATED, { uri: 'b' }));
  latest.attach(write);
  expect(out).toEqual([
    `${TOOLS} {"i":2}`,
    `${UPDATED} {"uri":"a","i":2}`,
    'notifications/tasks {"taskId":"t","i":2}',
    'notifications/other {"i":1}',
    'notifications/other {"i":2}',
    `${UPDATED} {"uri":"b"}`,
  ]);
  expect(dropped).toEqual(['no_stream', 'no_stream']);
});

test('waits while one is slow, and goes on by itself', async () => {
  const { latest, out, dropped, write } = make();
  const patience = Promise.withResolvers<void>();
  latest.attach((note) => {
    write(note);
    return out.length === 1 ? patience.promise : undefined;
  });
  for (const i of [1, 2, 3]) latest.put(event(TOOLS, { i }));
  latest.put(event('notifications/message'));
  expect([out, dropped]).toEqual([[`${TOOLS} {"i":1}`], ['slow_client']]);
  patience.resolve();
  await settle();
  expect(out).toEqual([`${TOOLS} {"i":1}`, `${TOOLS} {"i":3}`]);
});

test('keeps what one who has just left did not take, for the next', async () => {
  const { latest, out, write } = make();
  const patience = Promise.withResolvers<void>();
  let open = true;
  latest.attach(() => (open ? patience.promise : false));
  latest.put(event(TOOLS, { i: 1 }));
  latest.put(event(TOOLS, { i: 2 }));
  open = false;
  patience.resolve();
  await settle();
  expect(latest.attached).toBe(false);
  const detach = latest.attach(write);
  expect(out).toEqual([`${TOOLS} {"i":2}`]);
  detach();
  expect(latest.attached).toBe(false);
});

test('a stream that was replaced takes nothing away', () => {
  const { latest, out, write } = make();
  const first = latest.attach(() => undefined);
  latest.attach(write);
  first();
  latest.put(event(TOOLS));
  expect(out.length).toBe(1);
});

test('holds so many and no more, but still the newest of those it holds', async () => {
  const { latest, out, dropped, write, host } = make();
  for (let i = 0; i < 300; i++) latest.put(event(UPDATED, { uri: `u${i}`, n: 1 }));
  latest.put(event(UPDATED, { uri: 'u7', n: 2 }));
  expect(dropped.length).toBe(44);
  expect(await host.figure('limitHits', { limit: 'events' })).toBe(44);
  latest.attach(write);
  expect(out.length).toBe(256);
  expect(out[7]).toBe(`${UPDATED} {"uri":"u7","n":2}`);
});

test('is empty when cleared', () => {
  const { latest, out, write } = make();
  latest.put(event(TOOLS));
  latest.clear();
  latest.attach(write);
  expect(out).toEqual([]);
});

test('of what is too much to hold, that something has changed is told', () => {
  const { latest, out, dropped, write } = make(100);
  const padding = 'x'.repeat(90);
  latest.put(event(UPDATED, { uri: 'a', padding }));
  latest.put(event(UPDATED, { uri: 'b', padding }));
  latest.put(event(TOOLS, { padding }));
  latest.put(event('notifications/tasks', { taskId: 't', padding }));
  latest.put(event('notifications/other', { padding }));
  // What is told anew takes the place of what it said before.
  latest.put(event(UPDATED, { uri: 'a' }));
  latest.put(event('notifications/other', { small: 1 }));
  latest.attach(write);
  expect(out).toEqual([
    `${UPDATED} {"uri":"a"}`,
    `${UPDATED} {"uri":"b"}`,
    `${TOOLS} {}`,
    'notifications/other {"small":1}',
  ]);
  expect(dropped).toEqual(['no_stream', 'no_stream']);
  // All of it is gone, so there is room again.
  latest.put(event('notifications/other', { padding }));
  expect(out.at(-1)).toContain(padding);
});
