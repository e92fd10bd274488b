// Limits in a real Redis: the same as in memory, for all who share it, and what counts while it cannot be asked.
import { describe, expect, test } from 'bun:test';
import { type RedisOptions, RedisStore } from '../../../plugins/ratelimit/redis.ts';
import type { Ask, Limit, Quota, Rate } from '../../../plugins/ratelimit/store.ts';
import { createAuthority } from '../../fixtures/certificates.ts';
import { type Redis, redisProgram, startRedis } from '../../fixtures/redis.ts';
import { hostOf } from './counting.ts';

/** Nothing of them comes back while a test runs. */
const RATE: Rate = { kind: 'rate', units: 1, window: 86_400_000, burst: 10 };
const QUOTA: Quota = { kind: 'quota', units: 12, window: 700 * 86_400_000 };
const LOST = 'Redis cannot be asked for limits';
const BACK = 'limits are counted in Redis again';

const OPTIONS = { deadline: 5_000, fail: 'local', replicas: 1, keys: 1_000, prefix: 'sluice:' } as const;

const USER = [
  '--user',
  'slu:ice',
  'on',
  '>p@ss/word',
  '~*',
  '+@scripting',
  '+@read',
  '+@write',
  '+time',
  '+select',
];

async function joined(url: string, options: Partial<RedisOptions> = {}) {
  const host = hostOf(Date.now());
  const store = new RedisStore(host, { ...OPTIONS, url, ...options });
  await store.ready;
  return { store, host, [Symbol.dispose]: () => store.close() };
}

function ask(limit: Limit, cost = 1, key = 'k'): Ask {
  return { key, limit, cost };
}

/** What can become of it, how it is done, and how it ends. */
const ENDS: readonly [
  what: string,
  reason: string,
  lose: (r: Redis) => unknown,
  mend: (r: Redis) => unknown,
][] = [
  ['killed', 'closed', (redis) => redis.kill(), (redis) => redis.start()],
  ['held', 'timeout', (redis) => redis.hold(), (redis) => redis.release()],
  [
    'a replica that may not be written',
    'read_only',
    (redis) => redis.say('REPLICAOF', '127.0.0.1', '1'),
    (redis) => redis.say('REPLICAOF', 'NO', 'ONE'),
  ],
  [
    'full',
    'refused',
    (redis) => redis.say('CONFIG', 'SET', 'maxmemory', '1'),
    (redis) => redis.say('CONFIG', 'SET', 'maxmemory', '0'),
  ],
];

