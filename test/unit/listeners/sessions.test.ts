// Session ids that say all there is to say: good after a restart, good for nobody else, forgotten in time.
import { describe, expect, test } from 'bun:test';
import { sessionMemory } from '../../../src/core/session-store.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import { FULL } from '../../../src/listeners/sessions.ts';
import { openSession, sessionOf } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { connectPeer, textOf } from '../../fixtures/peers.ts';
import { post } from '../../fixtures/wire.ts';
import { CLIENT, found, KEY, LIMITS, make, open } from './in-memory.ts';

/** A configuration on a port that can be taken again. */
function onPort(port: string): Record<string, unknown> {
  return configOf(DEMO, { listeners: [{ http: { listen: `127.0.0.1:${port}` } }] });
}
const portOf = (url: string): string => new URL(url).port;

describe('a restart', () => {
  for (const kind of ['v1', 'legacy'] as const) {
    test(`between two calls of a ${kind} client goes unnoticed`, async () => {
      const first = await startInProcess(onPort('0'), { sealKey: KEY });
      const peer = await connectPeer(
        kind,
        { url: first.url },
        { elicit: () => ({ action: 'accept', content: { answer: 'red' } }) },
      );
      expect(textOf(await peer.call('echo', { text: 'one' }))).toBe('one');
      await first.stop();
      await using second = await startInProcess(onPort(portOf(first.url)), { sealKey: KEY });
      expect(textOf(await peer.call('echo', { text: 'two' }))).toBe('two');
      expect(second.gateway.report().sessions).toBe(1);
      // What the client said of itself is in the id, so it can still be asked.
      expect(textOf(await peer.call('ask', {}))).toContain('red');
      await peer.close();
    });
  }

  test('with another key makes the client begin anew', async () => {
    const first = await startInProcess(onPort('0'), { sealKey: KEY });
    const session = await openSession(first.url);
    await first.stop();
    await using second = await startInProcess(onPort(portOf(first.url)));
    const answer = await sessionOf(second.url, session.id, session.headers).ask('ping');
    expect([answer.status, (await answer.json()).error.code]).toEqual([404, -32600]);
  });

  test('does not bring back a session by an id of another kind', async () => {
    await using gateway = await startInProcess(configOf(DEMO), { sealKey: KEY });
    const forged = createSeal(KEY).seal('park', '{"path":"/mcp","at":9999999999999}');
    const answer = await post(
      gateway.url,
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { 'mcp-session-id': forged },
    );
    expect(answer.status).toBe(404);
    await answer.text();
  });
});

test('forgotten sessions that are remembered by their id work on', async () => {
  await using gateway = await startInProcess(configOf(DEMO, { limits: { sessions: 2 } }));
  const all = [];
  for (let i = 0; i < 5; i++) all.push(await openSession(gateway.url));
  expect(gateway.gateway.report().sessions).toBe(2);
  for (const session of all) {
    const answer = await session.call('echo', { text: session.id.slice(-5) });
    expect((await answer.json()).result.content[0].text).toBe(session.id.slice(-5));
  }
  expect(gateway.gateway.report().sessions).toBe(2);
  expect(await gateway.figure('limitHits', { limit: 'sessions' })).toBeGreaterThanOrEqual(3);
});

describe('in memory', () => {
  test('an id finds the same session, on its own path alone', () => {
    const { sessions } = make();
    const { id, session } = open(sessions);
    expect(sessions.find(id, '/mcp')).toBe(session);
    expect(sessions.find(id, '/other')).toBeUndefined();
    for (const bad of ['', '__proto__', 'constructor', 'hasOwnProperty', `${id} `, id.slice(1)]) {
      expect(sessions.find(bad, '/mcp')).toBeUndefined();
    }
  });

  test('an id brings back what the client said of itself', () => {
    const { sessions, another } = make();
    const { id, session } = open(sessions);
    const back = found(another(), id);
    expect(back?.client.session?.key).not.toBe(session.client.session?.key);
    expect(back?.client).toMatchObject({ era: '2025', version: '2025-11-25', transport: 'http' });
    expect(back?.client.info?.text).toBe(CLIENT.info.text);
    expect(back?.client.capabilities.text).toBe(CLIENT.capabilities.text);
  });

  test('an idle session is swept, and stays gone', () => {
    const { sessions, turn } = make();
    const idle = open(sessions);
    const used = open(sessions);
    turn(999);
    sessions.sweep();
    expect(sessions.size).toBe(2);
    sessions.find(used.id, '/mcp');
    turn(1);
    sessions.sweep();
    expect([sessions.find(idle.id, '/mcp'), idle.session.over]).toEqual([undefined, true]);
    expect(sessions.find(used.id, '/mcp')).toBe(used.session);
  });

  test('one that is at work, or listens, is not idle', () => {
    const { sessions, turn } = make();
    const working = open(sessions);
    const { end } = working.session.calls.begin({ text: '1', key: 'n:1' });
    turn(5_000);
    sessions.sweep();
    expect(sessions.find(working.id, '/mcp')).toBe(working.session);
    end();
    turn(1_000);
    sessions.sweep();
    expect(sessions.size).toBe(0);
  });

  test('an id that is older than a session may be idle brings nothing back', () => {
    const { sessions, another, turn } = make();
    const { id } = open(sessions);
    turn(1_001);
    expect(found(another(), id)).toBeUndefined();
  });

  test('the one unused for longest makes room, never one at work', () => {
    const { sessions } = make({ ...LIMITS, sessions: 2 });
    const [a, b] = [open(sessions), open(sessions)];
    a.session.calls.begin({ text: '1', key: 'n:1' });
    open(sessions);
    expect([a.session.over, b.session.over]).toEqual([false, true]);
    expect(found(sessions, b.id)).not.toBe(b.session);
  });

  test('an ended session ends its calls', () => {
    const { sessions } = make();
    const { id, session } = open(sessions);
    const { signal } = session.calls.begin({ text: '1', key: 'n:1' });
    sessions.end(id);
    expect([signal.aborted, session.client.session?.ended.aborted, sessions.find(id, '/mcp')]).toEqual([
      true,
      true,
      undefined,
    ]);
  });
});

