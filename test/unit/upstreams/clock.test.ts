// The deadlines of a call, on a turned clock.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import { pause } from '../../../src/lib/pause.ts';
import { unlessAborted } from '../../../src/lib/unless-aborted.ts';
import { type Clock, type Deadline, startClock } from '../../../src/upstreams/clock.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const deadlines = { firstByte: 100, idle: 50, total: 1_000 };

function watch(clock: Clock) {
  let passed: Deadline | undefined;
  void clock.expired.then((deadline) => (passed = deadline));
  return {
    clock,
    async after(ms: number): Promise<Deadline | undefined> {
      jest.advanceTimersByTime(ms);
      await Promise.resolve();
      await Promise.resolve();
      return passed;
    },
  };
}

describe('a call', () => {
  test('without a sign of life meets first_byte', async () => {
    const { after } = watch(startClock(deadlines));
    expect(await after(99)).toBeUndefined();
    expect(await after(1)).toBe('first_byte');
  });

  test('that fell silent meets idle, counted from the last sign of life', async () => {
    const { clock, after } = watch(startClock(deadlines));
    expect(await after(90)).toBeUndefined();
    clock.touch();
    expect(await after(40)).toBeUndefined();
    clock.touch();
    expect(await after(40)).toBeUndefined();
    clock.touch();
    expect(await after(49)).toBeUndefined();
    expect(await after(1)).toBe('idle');
  });

  test('whose client has yet to take what came is not silent', async () => {
    let isHeldUp = true;
    const { clock, after } = watch(startClock(deadlines, () => isHeldUp));
    clock.touch();
    expect(await after(500)).toBeUndefined();
    isHeldUp = false;
    expect(await after(50)).toBe('idle');
    const never = watch(startClock(deadlines, () => true));
    never.clock.touch();
    expect(await never.after(1_000)).toBe('total');
    expect(await watch(startClock(deadlines, () => true)).after(100)).toBe('first_byte');
  });

  test('that shows life again and again meets total, which nothing extends', async () => {
    const { clock, after } = watch(startClock(deadlines));
    for (let ms = 0; ms < 990; ms += 30) {
      clock.touch();
      expect(await after(30)).toBeUndefined();
    }
    clock.touch();
    expect(await after(9)).toBeUndefined();
    expect(await after(1)).toBe('total');
  });

  test('with a first byte later than idle is not cut off by idle', async () => {
    const { clock, after } = watch(startClock({ firstByte: 500, idle: 10, total: 1_000 }));
    expect(await after(400)).toBeUndefined();
    clock.touch();
    expect(await after(9)).toBeUndefined();
    expect(await after(1)).toBe('idle');
  });

  test('that is over has no timers left', async () => {
    const { clock, after } = watch(startClock(deadlines));
    clock.touch();
    clock.stop();
    expect(jest.getTimerCount()).toBe(0);
    expect(await after(10_000)).toBeUndefined();
  });
});

describe('a pause', () => {
  test('lasts as long as it should and leaves nothing behind', async () => {
    const { signal } = new AbortController();
    let over = false;
    const done = pause(20, signal).then(() => (over = true));
    jest.advanceTimersByTime(19);
    await Promise.resolve();
    expect(over).toBe(false);
    jest.advanceTimersByTime(1);
    await done;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('ends at once with the reason of an abort, before or after', async () => {
    const abort = new AbortController();
    const pausing = pause(1_000, abort.signal);
    abort.abort('why');
    await expect(pausing).rejects.toBe('why');
    await expect(pause(1_000, abort.signal)).rejects.toBe('why');
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('unlessAborted', () => {
  test('is the promise, kept or broken, while nobody aborts', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  test('is the reason of the abort, before or after; what comes later is nobody’s fault', async () => {
    const abort = new AbortController();
    const late = Promise.withResolvers<number>();
    const waiting = unlessAborted(late.promise, abort.signal);
    abort.abort('why');
    await expect(waiting).rejects.toBe('why');
    await expect(unlessAborted(late.promise, abort.signal)).rejects.toBe('why');
    late.reject(new Error('unheard'));
  });
});
