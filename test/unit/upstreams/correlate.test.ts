// Ids, progress tokens and subscriptions of one connection: what reaches whom, and what is dropped.
import { describe, expect, test } from 'bun:test';
import { GatewayError } from '../../../src/core/errors.ts';
import { parseMessage } from '../../../src/protocol/jsonrpc.ts';
import type { McpNotification } from '../../../src/protocol/message.ts';
import type { Call } from '../../../src/upstreams/call.ts';
import { Correlator } from '../../../src/upstreams/correlate.ts';
import { requestOf } from '../../../src/upstreams/requests.ts';
import { clientOf, collector, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';

const LIMITS = { depth: 20, keys: 1_000, string: 100_000 };

function setUp() {
  const host = testHost();
  const unsolicited: McpNotification[] = [];
  const questions: { id: string; via: Call | undefined }[] = [];
  const missed: Call[] = [];
  const withdrawn: string[] = [];
  const correlator = new Correlator(
    'up',
    host,
    {
      unsolicited: (note) => void unsolicited.push(note),
      question: (question, via) => void questions.push({ id: question.id.text, via }),
      withdrawn: (key) => void withdrawn.push(key),
      missed: (call) => void missed.push(call),
      callOver() {},
    },
    { notifications: 2, streamBuffer: 1_000_000, taskTokens: 2 },
  );
  const hear = (message: object | string, via?: Call) =>
    correlator.receive(
      parseMessage(
        typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }),
        LIMITS,
      ),
      via,
    );
  const progress = (progressToken: unknown, value: number) =>
    hear({ method: 'notifications/progress', params: { progressToken, progress: value } });
  return { host, unsolicited, questions, withdrawn, missed, correlator, hear, progress };
}

describe('ids', () => {
  test('are ours: counted up for each connection, whatever the client used', () => {
    const { correlator } = setUp();
    const calls = ['a', 'b', 'c'].map((name) => correlator.open(toolCall(name), nobody));
    expect(calls.map((call) => JSON.parse(requestOf('2026', call)).id)).toEqual([1, 2, 3]);
  });

  test('keep their type: "1" is not 1', async () => {
    const { correlator, hear, host } = setUp();
    const call = correlator.open(toolCall('a'), nobody);
    hear({ id: '1', result: { wrong: true } });
    hear({ id: 2, result: { wrong: true } });
    expect(call.ended).toBe(false);
    hear({ id: 1, result: { right: true } });
    expect(await call.settled).toMatchObject({ kind: 'result', raw: { text: '{"right":true}' } });
    expect(await host.dropped('late_result')).toBe(2);
  });

  test.each(['toString', '__proto__', 'constructor', '', '0'])('a result for %p is nobody’s', async (id) => {
    const { correlator, hear, host } = setUp();
    const call = correlator.open(toolCall('a'), nobody);
    hear({ id, result: {} });
    expect(call.ended).toBe(false);
    expect(await host.dropped('late_result')).toBe(1);
  });

  test('of the server’s own requests are another space: equal ids do not meet', async () => {
    const { correlator, hear, questions } = setUp();
    const call = correlator.open(toolCall('a'), nobody);
    hear({ id: 1, method: 'elicitation/create', params: {} });
    expect(questions).toEqual([{ id: '1', via: undefined }]);
    expect(call.ended).toBe(false);
  });

  test('an answer comes by id on whichever stream, an error without id by its stream', async () => {
    const { correlator, hear } = setUp();
    const [one, two] = [correlator.open(toolCall('a'), nobody), correlator.open(toolCall('b'), nobody)];
    hear({ id: 1, result: {} }, two);
    expect([one.ended, two.ended]).toEqual([true, false]);
    hear({ id: null, error: { code: -32700, message: 'Parse error' } }, two);
    expect(await two.settled).toMatchObject({ kind: 'error' });
    expect(correlator.size).toEqual({ calls: 0, tokens: 0 });
  });

  test('an answer after the end is swallowed, once and for all', async () => {
    const { correlator, hear, host } = setUp();
    const call = correlator.open(toolCall('a'), nobody);
    hear({ id: 1, result: { first: true } });
    hear({ id: 1, result: { second: true } });
    hear({ id: 1, error: { code: 1, message: 'third' } });
    expect(await call.settled).toMatchObject({ raw: { text: '{"first":true}' } });
    expect(await host.dropped('late_result')).toBe(2);
  });

  test('a client that is slow may miss log messages and progress; a call that misses anything else is told of', async () => {
    const { correlator, hear, missed, host } = setUp();
    const stuck = Promise.withResolvers<void>();
    const call = correlator.open(toolCall('a', {}, { token: '1' }), () => stuck.promise);
    for (const progress of [1, 2, 3])
      hear({ method: 'notifications/progress', params: { progressToken: call.id, progress } });
    expect([missed, await host.dropped('call_over_or_slow')]).toEqual([[], 1]);
    hear({ method: 'notifications/other', params: {} }, call);
    expect(missed).toEqual([call]);
    stuck.resolve();
  });

  test('when the connection goes every call fails and nothing is held', async () => {
    const { correlator, host } = setUp();
    const calls = [1, 2, 3].map(() => correlator.open(toolCall('a', {}, { token: '1' }), nobody));
    expect(correlator.size).toEqual({ calls: 3, tokens: 3 });
    expect(await host.figure('upstreamPending')).toBe(3);
    correlator.fail(new GatewayError('UPSTREAM_UNAVAILABLE', 'gone'));
    for (const call of calls) expect(await call.settled).toMatchObject({ kind: 'failed' });
    expect(correlator.size).toEqual({ calls: 0, tokens: 0 });
    expect(await host.figure('upstreamPending')).toBe(0);
  });
});

