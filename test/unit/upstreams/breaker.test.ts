// When a target is called, when it is not, and who finds out that it works again.
import { describe, expect, test } from 'bun:test';
import { Breaker, type BreakerState } from '../../../src/upstreams/breaker.ts';

const anybody = () => 'a';

function setUp({ failures = 3, open = 1_000, openMax = 8_000, random = 1 } = {}) {
  let now = 5_000;
  const states: BreakerState[] = [];
  const breaker = new Breaker({
    options: { failures, open, openMax },
    now: () => now,
    random: () => random,
    patience: 2_000,
    changed: (state) => void states.push(state),
  });
  const fail = (times = 1, who: string | undefined = 'a', by: object = {}): void => {
    for (let n = 0; n < times; n++) breaker.failed(by, { error: new Error(`no ${n}`), who });
  };
  return {
    breaker,
    states,
    fail,
    turn(ms: number) {
      now += ms;
    },
  };
}

test('so many failures in a row open it, and none fewer', () => {
  const { breaker, fail, states } = setUp();
  fail(2);
  expect([breaker.state, breaker.isFor(anybody)]).toEqual(['closed', false]);
  fail();
  expect([breaker.state, breaker.isFor(anybody), breaker.wait]).toEqual(['open', true, 1_000]);
  expect(breaker.last?.message).toBe('no 0');
  expect(states).toEqual(['open']);
});

test('an answer in between begins the count anew', () => {
  const { breaker, fail } = setUp();
  fail(2);
  breaker.answered({});
  fail(2);
  expect(breaker.state).toBe('closed');
});

test('one fault that many calls share is one failure', () => {
  const { breaker } = setUp();
  const error = new Error('the process died');
  for (let n = 0; n < 50; n++) breaker.failed({}, { error, who: 'a' });
  expect([breaker.state, breaker.failures]).toEqual(['closed', 1]);
});

test('half open lets one through, however many come', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  const crowd = Array.from({ length: 200 }, () => ({}));
  expect(crowd.filter((one) => breaker.admits(one))).toEqual([]);
  turn(1_000);
  expect(crowd.filter((one) => breaker.admits(one))).toEqual([crowd[0] ?? {}]);
  expect(breaker.state).toBe('half_open');
});

test('the answer to that one closes it', () => {
  const { breaker, fail, turn, states } = setUp();
  fail(3);
  turn(1_000);
  const trial = {};
  breaker.admits(trial);
  breaker.answered(trial);
  expect(states).toEqual(['open', 'half_open', 'closed']);
  fail(2);
  expect(breaker.state).toBe('closed');
});

test('one from before says nothing while it is open', () => {
  const { breaker, fail } = setUp();
  fail(3);
  breaker.answered({});
  fail(5);
  expect([breaker.state, breaker.wait]).toEqual(['open', 1_000]);
});

test('each time it opens without a success in between it is open longer, up to a most', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  const waits = [breaker.wait];
  for (let n = 0; n < 4; n++) {
    turn(breaker.wait);
    const trial = {};
    breaker.admits(trial);
    fail(1, 'a', trial);
    waits.push(breaker.wait);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
});

test('a random half of the wait is taken away', () => {
  const { breaker, fail } = setUp({ random: 0 });
  fail(3);
  expect(breaker.wait).toBe(500);
});

test('a trial nobody hears of again makes room for another; its late success counts all the same', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  turn(1_000);
  const [slow, next] = [{}, {}];
  expect(breaker.admits(slow)).toBe(true);
  turn(1_999);
  expect(breaker.admits(next)).toBe(false);
  turn(1);
  expect(breaker.admits(next)).toBe(true);
  breaker.answered(slow);
  expect(breaker.state).toBe('closed');
});

test('a trial that ends and tells nothing leaves its place', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  turn(1_000);
  const trial = {};
  breaker.admits(trial);
  breaker.leave(trial);
  expect([breaker.state, breaker.admits({})]).toEqual(['half_open', true]);
});

test('after a probe the first failure opens it again, and for longer', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  turn(1_000);
  breaker.begin({});
  breaker.probed();
  expect([breaker.state, breaker.isFor(anybody)]).toEqual(['closed', false]);
  fail(1);
  expect([breaker.state, breaker.wait]).toEqual(['open', 2_000]);
});

test('a clock that is put back makes nothing longer', () => {
  const { breaker, fail, turn } = setUp();
  fail(3);
  turn(-3_600_000);
  expect(breaker.wait).toBe(0);
  const slow = {};
  expect(breaker.admits(slow)).toBe(true);
  turn(-3_600_000);
  expect(breaker.admits({})).toBe(true);
});

describe('one caller', () => {
  const other = () => 'b';

  test('whose calls alone fail is alone refused', () => {
    const { breaker, fail } = setUp();
    fail(3, 'a');
    expect([breaker.isFor(anybody), breaker.isFor(other)]).toEqual([true, false]);
  });

  test('is not alone when the failures are of several, before or after', () => {
    const before = setUp();
    before.fail(2, 'a');
    before.fail(1, 'b');
    expect(before.breaker.isFor(() => 'c')).toBe(true);
    const after = setUp();
    after.fail(3, 'a');
    after.fail(1, 'b');
    expect(after.breaker.isFor(() => 'c')).toBe(true);
  });

  test('stays alone while others are answered, until as many of theirs fail in a row', () => {
    const { breaker, fail } = setUp();
    const isForAll = (): boolean => breaker.isFor(() => 'c');
    fail(3, 'a');
    breaker.answered({});
    fail(2, 'b');
    expect([isForAll(), breaker.isFor(anybody)]).toEqual([false, true]);
    breaker.answered({});
    fail(2, 'b');
    expect(isForAll()).toBe(false);
    fail(1, 'b');
    expect(isForAll()).toBe(true);
  });

  test('is not alone when nobody can be reached', () => {
    const { breaker, fail } = setUp();
    fail(2, 'a');
    breaker.failed({}, { error: new Error('connection refused'), who: undefined });
    expect(breaker.isFor(other)).toBe(true);
  });
});
