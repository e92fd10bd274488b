// Streams that outlive their connections, over real sockets: what a client of 2025 gets when it comes back.
import { describe, expect, test } from 'bun:test';
import { call, openSession, type RawSession, sessionOf } from '../../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { type Stepping, startStepping } from '../../fixtures/stepping.ts';
import { until } from '../../fixtures/until.ts';
import { type Answer, send } from '../../fixtures/wire.ts';

async function world(
  run: (gateway: InProcess, steps: Stepping) => Promise<void>,
  { limits = {}, ...options }: { limits?: object; padding?: string; result?: string } = {},
): Promise<void> {
  await using steps = startStepping(options);
  await using gateway = await startInProcess(configOf({ steps: { url: steps.url } }, { limits }));
  try {
    await run(gateway, steps);
  } finally {
    // The gateway stops first, and waits for what is at work.
    steps.finish();
  }
}

const calls = (gateway: InProcess) => gateway.gateway.report().upstreams[0]?.calls;
const places = (answer: Answer) => answer.ids.map((id) => Number(id.split('.')[2]));
const progressOf = (messages: readonly { params?: { progress?: number } }[]) =>
  messages.flatMap(({ params }) => params?.progress ?? []);

/** A call that has made its first report, and the answer so far. */
async function begun(session: RawSession, steps: Stepping, id: unknown = 7): Promise<Answer> {
  steps.reach(1);
  const answer = await session.call('x', {}, { id, token: 't' });
  expect((await answer.message()).params).toMatchObject({ progressToken: 't', progress: 1 });
  return answer;
}

describe('events of an answer', () => {
  for (const [version, first] of [
    ['2025-11-25', 0],
    ['2025-06-18', 1],
    ['2025-03-26', 1],
  ] as const) {
    test(`carry ids in ${version}, and begin with ${first === 0 ? 'one without data' : 'the first message'}`, async () => {
      await world(async (gateway, steps) => {
        const session = await openSession(gateway.url, { version });
        const answer = await begun(session, steps);
        steps.finish();
        const rest = await answer.messages();
        expect(rest.at(-1)).toMatchObject({ id: 7, result: { content: [] } });
        expect(places(answer)).toEqual(first === 0 ? [0, 1, 2] : [1, 2]);
        expect(new Set(answer.ids.map((id) => id.split('.')[1])).size).toBe(1);
        expect(answer.retry).toBe('1000');
      });
    });
  }

  test('carry none in 2026, where Last-Event-ID says nothing', async () => {
    await world(async (gateway, steps) => {
      steps.reach(1);
      const headers = { 'last-event-id': 'a.AAAAAAAAAAAA.1' };
      const answer = await call(gateway.url, 'x', {}, { token: 't', headers });
      await answer.message();
      steps.finish();
      expect((await answer.messages()).at(-1)).toMatchObject({ result: { content: [] } });
      expect([answer.ids, answer.retry]).toEqual([[], undefined]);
    });
  });

  test('differ between all streams of a session', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const standing = await session.stream();
      await until(() => steps.upstream.listeners > 0);
      steps.reach(1);
      const answers = await Promise.all([1, 2, 3].map((id) => session.call('x', {}, { id, token: id })));
      for (const answer of answers) await answer.message();
      steps.upstream.tell('notifications/tools/list_changed');
      await standing.message();
      const ids = [standing, ...answers].flatMap((each) => each.ids);
      expect(ids.length).toBe(8);
      expect(new Set(ids).size).toBe(8);
      for (const answer of answers) answer.drop();
      standing.drop();
    });
  });
});

describe('a call whose connection was lost', () => {
  test('runs on; its client gets what it missed, then what is still to come, once', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      answer.drop();
      steps.reach(3);
      await until(async () => (await gateway.figure('notifications')) === 3);
      const again = await session.stream(answer.ids.at(-1));
      expect([again.status, again.type]).toEqual([200, 'text/event-stream']);
      expect(progressOf([await again.message(), await again.message()])).toEqual([2, 3]);
      steps.reach(4);
      expect(progressOf([await again.message()])).toEqual([4]);
      steps.finish();
      expect(await again.messages()).toMatchObject([{ id: 7, result: { content: [] } }]);
      expect(places(again)).toEqual([2, 3, 4, 5]);
      expect(await gateway.figure('resumed', { outcome: 'replayed' })).toBe(1);
      expect(await gateway.figure('exchanges', { method: 'tools/call', outcome: 'complete' })).toBe(1);
    });
  });

  test('that has ended meanwhile is answered from what was kept', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      answer.drop();
      steps.finish();
      await until(() => calls(gateway) === 0);
      for (let i = 0; i < 2; i++) {
        const again = await session.stream(answer.ids.at(-1));
        expect(await again.messages()).toMatchObject([{ id: 7, result: { content: [] } }]);
        // Nothing comes behind it, and a client that asks is told not to ask again.
        const after = await session.stream(again.ids.at(-1));
        expect([after.status, await after.text()]).toEqual([204, '']);
      }
    });
  });

  test('can be taken up from its start', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      answer.drop();
      steps.finish();
      const again = await session.stream(answer.ids[0]);
      const messages = await again.messages();
      expect(progressOf(messages)).toEqual([1]);
      expect(messages.at(-1)).toMatchObject({ id: 7 });
    });
  });

  test('moves to the newest connection, although the one before still seems open', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      const second = await session.stream(answer.ids.at(-1));
      expect(await answer.messages()).toEqual([]);
      steps.reach(2);
      expect(progressOf([await second.message()])).toEqual([2]);
      second.drop();
      const third = await session.stream(second.ids.at(-1));
      steps.finish();
      expect(await third.messages()).toMatchObject([{ id: 7, result: {} }]);
    });
  });

  test('can be cancelled, and then has nothing more to tell', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      answer.drop();
      await session.tell({ method: 'notifications/cancelled', params: { requestId: 7 } });
      await until(() => calls(gateway) === 0);
      const again = await session.stream(answer.ids.at(-1));
      expect([again.status, await again.text()]).toEqual([204, '']);
    });
  });

  test('may ask meanwhile: the question waits for its client', async () => {
    const limits = { keep_alive: '1s' };
    await using gateway = await startInProcess(configOf({ demo: { builtin: 'demo' } }, { limits }));
    const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    const answer = await session.call('ask', {});
    const question = await answer.message();
    answer.drop();
    const again = await session.stream(answer.ids[0]);
    expect(await again.message()).toEqual(question);
    await session.tell({ id: question.id, result: { action: 'accept', content: { answer: 'green' } } });
    expect(JSON.stringify((await again.messages()).at(-1))).toContain('green');
  });
});

