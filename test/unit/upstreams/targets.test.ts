// Which of several targets a call goes to, and how one that failed is found to work again.
import { describe, expect, test } from 'bun:test';
import { Refused } from '../../../src/upstreams/health.ts';
import {
  type Probed,
  type Target,
  type TargetOptions,
  Targets,
  type Wish,
} from '../../../src/upstreams/targets.ts';
import { type TestHost, testHost } from '../../fixtures/exchanges.ts';

const URLS = ['https://a.example/mcp?key=k', 'https://b.example/mcp', 'https://c.example/mcp'];

interface Options extends Partial<TargetOptions> {
  readonly urls?: readonly string[];
  readonly probe?: (target: Target) => Promise<Probed>;
  readonly random?: () => number;
  readonly host?: TestHost;
}

function setUp({
  urls = URLS,
  probe = async () => 'works',
  random = () => 0,
  host = testHost(),
  ...options
}: Options = {}) {
  const lost: number[] = [];
  const probed: number[] = [];
  let later: { at: number; run: () => void }[] = [];
  const targets = new Targets({
    upstream: 'up',
    urls,
    options: {
      balance: 'first',
      breaker: { failures: 2, open: 1_000, openMax: 4_000 },
      health: { probe: 'tripped', timeout: 60_000, path: undefined },
      ...options,
    },
    host,
    random,
    lost: ({ index }) => void lost.push(index),
    async probe(target) {
      probed.push(target.index);
      return probe(target);
    },
    after(ms, run) {
      const one = { at: host.now() + ms, run };
      later.push(one);
      return () => {
        later = later.filter((each) => each !== one);
      };
    },
  });
  const at = (index: number): Target => targets.all[index] as Target;
  const pick = (wish: Partial<Wish> = {}) =>
    targets.pick({ by: {}, who: () => 'a', safe: false, ...wish }) as Target;
  return {
    host,
    targets,
    lost,
    probed,
    at,
    pick,
    picks: (times: number, wish: Partial<Wish> = {}) => Array.from({ length: times }, () => pick(wish).index),
    trip(index: number) {
      for (let n = 0; n < 2; n++)
        targets.heard(at(index), { by: {}, who: () => `caller ${n}` }, new Error('answered 500'));
    },
    /** Turns the clock, and does what is due by then. */
    async turn(ms: number) {
      host.turn(ms);
      const due = later.filter(({ at: time }) => time <= host.now());
      later = later.filter((each) => !due.includes(each));
      for (const { run } of due) run();
      for (let n = 0; n < 10; n++) await Promise.resolve();
    },
  };
}

