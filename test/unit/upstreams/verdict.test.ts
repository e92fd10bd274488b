// Which eras are worth trying, how soon a process may start again, and how severe a message is.
import { describe, expect, test } from 'bun:test';
import { isLessSevere } from '../../../src/upstreams/levels.ts';
import { isRead } from '../../../src/upstreams/reads.ts';
import { createRestarts } from '../../../src/upstreams/restarts.ts';
import { createVerdicts } from '../../../src/upstreams/verdict.ts';

function clock() {
  let at = 1_000_000;
  const turn = (ms: number): void => {
    at += ms;
  };
  return { now: () => at, turn };
}

describe('eras', () => {
  test('unknown: the client’s own first, then the other', () => {
    const verdicts = createVerdicts('auto', () => 0);
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
    expect(verdicts.order('2025')).toEqual(['2025', '2026']);
    expect([verdicts.known('2025'), verdicts.known('2026')]).toEqual([undefined, undefined]);
  });

  test('pinned: no other, whatever was found', () => {
    const verdicts = createVerdicts('2025', () => 0);
    verdicts.no('2025');
    verdicts.yes('2026');
    expect(verdicts.order('2026')).toEqual(['2025']);
  });

  test('a "no" holds for ten minutes, a "yes" for good', () => {
    const { now, turn } = clock();
    const verdicts = createVerdicts('auto', now);
    verdicts.yes('2025');
    verdicts.no('2026');
    expect(verdicts.order('2026')).toEqual(['2025']);
    turn(10 * 60_000);
    expect(verdicts.order('2026')).toEqual(['2025']);
    turn(1);
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
    expect([verdicts.known('2025'), verdicts.known('2026')]).toEqual([true, undefined]);
  });

  test('with a "no" for each both are tried again', () => {
    const verdicts = createVerdicts('auto', () => 0);
    verdicts.no('2026');
    verdicts.no('2025');
    expect(verdicts.order('2025')).toEqual(['2025', '2026']);
  });

  test('a later "yes" takes a "no" back', () => {
    const verdicts = createVerdicts('auto', () => 0);
    verdicts.no('2026');
    verdicts.yes('2026');
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
  });
});

describe('restarts', () => {
  test('the first is at once, later ones wait longer and longer, ten seconds at most', () => {
    const { now } = clock();
    const restarts = createRestarts('up', 100, 60_000, now);
    const waits = Array.from({ length: 12 }, () => {
      const wait = restarts.wait();
      restarts.died();
      return wait;
    });
    expect(waits.slice(0, 2)).toEqual([0, 0]);
    for (const [at, wait] of waits.slice(2).entries()) {
      const most = Math.min(250 * 2 ** at, 10_000);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most);
    }
  });

  test('above the budget it is refused, until enough deaths are long ago', () => {
    const { now, turn } = clock();
    const restarts = createRestarts('up', 2, 60_000, now);
    for (let i = 0; i < 3; i++) {
      expect(() => restarts.wait()).not.toThrow();
      restarts.died();
      turn(1_000);
    }
    expect(() => restarts.wait()).toThrow(
      'The upstream "up" ended 3 times within 60000 ms and is not started again for now.',
    );
    turn(56_999);
    expect(() => restarts.wait()).toThrow();
    turn(1);
    expect(() => restarts.wait()).not.toThrow();
  });

  test('of none allowed, the first death is one too many', () => {
    const restarts = createRestarts('up', 0, 60_000, () => 0);
    expect(restarts.wait()).toBe(0);
    restarts.died();
    expect(() => restarts.wait()).toThrow();
  });
});

test('levels are ordered; one that nobody knows is never below', () => {
  expect(isLessSevere('debug', 'info')).toBe(true);
  expect(isLessSevere('notice', 'warning')).toBe(true);
  expect(isLessSevere('warning', 'warning')).toBe(false);
  expect(isLessSevere('emergency', 'debug')).toBe(false);
  expect(isLessSevere('unheard-of', 'emergency')).toBe(false);
});

test('a tool call is no read, nor is anything unknown', () => {
  expect(['tools/list', 'resources/read', 'server/discover'].map(isRead)).toEqual([true, true, true]);
  expect(['tools/call', 'tasks/cancel', 'logging/setLevel', 'x/y', 'toString'].some(isRead)).toBe(false);
});
