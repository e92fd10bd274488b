// Upstreams that hang or are down, where several answer together: the rest is not kept waiting, and what is not
// known is not called unknown.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import { clientOf, codeOf, exchange, toolCall } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const named = (...names: string[]) => names.map((name) => ({ name }));
const fine = (name: string, ...tools: string[]) =>
  source(name, { 'tools/list': { tools: named(...tools) }, 'tools/call': { from: name } });

/** One that never answers, and how many of its requests were told to end. */
function hanging(name: string, method = 'tools/list') {
  const ended: Exchange[] = [];
  const begun = Promise.withResolvers<void>();
  const answer = (x: Exchange) => {
    x.signal.addEventListener('abort', () => ended.push(x));
    begun.resolve();
    return new Promise<never>(() => {});
  };
  return {
    source: source(name, { [method]: answer, 'tools/call': { from: name } }),
    begun: begun.promise,
    ended,
  };
}

async function turnTo(ms: number): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
}

describe('a list', () => {
  test('goes out without one that hangs, which is logged and counted, and told to end some time later', async () => {
    const late = hanging('late');
    const { handle, host } = routerOver([late.source, fine('fine', 'x')], 'prefix', 700);
    const waiting = handle(exchange('tools/list', {}));
    await late.begun;
    await turnTo(699);
    expect(late.ended.length).toBe(0);
    jest.advanceTimersByTime(1);
    expect((await waiting).value).toEqual({
      tools: named('fine__x'),
      _meta: { 'dev.sluice/missing': [{ upstream: 'late', why: 'UPSTREAM_TIMEOUT' }] },
    });
    expect(late.ended.length).toBe(0);
    jest.advanceTimersByTime(60_000);
    expect(late.ended.length).toBe(1);
    expect(await host.figure('timeouts', { kind: 'list', upstream: 'late' })).toBe(1);
    expect(host.lines).toMatchObject([
      {
        level: 'warn',
        message: 'left out of the list',
        fields: {
          upstream: 'late',
          list: 'tools',
          error: 'The upstream "late" took longer than limits.list_timeout (700 ms).',
        },
      },
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('that nobody gives is an error which names them all, each with its reason', async () => {
    const late = hanging('late');
    const { handle } = routerOver([late.source, source('down', { 'tools/list': down })], 'prefix', 700);
    const waiting = handle(exchange('tools/list', {}));
    await late.begun;
    await turnTo(700);
    const result = await waiting;
    expect(result.raw.string('message')).toBe(
      'No upstream could give its list of tools: late (The upstream "late" took longer than limits.list_timeout (700 ms).), down (The upstream is not there.)',
    );
    expect(result.value.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstreams: ['late', 'down'] });
  });

  test('that the caller does not wait for any more is cancelled everywhere', async () => {
    const late = hanging('late');
    const caller = new AbortController();
    const { handle, host } = routerOver([late.source, fine('fine', 'x')]);
    const waiting = handle(exchange('tools/list', {}, { signal: caller.signal }));
    await late.begun;
    caller.abort(new Error('gone'));
    expect(codeOf(await waiting)).toBe('CANCELLED');
    expect([late.ended.length, host.lines.length, jest.getTimerCount()]).toEqual([1, 0, 0]);
  });
});

describe('a name without prefix', () => {
  const over = (...sources: TestSource[]) => routerOver(sources, 'none', 700);

  test('that nobody has while one is down is not called unknown: the error names who could not be asked', async () => {
    const { call } = over(fine('a', 'x'), source('down', { 'tools/list': down }));
    const result = await call('y');
    expect(result.raw.string('message')).toBe('Nobody knows the tool y now; not there to be asked: down.');
    expect(result.value.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstreams: ['down'] });
    expect((await call('x')).value).toEqual({ from: 'a' });
  });

  test('whose owner went down stays its own, and the error is the one of the owner', async () => {
    let broken = false;
    const a = source('a', {
      'tools/list': () => (broken ? down : { tools: named('x') }),
      'tools/call': () => (broken ? down : { from: 'a' }),
    });
    const { call, host } = over(a, fine('b', 'y'));
    expect((await call('x')).value).toEqual({ from: 'a' });
    broken = true;
    host.turn(120_000);
    expect(codeOf(await call('x'))).toBe('UPSTREAM_UNAVAILABLE');
    expect(codeOf(await call('z'))).toBe('UPSTREAM_UNAVAILABLE');
    broken = false;
    host.turn(10_000);
    expect([codeOf(await call('z')), (await call('x')).value]).toEqual(['PARAMS_INVALID', { from: 'a' }]);
  });

  test('waits for one that hangs once, not at every call', async () => {
    const late = hanging('late');
    const { call, host } = over(late.source, fine('b', 'y'));
    const waiting = call('y');
    await late.begun;
    await turnTo(700);
    expect((await waiting).value).toEqual({ from: 'b' });
    expect((await call('y')).value).toEqual({ from: 'b' });
    expect(late.source.asked('tools/list').length).toBe(1);
    host.turn(10_000);
    const again = call('y');
    await turnTo(300);
    expect((await again).value).toEqual({ from: 'b' });
    expect(late.source.asked('tools/list').length).toBe(1);
    host.turn(60_000);
    jest.advanceTimersByTime(60_000);
    expect(late.ended.length).toBe(1);
    const anew = call('y');
    await turnTo(300);
    expect((await anew).value).toEqual({ from: 'b' });
    expect(late.source.asked('tools/list').length).toBe(2);
  });

  test('is looked for on behalf of all who wait: one that leaves spoils it for nobody', async () => {
    const late = hanging('late');
    const { handle } = over(late.source, fine('b', 'y'));
    const caller = new AbortController();
    const client = clientOf();
    const leaving = handle(toolCall('y', {}, { client, signal: caller.signal }));
    const staying = handle(toolCall('y', {}, { client }));
    await late.begun;
    caller.abort(new Error('gone'));
    expect((await leaving).value.data).toMatchObject({ code: 'CANCELLED' });
    expect(late.ended.length).toBe(0);
    await turnTo(700);
    expect((await staying).value).toEqual({ from: 'b' });
    expect(late.source.asked('tools/list').length).toBe(1);
  });
});
