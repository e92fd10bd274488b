// What an upstream says, kept: asked for once for all who wait, given from before when it fails or hangs.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import { GatewayError } from '../../../src/core/errors.ts';
import { LastGood } from '../../../src/router/last-good.ts';

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const LIMITS = { timeout: 5_000, patience: 300, retry: 10_000, grace: 600_000, refresh: 60_000 };
const ANEW = 0;

function start(from?: { value: string; at: number }) {
  const asked: (PromiseWithResolvers<string> & { signal: AbortSignal })[] = [];
  const late: string[] = [];
  let changes = 0;
  const last = new LastGood<string>(
    {
      now: () => Date.now(),
      patience: () => LIMITS,
      came: () => {},
      differs: (value, before) => value !== before,
      changed: () => void changes++,
      late(waited, limit) {
        late.push(`${limit} ${waited}`);
        return new GatewayError('UPSTREAM_TIMEOUT');
      },
    },
    from,
  );
  const ask = (signal: AbortSignal): Promise<string> => {
    const one = { ...Promise.withResolvers<string>(), signal };
    asked.push(one);
    return one.promise;
  };
  const never = new AbortController().signal;
  const get = async (maxAge = ANEW, signal = never, leaving = never) => {
    const { value, failure } = await last.get({ ask, signal, leaving, maxAge });
    return failure ? [value, failure.code] : value;
  };
  return { last, asked, late, get, changes: () => changes };
}

/** Lets everything happen that waits for no clock, then turns it. */
async function turn(ms: number): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
}
const answer = async (one: { resolve(value: string): void } | undefined, value: string): Promise<void> => {
  one?.resolve(value);
  await turn(0);
};

describe('of which nothing is known', () => {
  test('is asked once for all who wait, and told to none as a change', async () => {
    const { asked, get, changes } = start();
    const both = [get(), get()];
    asked[0]?.resolve('a');
    expect(await Promise.all(both)).toEqual(['a', 'a']);
    expect([asked.length, changes()]).toEqual([1, 0]);
  });

  test('is waited for so long, then not by others; when it comes after all, that is a change', async () => {
    const { asked, get, late, changes } = start();
    const first = get();
    await turn(4_999);
    expect(late).toEqual([]);
    await turn(1);
    expect(await first).toEqual([undefined, 'UPSTREAM_TIMEOUT']);
    expect(await get()).toEqual([undefined, 'UPSTREAM_TIMEOUT']);
    expect([asked.length, late]).toEqual([1, ['list_timeout 5000']]);
    await answer(asked[0], 'a');
    expect(changes()).toBe(1);
    expect(await get(1_000)).toBe('a');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is told to end when nobody waits any more', async () => {
    const { asked, get } = start();
    const caller = new AbortController();
    const waiting = get(ANEW, caller.signal);
    caller.abort(new Error('gone'));
    expect(waiting).rejects.toThrow('gone');
    await turn(0);
    expect([asked[0]?.signal.aborted, jest.getTimerCount()]).toEqual([true, 0]);
  });
});

describe('of which something is known', () => {
  test('is waited for a moment; then there is what was, and what comes later is a change if it is another', async () => {
    const { asked, get, late, changes } = start({ value: 'old', at: 0 });
    const first = get();
    await turn(300);
    expect(await first).toEqual(['old', 'UPSTREAM_TIMEOUT']);
    expect(late).toEqual(['list_patience 300']);
    await answer(asked[0], 'new');
    expect([await get(1_000), changes()]).toEqual(['new', 1]);
    const same = get();
    asked[1]?.resolve('new');
    expect([await same, changes()]).toEqual(['new', 1]);
  });

  test('that hangs holds nobody up for a while, then each that asks for a moment; it is told to end at last', async () => {
    const { asked, get, late } = start({ value: 'old', at: 0 });
    const first = get();
    await turn(300);
    await first;
    await turn(9_999);
    expect(await get()).toEqual(['old', 'UPSTREAM_TIMEOUT']);
    expect(late.length).toBe(1);
    await turn(1);
    const again = get();
    await turn(300);
    expect(await again).toEqual(['old', 'UPSTREAM_TIMEOUT']);
    expect([asked.length, late.length]).toEqual([1, 2]);
    await turn(60_000);
    expect(asked[0]?.signal.aborted).toBe(true);
    void get();
    expect(asked.length).toBe(2);
  });

  test('that fails is given for the time of grace, which is a change when it is over', async () => {
    const { asked, get, changes } = start({ value: 'old', at: 0 });
    const first = get();
    asked[0]?.reject(new Error('down'));
    expect(await first).toEqual(['old', 'UPSTREAM_UNAVAILABLE']);
    await turn(599_999);
    const second = get();
    asked[1]?.reject(new GatewayError('BUSY'));
    expect(await second).toEqual(['old', 'BUSY']);
    expect(changes()).toBe(0);
    await turn(1);
    expect(changes()).toBe(1);
    const third = get();
    asked[2]?.reject(new Error('down'));
    expect(await third).toEqual([undefined, 'UPSTREAM_UNAVAILABLE']);
    const back = get();
    asked[3]?.resolve('old');
    expect([await back, changes()]).toEqual(['old', 2]);
  });

  test('is not given to whom it is refused now', async () => {
    const { asked, get, changes } = start({ value: 'old', at: 0 });
    const refused = get();
    asked[0]?.reject(new GatewayError('FORBIDDEN'));
    expect(await refused).toEqual([undefined, 'FORBIDDEN']);
    expect(changes()).toBe(1);
  });

  test('is believed as long as it is young enough, and nobody has said that it changed', async () => {
    const { last, asked, get } = start({ value: 'old', at: 0 });
    await turn(999);
    expect([await get(1_000), asked.length]).toEqual(['old', 0]);
    const anew = get(999);
    asked[0]?.resolve('new');
    expect(await anew).toBe('new');
    last.invalidate();
    const invalid = get(1_000);
    asked[1]?.resolve('newest');
    expect(await invalid).toBe('newest');
  });

  test('what is asked for when it changes may be as old: it is asked again, and the later answer stays', async () => {
    const { last, asked, get } = start({ value: 'old', at: 0 });
    const before = get();
    last.invalidate();
    const after = get();
    expect(asked.length).toBe(2);
    await answer(asked[1], 'second');
    await answer(asked[0], 'first');
    expect(await Promise.all([before, after])).toEqual(['second', 'second']);
  });
});

test('what nobody waits for ends when that through which it is asked is to go; what somebody waits for does not', async () => {
  const { asked, get } = start({ value: 'old', at: 0 });
  const generation = new AbortController();
  const mine = get(ANEW, undefined, generation.signal);
  generation.abort();
  await turn(0);
  expect(asked[0]?.signal.aborted).toBe(false);
  await turn(300);
  expect(await mine).toEqual(['old', 'UPSTREAM_TIMEOUT']);
  expect(asked[0]?.signal.aborted).toBe(true);
});
