// Sessions of the initialize era over real sockets: the handshake, ids, notifications, answers, GET, DELETE, cancel.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSession } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { initialize } from '../../fixtures/raw.ts';
import { until } from '../../fixtures/until.ts';
import { post, send } from '../../fixtures/wire.ts';

let gateway: InProcess;
beforeAll(async () => {
  gateway = await startInProcess(configOf(DEMO, { endpoints: { '/mcp': {}, '/other': {} } }));
});
afterAll(() => gateway.stop());

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('the handshake', () => {
  for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
    test(`agrees on ${version}`, async () => {
      const answer = await post(gateway.url, initialize(version));
      const { result } = await answer.json();
      expect([answer.status, result.protocolVersion]).toEqual([200, version]);
      expect(answer.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]+$/);
      expect(result).not.toContainKeys(['resultType', 'ttlMs', 'supportedVersions', '_meta']);
    });
  }

  test('answers an unknown revision with its newest', async () => {
    for (const version of ['1999-01-01', '2026-07-28', '', 'x']) {
      const answer = await post(gateway.url, initialize(version));
      expect((await answer.json()).result.protocolVersion).toBe('2025-11-25');
    }
  });

  test('needs a version and capabilities', async () => {
    for (const params of [
      undefined,
      {},
      { protocolVersion: '2025-11-25' },
      { protocolVersion: 1, capabilities: {} },
    ]) {
      const answer = await post(gateway.url, { jsonrpc: '2.0', id: 'h', method: 'initialize', params });
      expect([answer.status, await answer.json()]).toMatchObject([400, { id: 'h', error: { code: -32600 } }]);
      expect(answer.headers['mcp-session-id']).toBeUndefined();
    }
  });

  test('is not made twice in one session', async () => {
    const { headers } = await openSession(gateway.url);
    const again = await post(gateway.url, initialize('2025-11-25'), headers);
    expect([again.status, await again.json()]).toMatchObject([400, { id: 1, error: { code: -32600 } }]);
    // A client that lost its session may still name the lost one.
    const lost = await post(gateway.url, initialize('2025-11-25'), { 'mcp-session-id': 'gone' });
    expect(lost.status).toBe(200);
    await lost.text();
  });
});

describe('a request needs its session', () => {
  const ways = { POST: { body: ping }, GET: { headers: { accept: 'text/event-stream' } }, DELETE: {} };
  for (const [method, { headers, ...rest }] of Object.entries(ways).map(
    ([m, way]) => [m, { headers: {}, ...way }] as const,
  )) {
    const status = async (id: string | string[] | undefined, path = '/mcp') => {
      const named = { ...headers, ...(id !== undefined && { 'mcp-session-id': id }) };
      const answer = await send(new URL(path, gateway.url).href, { method, headers: named, ...rest });
      return [answer.status, (await answer.json()).error.code];
    };

    test(`${method} without one is a 400`, async () => {
      expect(await status(undefined)).toEqual([400, -32600]);
      expect(await status('')).toEqual([400, -32600]);
    });

    test(`${method} with one that never was is a 404`, async () => {
      const { id } = await openSession(gateway.url);
      const flipped = id.slice(0, -1) + (id.endsWith('A') ? 'B' : 'A');
      for (const bad of [
        '__proto__',
        'constructor',
        'toString',
        's1.',
        's1.AAAA',
        flipped,
        `${id}A`,
        `${id}, ${id}`,
        id.toLowerCase(),
      ]) {
        expect(await status(bad)).toEqual([404, -32600]);
      }
      // One of another endpoint is no different from one that never was.
      expect(await status(id, '/other')).toEqual([404, -32600]);
    });
  }

  test('a revision that no session speaks is a 400', async () => {
    const { headers } = await openSession(gateway.url);
    for (const version of ['1999-01-01', 'x', '2025-11-26']) {
      const answer = await post(gateway.url, ping, { ...headers, 'mcp-protocol-version': version });
      expect([answer.status, await answer.json()]).toMatchObject([400, { id: 1 }]);
    }
  });

  test('no revision at all is fine', async () => {
    const { id } = await openSession(gateway.url);
    const answer = await post(gateway.url, ping, { 'mcp-session-id': id });
    expect([answer.status, await answer.json()]).toEqual([200, { jsonrpc: '2.0', id: 1, result: {} }]);
  });
});

