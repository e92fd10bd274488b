// The exchange: facts are written once and read through by legs, closers run once, a hold ends with the signal.
import { describe, expect, test } from 'bun:test';
import { CallProgress, progressFact } from '../../../src/core/call-progress.ts';
import { principalFact } from '../../../src/core/exchange.ts';
import { fact } from '../../../src/core/facts.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { exchangeOf } from '../../../src/testing/call.ts';

const exchange = (signal = new AbortController().signal) =>
  exchangeOf({ method: 'tools/call', params: { name: 'a' }, principal: 'ada' }, 'x1', signal, 5);
const done = McpResult.complete({});
const risk = fact<number>('risk');

test('an exchange knows its round, and whether anybody has sent it', () => {
  const x = exchange();
  const next = x.again(x.request, x.route);
  expect([x, next, next.fork('up', x.request)].map(({ round, isOwn }) => [round, isOwn])).toEqual([
    [1, false],
    [2, false],
    [2, false],
  ]);
  const list = new McpRequest('tools/list', undefined);
  expect([x.fork('up', list).isOwn, x.fork('up', list).fork('up', x.request).isOwn]).toEqual([true, true]);
});

describe('facts', () => {
  test('are written once', () => {
    const x = exchange();
    expect(x.get(risk)).toBeUndefined();
    x.set(risk, 0);
    expect(x.get(risk)).toBe(0);
    expect(() => x.set(risk, 1)).toThrow('the fact "risk" is already set');
  });

  test('of equal name are different facts', () => {
    const x = exchange();
    x.set(risk, 1);
    expect(x.get(fact<number>('risk'))).toBeUndefined();
  });

  test('are read by a leg, which can neither rewrite them nor give its own away', () => {
    const x = exchange();
    const leg = x.fork('up', x.request);
    x.set(risk, 1);
    expect(leg.get(risk)).toBe(1);
    expect(() => leg.set(risk, 2)).toThrow('already set');
    const own = fact<string>('own');
    leg.set(own, 'leg');
    expect([x.get(own), leg.get(own)]).toEqual([undefined, 'leg']);
  });

  test('say who calls, where a plugin found out', () => {
    const x = exchange();
    expect(x.principal).toEqual({ id: 'ada', scopes: [] });
    x.set(principalFact, { id: 'grace', scopes: ['tools'] });
    expect(x.principal.id).toBe('grace');
    expect(x.fork('up', x.request).principal.id).toBe('grace');
  });
});

describe('a leg', () => {
  test('is the same call, at one upstream, with its own request and signal', () => {
    const x = exchange();
    const { signal } = new AbortController();
    const leg = x.fork('up', x.request.with({ name: 'b' }), signal);
    expect([leg.id, leg.startedAt, leg.leg, leg.request.params.name]).toEqual([
      'x1',
      5,
      { upstream: 'up' },
      'b',
    ]);
    expect([leg.signal === signal, x.request.params.name, x.leg]).toEqual([true, 'a', undefined]);
  });
});

describe('the next round', () => {
  test('knows no facts and runs no closers of the round before', () => {
    const x = exchange();
    const closed: string[] = [];
    x.set(risk, 1);
    x.addCloser(() => closed.push('first'));
    const next = x.again(x.request.with({ requestState: 's' }), x.route);
    next.close(done);
    expect([next.id, next.get(risk), closed, next.senders]).toEqual(['x1', undefined, [], []]);
    expect(next.request.params.requestState).toBe('s');
  });
});

describe('close', () => {
  test('runs the closers once, the latest first', () => {
    const x = exchange();
    const closed: unknown[] = [];
    x.addCloser((of, result) => closed.push('first', of === x, result === done));
    x.addCloser(() => closed.push('second'));
    x.close(done);
    x.close(done);
    expect(closed).toEqual(['second', 'first', true, true]);
  });
});

describe('hold', () => {
  test('names the phase of the call, which its legs share, until it has ended', async () => {
    const x = exchange();
    expect(x.phase).toBe('processing');
    const out = (): undefined => undefined;
    const parts = {
      token: undefined,
      out,
      time: () => 0,
      every: () => 1,
      host: { metrics: createMetrics() },
    };
    x.set(progressFact, new CallProgress(parts));
    const leg = x.fork('up', x.request);
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = leg.hold(promise, { phase: 'waiting for approval' });
    expect([x.phase, leg.phase]).toEqual(['waiting for approval', 'waiting for approval']);
    resolve();
    await held;
    await expect(x.hold(Promise.reject(new Error('no')), { phase: 'other' })).rejects.toThrow('no');
    expect(x.phase).toBe('processing');
  });

  test('says so while it lasts, however many hold', async () => {
    const x = exchange();
    const [one, two] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const held = [x.hold(one.promise), x.hold(two.promise)];
    expect(x.held).toBe(true);
    one.resolve(1);
    expect(await held[0]).toBe(1);
    expect(x.held).toBe(true);
    two.reject(new Error('no'));
    await expect(held[1]).rejects.toThrow('no');
    expect(x.held).toBe(false);
  });

  test('ends when the call is cancelled, before or meanwhile', async () => {
    const client = new AbortController();
    const x = exchange(client.signal);
    const held = x.hold(new Promise(() => {}));
    client.abort(new Error('gone'));
    await expect(held).rejects.toThrow('gone');
    await expect(x.hold(new Promise(() => {}))).rejects.toThrow('gone');
    expect(x.held).toBe(false);
  });
});
