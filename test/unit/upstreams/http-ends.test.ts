// Calls over HTTP that end before their answer: cancelled, or out of time.
import { afterEach, describe, expect, jest, test } from 'bun:test';
import { codeOf, collector, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  event,
  progressOf,
  type RogueOptions,
  stream,
  streamed,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

afterEach(() => void jest.useRealTimers());
const run = running();

async function start(behave: Behaviour, options: RogueOptions = {}, changes: Changes = {}) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const { notes, emit, heard: hear } = collector();
  const call = (options: Parameters<typeof toolCall>[2] = {}) =>
    upstream.handle(toolCall('tool', {}, { token: '"t"', ...options }), emit);
  const values = () => notes.map(({ params }) => params.progress);
  return { rogue, upstream, host, call, notes, values, hear };
}

describe('cancelling', () => {
  const hang: Behaviour = (hit, res) => stream(res, event(progressOf(hit, 1)));

  test('closes the stream since 2026-07-28, and says nothing', async () => {
    const { call, rogue, hear } = await start(hang);
    const abort = new AbortController();
    const waiting = call({ signal: abort.signal });
    await hear(1);
    abort.abort();
    expect(codeOf(await waiting)).toBe('CANCELLED');
    await (await rogue.nth('tools/call')).gone;
    expect(rogue.of('notifications/cancelled')).toEqual([]);
  });

  test('is said before that, by our id in the session, and closes the stream too', async () => {
    const { call, rogue, hear } = await start(hang, { era: '2025' });
    const abort = new AbortController();
    const waiting = call({ signal: abort.signal });
    await hear(1);
    abort.abort(new Error('enough'));
    expect(codeOf(await waiting)).toBe('CANCELLED');
    const called = await rogue.nth('tools/call');
    const cancelled = await rogue.nth('notifications/cancelled');
    expect(cancelled.message.params).toEqual({ requestId: called.message.id, reason: 'enough' });
    expect(cancelled.headers['mcp-session-id']).toBe('session-1');
    await called.gone;
  });

  test('with the end of the session comes first: the server has taken it before DELETE', async () => {
    const taken = Promise.withResolvers<void>();
    const { call, rogue, upstream } = await start(hang, {
      era: '2025',
      async before(hit) {
        if (hit.message.method === 'notifications/cancelled') await taken.promise;
        return false;
      },
    });
    const waiting = call();
    await rogue.nth('tools/call');
    const closed = upstream.close();
    await rogue.nth('notifications/cancelled');
    // What was sent before this has arrived.
    await fetch(rogue.url, { method: 'POST', body: '{"method":"notifications/probe"}' });
    expect(rogue.of('DELETE')).toEqual([]);
    taken.resolve();
    await closed;
    expect(rogue.of('DELETE').length).toBe(1);
    expect(codeOf(await waiting)).toBe('CANCELLED');
  });

  test('of a call that has ended says nothing', async () => {
    const { call, rogue } = await start((hit, res) => streamed(res, event(answer(hit))), { era: '2025' });
    const abort = new AbortController();
    expect(textOf(await call({ signal: abort.signal }))).toBe('ok');
    abort.abort();
    expect(textOf(await call())).toBe('ok');
    expect(rogue.of('notifications/cancelled')).toEqual([]);
  });
});

describe('deadlines', () => {
  for (const era of ['2025', '2026'] as const) {
    test(`${era}: nothing at all is first_byte; the upstream is told`, async () => {
      const { call, rogue, host } = await start(() => {}, { era }, { timeouts: { firstByte: 30 } });
      const result = await call();
      expect([codeOf(result), result.raw.object('data')?.string('timeout')]).toEqual([
        'UPSTREAM_TIMEOUT',
        'first_byte',
      ]);
      await (await rogue.nth('tools/call')).gone;
      if (era === '2025')
        expect((await rogue.nth('notifications/cancelled')).message.params).toMatchObject({
          reason: 'timeout: first_byte',
        });
      expect(await host.figure('timeouts', { kind: 'first_byte' })).toBe(1);
    });
  }

  test('a greeting without an answer is a timeout of start', async () => {
    const { call } = await start(() => {}, { before: () => true }, { timeouts: { start: 30 } });
    const result = await call();
    expect(codeOf(result)).toBe('UPSTREAM_TIMEOUT');
    expect(result.raw.string('message')).toBe(
      'The upstream "up" did not answer within timeouts.start (30 ms).',
    );
  });

  test('progress begins idle anew, never total', async () => {
    let write: (n: number) => void = () => {};
    const { call, rogue, hear } = await start(
      (hit, res) => {
        stream(res);
        write = (n) => void res.write(event(progressOf(hit, n)));
      },
      {},
      { timeouts: { firstByte: 1_000, idle: 500, total: 2_000 } },
    );
    await call({ signal: AbortSignal.abort() });
    jest.useFakeTimers();
    const waiting = call();
    await rogue.nth('tools/call');
    for (let n = 1; n <= 4; n++) {
      write(n);
      await hear(n);
      jest.advanceTimersByTime(490);
    }
    write(5);
    await hear(5);
    jest.advanceTimersByTime(40);
    expect((await waiting).raw.object('data')?.string('timeout')).toBe('total');
  });

  test('silence after the first byte is idle', async () => {
    const { call, hear } = await start(
      (hit, res) => stream(res, event(progressOf(hit, 1))),
      {},
      { timeouts: { idle: 30 } },
    );
    const waiting = call();
    await hear(1);
    expect((await waiting).raw.object('data')?.string('timeout')).toBe('idle');
  });
});