test('the figure is that of all listeners together', async () => {
  const { sessions, another, metrics } = make();
  const other = another();
  const { id } = open(sessions);
  open(other);
  const figure = async () => (await metrics.sessions.get()).values[0]?.value;
  expect(await figure()).toBe(2);
  await sessions.end(id);
  await sessions.end(id);
  expect(await figure()).toBe(1);
  other.close();
  expect(await figure()).toBe(0);
});

describe('with what is stored', () => {
  const CALL = { text: '1', key: 'n:1' };

  test('an ended session stays ended, for another process too', async () => {
    const { sessions, another } = make();
    const { id } = open(sessions);
    await sessions.end(id);
    expect([found(sessions, id), found(another(), id)]).toEqual([undefined, undefined]);
  });

  test('log level and resources come back', async () => {
    const { sessions, another } = make();
    const { id, session } = open(sessions);
    await session.setLevel('warning');
    expect(found(another(), id)?.logLevel).toBe('warning');
  });

  test('idleness counts from the last use, also out of memory and in another process', () => {
    const { sessions, another, turn } = make({ ...LIMITS, sessionRest: 200 });
    const { id } = open(sessions);
    for (let i = 0; i < 10; i++) {
      turn(300);
      sessions.sweep();
      expect(sessions.size).toBe(0);
      expect(found(sessions, id)).toBeDefined();
    }
    turn(999);
    expect(found(another(), id)).toBeDefined();
    turn(1_000);
    expect(found(another(), id)).toBeUndefined();
  });

  test('at rest its links go, its id and what it watches do not', async () => {
    const { sessions, turn } = make({ ...LIMITS, sessionRest: 200 });
    const { id, session } = open(sessions);
    await session.setLevel('error');
    turn(199);
    sessions.sweep();
    expect(session.client.session?.ended.aborted).toBe(false);
    turn(1);
    sessions.sweep();
    // Upstreams end the links of a session when it does.
    expect(session.client.session?.ended.aborted).toBe(true);
    const back = found(sessions, id);
    expect([back?.logLevel, back?.client.session?.ended.aborted]).toEqual(['error', false]);
  });

  test('one that listens all the time is used all the time', () => {
    const { sessions, another, turn } = make();
    const { id, session } = open(sessions);
    session.calls.begin(CALL);
    turn(900);
    sessions.sweep();
    turn(900);
    expect(found(another(), id)).toBeDefined();
  });

  test('a use is written down now and then, not each time', () => {
    const saved: unknown[] = [];
    const memory = sessionMemory(1 << 20);
    const save: typeof memory.save = (key, change) => {
      saved.push(change);
      return memory.save(key, change);
    };
    const { sessions, turn } = make({ ...LIMITS, sessionIdle: 24_000 }, { ...memory, save });
    const { id } = open(sessions);
    for (let i = 0; i < 100; i++) {
      turn(100);
      found(sessions, id);
    }
    expect(saved.length).toBe(10);
    turn(1);
    found(sessions, id);
    sessions.close();
    expect(saved.length).toBe(11);
  });
});

test('where all are at work there is no room, neither for a new one nor for one that comes back', async () => {
  const { sessions, metrics } = make({ ...LIMITS, sessions: 1 });
  const away = open(sessions);
  const { session } = open(sessions);
  const { end } = session.calls.begin({ text: '1', key: 'n:1' });
  expect([sessions.create(CLIENT, '/mcp'), sessions.find(away.id, '/mcp')]).toEqual([FULL, FULL]);
  expect(sessions.size).toBe(1);
  const { values } = await metrics.limitHits.get();
  expect(values).toMatchObject([{ labels: { limit: 'sessions' }, value: 3 }]);
  end();
  expect(found(sessions, away.id)).toBeDefined();
});
