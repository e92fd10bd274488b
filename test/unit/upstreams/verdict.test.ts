// Which eras are worth trying, and how severe a message is.
import { describe, expect, test } from 'bun:test';
import { isLessSevere } from '../../../src/upstreams/levels.ts';
import { isRead } from '../../../src/upstreams/reads.ts';
import { createVerdicts } from '../../../src/upstreams/verdict.ts';

const MEMORY = 10 * 60_000;

function clock() {
  let at = 1_000_000;
  const turn = (ms: number): void => {
    at += ms;
  };
  return { now: () => at, turn };
}

describe('eras', () => {
  test('unknown: the client’s own first, then the other', () => {
    const verdicts = createVerdicts(
      'auto',
      () => 0,
      () => MEMORY,
    );
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
    expect(verdicts.order('2025')).toEqual(['2025', '2026']);
    expect([verdicts.known('2025'), verdicts.known('2026')]).toEqual([undefined, undefined]);
  });

  test('pinned: no other, whatever was found', () => {
    const verdicts = createVerdicts(
      '2025',
      () => 0,
      () => MEMORY,
    );
    verdicts.no('2025');
    verdicts.yes('2026');
    expect(verdicts.order('2026')).toEqual(['2025']);
  });

  test('a "no" holds for limits.era_memory, a "yes" for good', () => {
    const { now, turn } = clock();
    const verdicts = createVerdicts('auto', now, () => MEMORY);
    verdicts.yes('2025');
    verdicts.no('2026');
    expect(verdicts.order('2026')).toEqual(['2025']);
    turn(MEMORY);
    expect(verdicts.order('2026')).toEqual(['2025']);
    turn(1);
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
    expect([verdicts.known('2025'), verdicts.known('2026')]).toEqual([true, undefined]);
  });

  test('with a "no" for each both are tried again', () => {
    const verdicts = createVerdicts(
      'auto',
      () => 0,
      () => MEMORY,
    );
    verdicts.no('2026');
    verdicts.no('2025');
    expect(verdicts.order('2025')).toEqual(['2025', '2026']);
  });

  test('a later "yes" takes a "no" back', () => {
    const verdicts = createVerdicts(
      'auto',
      () => 0,
      () => MEMORY,
    );
    verdicts.no('2026');
    verdicts.yes('2026');
    expect(verdicts.order('2026')).toEqual(['2026', '2025']);
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