describe('balance', () => {
  test('first is the first that works', () => {
    const { picks, trip } = setUp();
    expect(picks(3)).toEqual([0, 0, 0]);
    trip(0);
    expect(picks(3)).toEqual([1, 1, 1]);
  });

  test('round robin is each in turn', () => {
    expect(setUp({ balance: 'round_robin' }).picks(6)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('least is the less busy one of two at random', () => {
    const values = [0, 0, 0.99, 0.99];
    const { pick, at } = setUp({ balance: 'least', random: () => values.shift() ?? 0 });
    Object.assign(at(0), { busy: 3 });
    Object.assign(at(2), { busy: 1 });
    // Of 0 and 1, then of 2 and 1.
    expect(pick().index).toBe(1);
    Object.assign(at(1), { busy: 2 });
    expect(pick().index).toBe(2);
  });

  test('one that is preferred is taken while it works, one that failed this call only where there is no other', () => {
    const { pick, at, trip } = setUp();
    expect(pick({ prefer: at(2) }).index).toBe(2);
    trip(2);
    expect(pick({ prefer: at(2) }).index).toBe(0);
    expect(pick({ exclude: new Set([at(0), at(1)]) }).index).toBe(0);
  });
});

test('a target that fails is passed over and told of, without what its URL may hold', async () => {
  const { host, lost, picks, trip, targets } = setUp();
  trip(0);
  expect(lost).toEqual([0]);
  expect(picks(5)).not.toContain(0);
  expect(targets.state()).toEqual([
    { target: 'https://a.example/mcp', state: 'open', error: 'answered 500', retryAfterMs: 500 },
    { target: 'https://b.example/mcp', state: 'closed' },
    { target: 'https://c.example/mcp', state: 'closed' },
  ]);
  expect(await host.figure('upstreamBreaker', { target: '0' })).toBe(2);
  expect(await host.figure('upstreamTrips', { upstream: 'up', target: '0' })).toBe(1);
  expect(JSON.stringify(host.lines)).not.toContain('key=k');
});

test('the figures are of the latest of a name, and an older one that ends takes none of them away', async () => {
  const old = setUp();
  old.trip(0);
  const row = async () => {
    const { values } = await old.host.metrics.upstreamBreaker.get();
    return values.map(({ labels, value }) => [labels.target, value]);
  };
  expect(await row()).toEqual([['0', 2]]);
  const next = setUp({ host: old.host });
  expect(await row()).toEqual([]);
  old.trip(1);
  next.trip(2);
  expect(await row()).toEqual([['2', 2]]);
  const tried = setUp({ host: old.host });
  tried.targets.close();
  expect(await row()).toEqual([['2', 2]]);
  old.targets.close();
  expect(await row()).toEqual([['2', 2]]);
  next.targets.close();
  expect(await row()).toEqual([]);
});

test('a probe brings it back', async () => {
  const { trip, turn, probed, picks, host } = setUp();
  trip(0);
  await turn(499);
  expect(probed).toEqual([]);
  await turn(1);
  expect(probed).toEqual([0]);
  expect(picks(2)).toEqual([0, 0]);
  expect(await host.figure('upstreamProbes', { outcome: 'works' })).toBe(1);
});

test('probes are rarer each time, and end when nobody wants it', async () => {
  const { trip, turn, probed, pick } = setUp({
    urls: URLS.slice(0, 1),
    probe: () => Promise.reject(new Error('no')),
  });
  trip(0);
  await turn(500);
  expect(probed).toEqual([0]);
  await turn(100_000);
  expect(probed).toEqual([0]);
  // Whoever comes then has it looked at, and waits for that.
  const wait = Promise.resolve(pick());
  expect(wait).rejects.toThrow('is not called for now');
  await wait.catch(() => {});
  expect(probed).toEqual([0, 0]);
  expect(() => pick()).toThrow(Refused);
  await turn(1_999);
  expect(probed).toEqual([0, 0]);
  await turn(1);
  expect(probed).toEqual([0, 0, 0]);
});

test('with none that works all are refused at once, and told when to come back', async () => {
  const { trip, pick, turn, probed } = setUp({ probe: () => new Promise(() => {}) });
  for (const index of [0, 1, 2]) trip(index);
  const refused = (): Refused => {
    try {
      pick();
    } catch (error) {
      return error as Refused;
    }
    throw new Error('it was let through');
  };
  expect(refused().message).toBe(
    'The upstream "up" is not called for now: 2 calls in a row failed, the last one so: answered 500. It is tried again in 500 ms.',
  );
  expect(refused().data).toEqual({ upstream: 'up', retryAfterMs: 500 });
  expect(refused().result.http).toBe(503);
  expect(refused().result.headers).toEqual({ 'retry-after': '1' });
  await turn(500);
  // Each is asked once; 200 calls meanwhile ask none.
  for (let n = 0; n < 200; n++) refused();
  expect(probed).toEqual([0, 1, 2]);
});

test('something that is there and says nothing of itself is tried by one call, of a kind that loses nothing', async () => {
  const { trip, turn, at, pick, picks, targets } = setUp({ probe: async () => 'reached' });
  trip(0);
  await turn(500);
  expect(at(0).breaker?.state).toBe('half_open');
  expect(picks(5)).not.toContain(0);
  const by = {};
  expect(pick({ safe: true, by }).index).toBe(0);
  expect(picks(5, { safe: true })).not.toContain(0);
  targets.heard(at(0), { by, who: () => 'a' }, 'answered');
  expect(at(0).breaker?.state).toBe('closed');
});

test('where there is no other any call tries it', async () => {
  const { trip, turn, at, pick } = setUp({ urls: URLS.slice(0, 1), probe: async () => 'reached' });
  trip(0);
  await turn(500);
  expect(pick()).toBe(at(0));
  expect(() => pick()).toThrow(Refused);
});

test('without probes the call itself finds out', async () => {
  const { trip, turn, at, pick, probed } = setUp({
    urls: URLS.slice(0, 1),
    health: { probe: 'off', timeout: 1_000, path: undefined },
  });
  trip(0);
  await turn(500);
  expect(pick()).toBe(at(0));
  expect(probed).toEqual([]);
});

test('asked so often while it works, a probe that fails counts', async () => {
  const { turn, at, probed } = setUp({
    urls: URLS.slice(0, 1),
    probe: () => Promise.reject(new Error('no')),
    health: { probe: 30_000, timeout: 1_000, path: undefined },
  });
  await turn(30_000);
  expect([probed.length, at(0).breaker?.state]).toEqual([1, 'closed']);
  await turn(30_000);
  expect([probed.length, at(0).breaker?.state]).toEqual([2, 'open']);
});

test('off: nothing is counted, and none is passed over', () => {
  const { trip, picks, lost } = setUp({ breaker: 'off' });
  for (let n = 0; n < 10; n++) trip(0);
  expect([picks(2), lost]).toEqual([[0, 0], []]);
});

test('closed, it does nothing any more', async () => {
  const { trip, turn, targets, probed } = setUp();
  trip(0);
  targets.close();
  await turn(10_000);
  expect(probed).toEqual([]);
});