describe('progress', () => {
  test.each(['0', '""', '"1"', '1', '9007199254740993', '"a\\u0000\\ud83d\\ude00"'])(
    'token %s comes back as it was',
    (token) => {
      const { correlator, progress } = setUp();
      const { notes, emit } = collector();
      const call = correlator.open(toolCall('a', {}, { token }), emit);
      expect(JSON.parse(requestOf('2026', call)).params._meta.progressToken).toBe(call.id);
      expect(JSON.parse(requestOf('2025', call)).params._meta.progressToken).toBe(call.id);
      progress(call.id, 1);
      expect(notes.map((note) => note.raw?.raw('progressToken'))).toEqual([token]);
    },
  );

  test('P3: callers with the same token each get their own', () => {
    const { correlator, progress } = setUp();
    const [a, b] = [collector(), collector()];
    const one = correlator.open(toolCall('a', {}, { token: '1' }), a.emit);
    const two = correlator.open(toolCall('b', {}, { token: '1' }), b.emit);
    progress(two.id, 20);
    progress(one.id, 10);
    expect([a, b].map(({ notes }) => notes.map(({ params }) => params.progress))).toEqual([[10], [20]]);
  });

  test('T12: that is not a known token is dropped: unknown, a caller’s own, of another type, of a call without one', async () => {
    const { correlator, progress, hear, host } = setUp();
    const { notes, emit } = collector();
    correlator.open(toolCall('a', {}, { token: '"mine"' }), emit);
    const quiet = correlator.open(toolCall('b'), emit);
    expect(requestOf('2025', quiet)).not.toContain('_meta');
    for (const token of [99, 'mine', '1', quiet.id, null, [1], { a: 1 }]) progress(token, 1);
    hear({ method: 'notifications/progress' });
    expect(notes).toEqual([]);
    expect(await host.dropped('progress_unknown_token')).toBe(8);
  });

  test('T9: that goes back is dropped, counted, and a warning once; the same again is not', async () => {
    const { correlator, progress, hear, host } = setUp();
    const { notes, emit } = collector();
    correlator.open(toolCall('a', {}, { token: '7' }), emit);
    for (const value of [1, 5, 4, 5, -1, 6.5]) progress(1, value);
    hear({ method: 'notifications/progress', params: { progressToken: 1, progress: '9' } });
    expect(notes.map(({ params }) => params.progress)).toEqual([1, 5, 5, 6.5]);
    expect(await host.dropped('progress_decreasing')).toBe(2);
    expect(host.lines.map(({ level, message, fields }) => [level, message, fields.from, fields.to])).toEqual([
      ['warn', 'progress went back, left out', 5, 4],
      ['debug', 'progress went back, left out', 5, -1],
    ]);
    expect(await host.dropped('progress_invalid')).toBe(1);
  });

  test('T3: keeps every other byte', () => {
    const { correlator, hear } = setUp();
    const { notes, emit } = collector();
    correlator.open(toolCall('a', {}, { token: '"t"' }), emit);
    hear(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{ "x": 1e400, "progressToken":1 ,"progress":1.0,"total":9007199254740993}}',
    );
    expect(notes[0]?.raw?.text).toBe(
      '{ "x": 1e400, "progressToken":"t" ,"progress":1.0,"total":9007199254740993}',
    );
  });

  test('T1: of ours are unique whatever the callers gave, one type, and cost well below a millisecond', () => {
    const { correlator } = setUp();
    const MANY = 1_000;
    const exchanges = Array.from({ length: MANY }, (_, n) =>
      toolCall('a', {}, { token: n % 2 ? '"1"' : '1' }),
    );
    const began = performance.now();
    const calls = exchanges.map((x) => correlator.open(x, nobody));
    expect((performance.now() - began) / MANY).toBeLessThan(1);
    const tokens = calls.map((call) => JSON.parse(requestOf('2025', call)).params._meta.progressToken);
    expect(tokens.every((token) => Number.isSafeInteger(token))).toBe(true);
    expect(new Set(tokens).size).toBe(MANY);
    expect(correlator.size.tokens).toBe(MANY);
    for (const call of calls) correlator.close(call);
    expect(correlator.size).toEqual({ calls: 0, tokens: 0 });
  });

  test('T5: after the result is dropped', async () => {
    const { correlator, progress, hear, host } = setUp();
    const { notes, emit } = collector();
    correlator.open(toolCall('a', {}, { token: '7' }), emit);
    hear({ id: 1, result: {} });
    progress(1, 1);
    expect(notes).toEqual([]);
    expect(await host.dropped('progress_unknown_token')).toBe(1);
  });
});