describe('what gets no answer', () => {
  const silent: Record<string, object> = {
    'a notification': { method: 'notifications/roots/list_changed' },
    'an unknown notification': { method: 'notifications/x', params: { a: 1 } },
    'a cancellation of nothing': { method: 'notifications/cancelled', params: { requestId: 99 } },
    'a cancellation without an id': { method: 'notifications/cancelled' },
    'an answer to nothing': { id: 17, result: {} },
    'an error to nothing': { id: 'x', error: { code: -1, message: 'no' } },
    'an error to nobody': { id: null, error: { code: -1, message: 'no' } },
  };
  for (const [name, message] of Object.entries(silent)) {
    test(`${name} is a 202 without a body`, async () => {
      const { headers } = await openSession(gateway.url);
      const answer = await post(gateway.url, { jsonrpc: '2.0', ...message }, headers);
      expect([answer.status, await answer.text()]).toEqual([202, '']);
    });
  }

  test('an answer of another session reaches nobody', async () => {
    const asked = await openSession(gateway.url, { capabilities: { elicitation: {} } });
    const other = await openSession(gateway.url);
    const answer = await asked.call('ask', {});
    const question = await answer.message();
    expect(question.method).toBe('elicitation/create');
    await other.tell({ id: question.id, result: { action: 'accept', content: { name: 'Mallory' } } });
    await asked.tell({ id: question.id, result: { action: 'decline' } });
    expect(JSON.stringify((await answer.messages()).at(-1))).not.toContain('Mallory');
    // Late, and a second time: still a 202.
    expect(await asked.tell({ id: question.id, result: { action: 'decline' } })).toBe(202);
  });
});

describe('errors of a session', () => {
  test('come with 200, since the JSON says it', async () => {
    const session = await openSession(gateway.url);
    for (const [method, code] of [
      ['no/such', -32601],
      ['server/discover', -32601],
      ['subscriptions/listen', -32601],
      ['tasks/update', -32601],
    ] as const) {
      const answer = await session.ask(method, {});
      expect([answer.status, await answer.json()]).toMatchObject([200, { id: 7, error: { code } }]);
    }
    const answer = await session.ask('logging/setLevel', { level: 'loud' });
    expect([answer.status, await answer.json()]).toMatchObject([200, { error: { code: -32602 } }]);
  });
});

describe('the standing stream', () => {
  test('is one per session, and can be opened again', async () => {
    const session = await openSession(gateway.url);
    const first = await session.stream();
    expect([first.status, first.type]).toEqual([200, 'text/event-stream']);
    const second = await session.stream();
    expect([second.status, await second.json()]).toMatchObject([409, { error: { code: -32600 } }]);
    first.drop();
    // The gateway sees the end of the first one in its own time.
    let third = await session.stream();
    for (; third.status === 409; third = await session.stream()) await third.text();
    expect(third.status).toBe(200);
    third.drop();
  });

  test('ends with its session, which is then unknown', async () => {
    const session = await openSession(gateway.url);
    const stream = await session.stream();
    const ended = await send(gateway.url, { method: 'DELETE', headers: session.headers });
    expect([ended.status, await ended.text()]).toEqual([200, '']);
    expect(await stream.messages()).toEqual([]);
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await send(gateway.url, {
        method,
        headers: { ...session.headers, ...(method === 'GET' && { accept: 'text/event-stream' }) },
        ...(method === 'POST' && { body: ping }),
      });
      expect([answer.status, (await answer.json()).error.code]).toEqual([404, -32600]);
    }
  });
});

test('calls at once under one id and one token do not mix', async () => {
  const session = await openSession(gateway.url);
  const answers = await Promise.all(
    [3, 5, 7].map((to) => session.call('slow_count', { to, every_ms: 3 }, { id: 1, token: 1 })),
  );
  for (const [i, answer] of answers.entries()) {
    const messages = await answer.messages();
    const to = 3 + 2 * i;
    expect(messages.slice(0, -1).map(({ params }) => params.total)).toEqual(Array(to).fill(to));
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { counted: to } } });
  }
});

describe('cancelling', () => {
  test('ends the call upstream, and its stream without a response', async () => {
    const session = await openSession(gateway.url);
    const answer = await session.call('slow_count', { to: 100, every_ms: 5 }, { id: 'c', token: 't' });
    expect((await answer.message()).params.progress).toBe(1);
    expect(await session.tell({ method: 'notifications/cancelled', params: { requestId: 'c' } })).toBe(202);
    for (const message of await answer.messages()) expect(message.method).toBe('notifications/progress');
    expect(gateway.gateway.report().upstreams[0]).toMatchObject({ calls: 0, tokens: 0 });
  });

  test("is for one's own calls only, and by the type of the id", async () => {
    const mine = await openSession(gateway.url);
    const other = await openSession(gateway.url);
    const answer = await mine.call('slow_count', { to: 5, every_ms: 5 }, { id: 1, token: 1 });
    await answer.message();
    await other.tell({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await mine.tell({ method: 'notifications/cancelled', params: { requestId: '1' } });
    expect((await answer.messages()).at(-1)).toMatchObject({
      id: 1,
      result: { structuredContent: { counted: 5 } },
    });
  });

  test('is not what closing the connection means', async () => {
    const session = await openSession(gateway.url);
    const done = (outcome: string) => gateway.figure('exchanges', { method: 'tools/call', outcome });
    const [complete, cancelled] = [await done('complete'), await done('cancelled')];
    const answer = await session.call('slow_count', { to: 3, every_ms: 10 }, { token: 0 });
    await answer.message();
    answer.drop();
    await until(async () => (await done('complete')) === complete + 1);
    expect(await done('cancelled')).toBe(cancelled);
  });
});
