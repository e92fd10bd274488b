// Session ids that say all there is to say: good after a restart, good for nobody else, forgotten in time.
import { describe, expect, test } from 'bun:test';
import { SILENT } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import type { Serving } from '../../../src/listeners/serving.ts';
import { sessionStanding } from '../../../src/listeners/session-standing.ts';
import { Sessions } from '../../../src/listeners/sessions.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { openSession, sessionOf } from '../../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../../fixtures/in-process.ts';
import { connectPeer, textOf } from '../../fixtures/peers.ts';
import { post } from '../../fixtures/wire.ts';

const KEY = new Uint8Array(32).fill(7);

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

const CLIENT = {
  version: '2025-11-25',
  info: RawObject.of({ name: 'c', 'x/y': 1 }),
  capabilities: RawObject.of({ elicitation: {} }),
};

function make(limits = { sessions: 10, sessionIdle: 1_000 }) {
  let now = 1_000_000;
  const host = { log: SILENT, metrics: createMetrics(), now: () => now };
  const build = () =>
    new Sessions({
      seal: createSeal(KEY),
      host,
      limits: () => limits,
      standing: (session, path) => sessionStanding(session, path, 'test', { host } as Serving),
    });
  const turn = (ms: number): void => {
    now += ms;
  };
  return { sessions: build(), another: build, turn };
}

describe('in memory', () => {
  test('an id finds the same session, on its own path alone', () => {
    const { sessions } = make();
    const { id, session } = sessions.create(CLIENT, '/mcp');
    expect(sessions.find(id, '/mcp')).toBe(session);
    expect(sessions.find(id, '/other')).toBeUndefined();
    for (const bad of ['', '__proto__', 'constructor', 'hasOwnProperty', `${id} `, id.slice(1)]) {
      expect(sessions.find(bad, '/mcp')).toBeUndefined();
    }
  });

  test('an id brings back what the client said of itself', () => {
    const { sessions, another } = make();
    const { id, session } = sessions.create(CLIENT, '/mcp');
    const found = another().find(id, '/mcp');
    expect(found?.key).not.toBe(session.key);
    expect(found?.client).toMatchObject({ era: '2025', version: '2025-11-25', transport: 'http' });
    expect(found?.client.info?.text).toBe(CLIENT.info.text);
    expect(found?.client.capabilities.text).toBe(CLIENT.capabilities.text);
  });

  test('an idle session is swept, and stays gone', () => {
    const { sessions, turn } = make();
    const idle = sessions.create(CLIENT, '/mcp');
    const used = sessions.create(CLIENT, '/mcp');
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
    const working = sessions.create(CLIENT, '/mcp');
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
    const { id } = sessions.create(CLIENT, '/mcp');
    turn(1_001);
    expect(another().find(id, '/mcp')).toBeUndefined();
  });

  test('the one unused for longest makes room, never one at work', () => {
    const { sessions } = make({ sessions: 2, sessionIdle: 1_000 });
    const [a, b] = [sessions.create(CLIENT, '/mcp'), sessions.create(CLIENT, '/mcp')];
    a.session.calls.begin({ text: '1', key: 'n:1' });
    sessions.create(CLIENT, '/mcp');
    expect([a.session.over, b.session.over]).toEqual([false, true]);
    expect(sessions.find(b.id, '/mcp')?.key).not.toBe(b.session.key);
  });

  test('an ended session ends its calls', () => {
    const { sessions } = make();
    const { id, session } = sessions.create(CLIENT, '/mcp');
    const { signal } = session.calls.begin({ text: '1', key: 'n:1' });
    sessions.end(id);
    expect([signal.aborted, session.client.session?.ended.aborted, sessions.find(id, '/mcp')]).toEqual([
      true,
      true,
      undefined,
    ]);
  });
});