describe('log messages', () => {
  const log = (level: string) => ({ method: 'notifications/message', params: { level, data: 'x' } });
  const asking = { logLevel: 'warning' };

  test('on a shared channel belong to the only call there is', () => {
    const { correlator, hear, unsolicited } = setUp();
    const [a, b] = [collector(), collector()];
    const one = correlator.open(toolCall('a', {}, asking), a.emit);
    correlator.open(exchange('subscriptions/listen', {}, asking), b.emit);
    hear(log('error'));
    expect([a.notes.length, b.notes.length]).toEqual([1, 0]);
    correlator.open(toolCall('b', {}, asking), b.emit);
    hear(log('error'));
    expect([a.notes.length, b.notes.length, unsolicited.length]).toEqual([1, 0, 1]);
    correlator.close(one);
    hear(log('error'));
    expect(b.notes.length).toBe(1);
  });

  test('reach a caller at or above its level; one that named none only in a session', async () => {
    const { correlator, hear, host } = setUp();
    const [asked, silent, session] = [collector(), collector(), collector()];
    const calls = [
      correlator.open(toolCall('a', {}, asking), asked.emit),
      correlator.open(toolCall('b'), silent.emit),
      correlator.open(toolCall('c', {}, { client: clientOf({ era: '2025', session: 's' }) }), session.emit),
    ];
    for (const call of calls)
      for (const level of ['debug', 'notice', 'warning', 'emergency', 'unheard-of']) hear(log(level), call);
    expect(asked.notes.map(({ params }) => params.level)).toEqual(['warning', 'emergency', 'unheard-of']);
    expect([silent.notes.length, session.notes.length]).toEqual([0, 5]);
    expect(await host.dropped('log_not_asked_for')).toBe(7);
  });
});

describe('subscriptions', () => {
  const event = (id: unknown) => ({
    method: 'notifications/tools/list_changed',
    params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id, kept: 1 } },
  });

  test('events go by the id of the listen request and nowhere else; the id stays with us', async () => {
    const { correlator, hear, host } = setUp();
    const [a, b, c] = [collector(), collector(), collector()];
    const one = correlator.open(exchange('subscriptions/listen', {}), a.emit);
    const two = correlator.open(exchange('subscriptions/listen', {}), b.emit);
    const call = correlator.open(toolCall('a'), c.emit);
    for (const id of [two.id, call.id, String(one.id), 99]) hear(event(id), call);
    expect([a.notes.length, c.notes.length]).toEqual([0, 0]);
    expect(b.notes.map(({ raw }) => raw?.text)).toEqual(['{"_meta":{"kept":1}}']);
    expect(await host.dropped('subscription_unknown')).toBe(3);
  });

  test('a cancelled listen request ends well, a cancelled question is withdrawn, a call cannot be cancelled', async () => {
    const { correlator, hear, withdrawn } = setUp();
    const listening = correlator.open(exchange('subscriptions/listen', {}), nobody);
    const call = correlator.open(toolCall('a'), nobody);
    const cancel = (requestId: unknown) => hear({ method: 'notifications/cancelled', params: { requestId } });
    cancel(listening.id);
    cancel(call.id);
    cancel('their-question');
    cancel({});
    expect(await listening.settled).toMatchObject({ kind: 'result', raw: { text: '{}' } });
    expect(call.ended).toBe(false);
    expect(withdrawn).toEqual(['n:2', 's:their-question']);
    expect(correlator.size).toEqual({ calls: 1, tokens: 0 });
  });

  test('what belongs to no call is handed on', () => {
    const { correlator, hear, unsolicited } = setUp();
    const { notes, emit } = collector();
    correlator.open(toolCall('a'), emit);
    hear({ method: 'notifications/resources/updated', params: { uri: 'a:b' } });
    expect(notes).toEqual([]);
    expect(unsolicited.map(({ method }) => method)).toEqual(['notifications/resources/updated']);
  });
});

test('a client that takes nothing has limits.notifications waiting for it, then misses some', async () => {
  const { correlator, hear, host } = setUp();
  const call = correlator.open(toolCall('a', {}, { token: '"t"' }), () => new Promise(() => {}));
  for (let n = 1; n <= 4; n++)
    void hear({ method: 'notifications/progress', params: { progressToken: call.id, progress: n } });
  expect(await host.dropped('call_over_or_slow')).toBe(2);
  expect(await host.figure('limitHits', { limit: 'notifications' })).toBe(2);
});