describe('a stream that cannot be resumed', () => {
  const lost = (id: unknown) => [
    { jsonrpc: '2.0', id, error: { code: -32603, data: { code: 'STREAM_LOST' } } },
  ];

  test('of another session shows nothing of it: the client gets an error for the call it names', async () => {
    await world(async (gateway, steps) => {
      const mine = await openSession(gateway.url);
      const other = await openSession(gateway.url);
      const answer = await begun(mine, steps, 'secret-1');
      const stolen = await other.stream(answer.ids.at(-1));
      expect(await stolen.messages()).toMatchObject(lost('secret-1'));
      const after = await other.stream(stolen.ids.at(-1));
      expect(after.status).toBe(204);
      // Whose it is has lost nothing by that.
      steps.finish();
      expect(await answer.messages()).toMatchObject([{ id: 'secret-1', result: {} }]);
    });
  });

  test('since the gateway started anew is an error too, and the standing stream begins anew', async () => {
    await using steps = startStepping();
    const sealKey = new Uint8Array(32).fill(3);
    const config = configOf({ steps: { url: steps.url } });
    const first = await startInProcess(config, { sealKey });
    const before = await openSession(first.url);
    const answer = await begun(before, steps);
    const standing = await before.stream();
    answer.drop();
    standing.drop();
    steps.finish();
    await first.stop();
    await using second = await startInProcess(config, { sealKey });
    const session = sessionOf(second.url, before.id, before.headers);
    expect(await (await session.stream(answer.ids.at(-1))).messages()).toMatchObject(lost(7));
    const again = await session.stream('s.AAAAAAAAAAAA.3');
    expect([again.status, again.type]).toEqual([200, 'text/event-stream']);
    expect((await session.stream()).status).toBe(409);
    again.drop();
  });

  test('is a 400 where the id says nothing, and a 404 where the session is unknown', async () => {
    await world(async (gateway) => {
      const session = await openSession(gateway.url);
      for (const id of ['x', '__proto__', '1', 'a.AAAAAAAAAAAA.1', 'a.AAAAAAAAAAAA.1.!!']) {
        const answer = await session.stream(id);
        expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: -32603 } }]);
      }
      const none = await send(gateway.url, {
        method: 'GET',
        headers: {
          accept: 'text/event-stream',
          'mcp-session-id': 'gone',
          'last-event-id': 'a.AAAAAAAAAAAA.1',
        },
      });
      expect(none.status).toBe(404);
    });
  });

  test('is one whose session has ended', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const answer = await begun(session, steps);
      answer.drop();
      steps.reach(2);
      await until(async () => (await gateway.figure('notifications')) === 2);
      expect(await gateway.figure('resumeBytes')).toBeGreaterThan(0);
      await (await send(gateway.url, { method: 'DELETE', headers: session.headers })).text();
      expect((await session.stream(answer.ids.at(-1))).status).toBe(404);
      await until(() => calls(gateway) === 0);
      expect(await gateway.figure('resumeBytes')).toBe(0);
    });
  });
});

describe('the standing stream', () => {
  test('goes on behind the last event its client saw', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const stream = await session.stream();
      await until(() => steps.upstream.listeners > 0);
      steps.upstream.tell('notifications/tools/list_changed');
      await stream.message();
      stream.drop();
      const again = await session.stream(stream.ids[0]);
      expect(await again.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
      steps.upstream.tell('notifications/prompts/list_changed');
      expect(await again.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
      // Resuming it again takes over; a new one does not.
      const third = await session.stream(again.ids.at(-1));
      expect(await again.messages()).toEqual([]);
      expect((await session.stream()).status).toBe(409);
      steps.upstream.tell('notifications/resources/list_changed');
      expect(await third.message()).toMatchObject({ method: 'notifications/resources/list_changed' });
      third.drop();
    });
  });

  test('never carries what belongs to an answer, nor the other way round', async () => {
    await world(async (gateway, steps) => {
      const session = await openSession(gateway.url);
      const stream = await session.stream();
      await until(() => steps.upstream.listeners > 0);
      const answer = await begun(session, steps);
      steps.upstream.tell('notifications/tools/list_changed');
      await stream.message();
      stream.drop();
      answer.drop();
      const again = await session.stream(stream.ids[0]);
      expect(await again.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
      steps.finish();
      const rest = await (await session.stream(answer.ids[0])).messages();
      expect(rest.map(({ method, id }) => method ?? id)).toEqual(['notifications/progress', 7]);
      steps.upstream.tell('notifications/prompts/list_changed');
      expect(await again.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
      again.drop();
    });
  });
});