describe.skipIf(redisProgram === null)('limits in Redis', () => {
  test('are those of all who share it, rates and quotas, all or none', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url);
    using two = await joined(redis.url);
    const both = [ask(RATE), ask(QUOTA)];
    for (const { store } of Array.from({ length: 5 }, () => [one, two]).flat())
      expect(await store.take(both)).toMatchObject([{ admitted: true }, { admitted: true }]);
    for (const { store } of [one, two]) {
      const told = await store.take(both);
      expect(told).toMatchObject([
        { admitted: false, remaining: 0 },
        { admitted: true, remaining: 2 },
      ]);
      expect(told[0]?.retryMs).toBeWithin(1, 86_400_001);
    }
    expect(await one.store.peek(both)).toMatchObject([{ admitted: false }, { admitted: true, remaining: 2 }]);
    expect(await two.store.take([ask(RATE, 11)])).toMatchObject([{ retryMs: Number.POSITIVE_INFINITY }]);
    await one.store.adjust([{ key: 'k', limit: RATE, taken: 5, cost: 0, afterMs: 0 }]);
    expect(await two.store.peek([ask(RATE)])).toMatchObject([{ remaining: 5 }]);
    await one.store.adjust([{ key: 'k', limit: QUOTA, taken: 0, cost: 20, afterMs: 0 }]);
    expect(await two.store.take(both)).toMatchObject([{ admitted: true }, { admitted: false }]);
  });

  test('have keys that say nothing, in one slot for each tag, and go by themselves', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url, { prefix: 'limits:' });
    const asks = [ask(RATE, 1, 'alice@example.com'), ask(QUOTA, 1, 'alice@example.com')];
    await one.store.take(asks, 'acme');
    await one.store.take(asks, 'other');
    const keys = ((await redis.say('KEYS', '*')) as string[]).filter((key) => !key.includes('probe')).sort();
    const tags = new Set(keys.map((key) => /^limits:\{([\w-]{22})\}:[\w-]{22}$/.exec(key)?.[1]));
    const taken = keys.filter((key) => key !== undefined);
    expect(tags.has(undefined)).toBe(false);
    expect(taken.length).toBeWithin(4, 6);
    for (const key of taken) expect(Number(await redis.say('PTTL', key))).not.toBe(-1);
  });

  for (const [what, reason, lose, mend] of ENDS) {
    test(`${what}: counted here, from where it stood, and there again without a restart`, async () => {
      await using redis = await startRedis();
      using one = await joined(redis.url, { deadline: 50 });
      expect(await one.store.take([ask(RATE, 4)])).toMatchObject([{ admitted: true, remaining: 6 }]);
      const lost = one.host.said(LOST);
      await lose(redis);
      const told = await one.store.take([ask(RATE, 4)]);
      expect(told).toMatchObject([{ admitted: true, remaining: 2, failing: 'local' }]);
      expect((await lost).fields?.reason).toBe(reason);
      expect(one.store.lost?.reason).toBe(reason);
      expect(one.host.levels).toEqual({ store_there: 0 });
      expect(await one.store.take([ask(RATE, 4)])).toMatchObject([{ admitted: false, failing: 'local' }]);
      const back = one.host.said(BACK);
      await mend(redis);
      await back;
      const [again] = await one.store.take([ask(RATE, 2)]);
      // What was counted here is known there, whether it had forgotten or not.
      expect(again).toMatchObject({ admitted: true, remaining: 0 });
      expect(again?.failing).toBeUndefined();
      expect(one.store.lost).toBeUndefined();
      expect(one.host.levels).toEqual({ store_there: 1 });
      using two = await joined(redis.url);
      expect(await two.store.take([ask(RATE)])).toMatchObject([{ admitted: false }]);
      expect(one.host.counts).toEqual([
        `store_lost ${reason}`,
        'store_failing local',
        'store_failing local',
        'store_back',
      ]);
    });
  }

  test('emptied: what this process knows it tells, scripts and all', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url);
    await one.store.take([ask(RATE, 4), ask(QUOTA, 12)]);
    await redis.say('FLUSHALL');
    await redis.say('SCRIPT', 'FLUSH');
    const told = await one.store.take([ask(RATE), ask(QUOTA)]);
    expect(told).toMatchObject([
      { admitted: true, remaining: 6 },
      { admitted: false, remaining: 0 },
    ]);
    using two = await joined(redis.url);
    expect(await two.store.peek([ask(RATE), ask(QUOTA)])).toMatchObject([{ remaining: 6 }, { remaining: 0 }]);
    expect(one.host.counts).toEqual([]);
  });

  test('calls under way when it dies are answered, and many make one line and one attempt', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url, { deadline: 50 });
    redis.hold();
    const told = await Promise.all(Array.from({ length: 200 }, () => one.store.take([ask(RATE)])));
    expect(told.filter(([each]) => each?.admitted)).toHaveLength(10);
    expect(one.host.lines.filter(({ message }) => message === LOST)).toHaveLength(1);
    const back = one.host.said(BACK);
    redis.release();
    await back;
    const clients = String(await redis.say('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    // Ours, and the one that asks.
    expect(clients).toHaveLength(2);
  });

  test('while it is away: an ask may be let pass, or refused, and one that is refused takes nothing here', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url, { fail: 'open' });
    await redis.kill();
    expect(await one.store.take([ask(RATE, 1_000)])).toMatchObject([
      { admitted: true, remaining: 10, failing: 'open' },
    ]);
    const mixed: Ask[] = [
      { ...ask(RATE, 5), fail: 'local' },
      { ...ask(QUOTA), fail: 'closed' },
      ask(QUOTA, 1, 'o'),
    ];
    expect(await one.store.take(mixed)).toMatchObject([
      { admitted: true, remaining: 10, failing: 'local' },
      { admitted: false, remaining: 0, retryMs: 1_000, failing: 'closed' },
      { admitted: true, failing: 'open' },
    ]);
    expect(await one.store.take(mixed.slice(0, 1))).toMatchObject([{ admitted: true, remaining: 5 }]);
    expect(await one.store.peek(mixed)).toMatchObject([
      { admitted: true, remaining: 5 },
      { admitted: false },
      { admitted: true, remaining: 12 },
    ]);
  });

  test('while it is away each of three takes a third, and comes to it even where a cost is more', async () => {
    await using redis = await startRedis();
    using one = await joined(redis.url, { replicas: 3 });
    await one.store.take([ask(RATE, 1)]);
    await redis.kill();
    const admitted = [];
    for (let at = 0; at < 5; at++) admitted.push((await one.store.take([ask(RATE)]))[0]?.admitted);
    expect(admitted).toEqual([true, true, true, false, false]);
    expect(await one.store.take([ask(RATE, 8, 'another')])).toMatchObject([{ admitted: true, remaining: 0 }]);
  });

  test('that was never there: counted here, and there as soon as it comes', async () => {
    await using redis = await startRedis();
    await redis.kill();
    using one = await joined(redis.url);
    expect(await one.store.take([ask(RATE, 10)])).toMatchObject([{ admitted: true, failing: 'local' }]);
    const back = one.host.said(BACK);
    await redis.start();
    await back;
    expect(await one.store.take([ask(RATE)])).toMatchObject([{ admitted: false }]);
  });

  test('behind TLS, a user and a number of a database; nothing of it is said', async () => {
    const authority = createAuthority('an authority of a test');
    const { cert, key } = authority.issue({ host: '127.0.0.1' });
    await using redis = await startRedis({ tls: { cert, key, ca: authority.cert } }, ...USER);
    const url = `rediss://slu%3Aice:p%40ss%2Fword@127.0.0.1:${redis.port}/3`;
    using one = await joined(url, { ca: authority.cert });
    expect((await one.store.take([ask(RATE, 4)]))[0]).toMatchObject({ remaining: 6 });
    expect(one.store.lost).toBeUndefined();
    expect(String(await redis.say('INFO', 'keyspace'))).toContain('db3:keys=');
    const wrong = [
      await joined(url),
      await joined(url.replace('ss%2F', 'xx%2F'), { ca: authority.cert }),
      await joined(url.replace('/3', '/99'), { ca: authority.cert }),
      await joined(url.replace('rediss', 'http')),
    ];
    for (const { store, host } of wrong) {
      expect(await store.take([ask(RATE)])).toMatchObject([{ admitted: true, failing: 'local' }]);
      expect(host.lines).toHaveLength(1);
      expect(JSON.stringify(host.lines)).not.toMatch(/p%40ss|p@ss|slu/);
      store.close();
    }
  });
});
