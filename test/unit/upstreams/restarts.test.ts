// How soon a process that keeps dying is started again, and what counts as a death.
import { describe, expect, test } from 'bun:test';
import { createRestarts } from '../../../src/upstreams/restarts.ts';

function start(max = 2) {
  const clock = { now: 0 };
  const options = { max, within: 60_000, backoff: 250, maxBackoff: 10_000 };
  return { clock, restarts: createRestarts('up', options, { now: () => clock.now }) };
}

describe('restarts', () => {
  test('are at once, then later and later, but not all at the same moment, then not at all for a while', () => {
    const { clock, restarts } = start(12);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      expect(restarts.died('exited with code 1')).toBe(true);
      waits.push(restarts.wait('2025'));
    }
    expect(waits[0]).toBe(0);
    const longest = waits.slice(1).map((_, n) => Math.min(250 * 2 ** n, 10_000));
    for (const [n, wait] of waits.slice(1).entries()) {
      expect(wait).toBeGreaterThanOrEqual((longest[n] as number) / 2);
      expect(wait).toBeLessThanOrEqual(longest[n] as number);
    }
    restarts.died('was ended by SIGSEGV');
    expect(() => restarts.wait('2025')).toThrow(
      'The upstream "up" ended 13 times within 60000 ms and is not started again for now; the last one was ended by SIGSEGV.',
    );
    clock.now = 60_000;
    expect(restarts.wait('2025')).toBe(0);
  });

  test('above the budget are refused, until enough deaths are long ago', () => {
    const { clock, restarts } = start(2);
    for (let n = 0; n < 3; n++) {
      expect(() => restarts.wait('2025')).not.toThrow();
      restarts.died('exited with code 1');
      clock.now += 1_000;
    }
    expect(() => restarts.wait('2025')).toThrow('ended 3 times');
    clock.now += 56_999;
    expect(() => restarts.wait('2025')).toThrow('ended 3 times');
    clock.now += 1;
    expect(() => restarts.wait('2025')).not.toThrow();
  });

  test('of none allowed, the first death is one too many', () => {
    const { restarts } = start(0);
    expect(restarts.wait('2025')).toBe(0);
    restarts.died('exited with code 1');
    expect(() => restarts.wait('2025')).toThrow();
  });

  test('one that ends at one greeting and answers the other has not died', () => {
    const { restarts } = start(0);
    for (let n = 0; n < 5; n++) {
      expect(restarts.wait('2026')).toBe(0);
      expect(restarts.died('exited with code 0', '2026')).toBe(false);
      expect(restarts.wait('2025')).toBe(0);
      restarts.opened();
    }
  });

  test('one that ends at both has died once, whichever came first', () => {
    const { restarts } = start(2);
    for (const [first, second] of [
      ['2026', '2025'],
      ['2025', '2026'],
      ['2026', '2025'],
    ] as const) {
      expect([restarts.died('x', first), restarts.died('x', second)]).toEqual([false, true]);
    }
    expect(() => restarts.wait('2026')).toThrow('ended 3 times');
  });

  test('one that is greeted in one era only is not spared twice', () => {
    const { restarts } = start(2);
    expect([1, 2, 3, 4].map(() => restarts.died('x', '2025'))).toEqual([false, true, true, true]);
    expect(() => restarts.wait('2025')).toThrow('ended 3 times');
  });
});
