// The registry of calls at work: who is in it, what is said of each, and that one timer serves all of them.
import { expect, test } from 'bun:test';
import { LiveCalls } from '../../../src/core/live-calls.ts';
import { phases } from '../../../src/core/phases.ts';
import { Clock } from '../../../src/testing/clock.ts';
import { clientOf, collector, exchange, testHost } from '../../fixtures/exchanges.ts';

function start() {
  const clock = new Clock(1_000);
  const calls = new LiveCalls(
    { metrics: testHost().metrics, now: () => clock.now() },
    () => 15_000,
    () => clock.now(),
  );
  const { notes, emit } = collector();
  const begin = (id: string, more: { method?: string; token?: string; who?: string } = {}) => {
    const { method = 'tools/call', token, who = 'ada' } = more;
    const client = clientOf({ principal: who });
    const route = { kind: 'one', upstream: 'up', name: 'own', asked: 'up__own' } as const;
    const x = exchange(method, { name: 'up__own', arguments: { secret: 'hush' } }, { client, route });
    const asked = () => route.asked;
    return clock.run(() =>
      calls.begin({
        ...{ id, client, endpoint: '/mcp', listener: 'web', method, token, emit, asked },
        x: () => x,
      }),
    );
  };
  return { clock, calls, notes, begin };
}

test('T4: a call is there until it ends, the longest first, and nothing of what it is about', async () => {
  const { clock, calls, begin } = start();
  const first = begin('a', { token: '1' });
  await clock.advance(2_000);
  const second = begin('b', { who: 'bob' });
  first.progress.phases.begin(phases.answer('up'));
  await clock.advance(3_000);
  expect(calls.report(1)).toEqual({
    calls: 2,
    longest: [
      {
        ...{ id: 'a', principal: 'ada', client: 'test-client', version: '2026-07-28' },
        ...{ listener: 'web', endpoint: '/mcp', method: 'tools/call', name: 'up__own', upstream: 'up' },
        ...{ since: 1_000, ms: 5_000, phase: 'waiting for an answer', phaseMs: 3_000 },
      },
    ],
  });
  expect(JSON.stringify(calls.report(9))).not.toContain('hush');
  first.end();
  expect(calls.report(9).longest.map(({ id, phase }) => [id, phase])).toEqual([['b', 'processing']]);
  second.end();
  expect(calls.report(9)).toEqual({ calls: 0, longest: [] });
});

test('what was told last is shown', () => {
  const { calls, begin } = start();
  const { progress } = begin('a', { token: '"t"' });
  const over = progress.phases.begin(phases.client);
  expect(calls.report(9).longest[0]).toMatchObject({
    phase: "waiting for the client's answer",
    message: 'waiting for your answer',
    progress: 0,
  });
  over();
});

test('T5: one timer for all who want progress, none for the others, and none when they have ended', async () => {
  const { clock, notes, begin } = start();
  begin('quiet').end();
  expect(clock.waiting).toEqual([]);
  const calls = Array.from({ length: 50 }, (_, n) => begin(String(n), { token: String(n) }));
  for (const { progress } of calls) progress.reassure({ every: 20_000 });
  expect(clock.waiting).toEqual([500]);
  await clock.advance(20_000);
  expect(notes).toHaveLength(50);
  for (const call of calls) call.end();
  expect(clock.waiting).toEqual([]);
});

test('a subscription is no call at work', () => {
  const { clock, calls, begin } = start();
  begin('s', { method: 'subscriptions/listen', token: '1' });
  expect([calls.report(9).calls, clock.waiting]).toEqual([0, []]);
});
