// What callers notice while Redis is away: the longest that a take took, and how long it is until Redis counts again.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '../../plugins/ratelimit/redis.ts';
import type { Rate } from '../../plugins/ratelimit/store.ts';
import { bareHost } from '../../test/fixtures/bare-host.ts';
import { type Redis, startRedis } from '../../test/fixtures/redis.ts';

const RATE: Rate = { kind: 'rate', units: 1_000_000, window: 1_000, burst: 1_000_000 };
const AWAY_MS = 1_500;
/** Takes that are under way at once. */
const CALLERS = 8;
const TIMES = 5;

export interface Away {
  readonly what: string;
  /** Milliseconds: of all takes before it, of all from then on. */
  readonly before: readonly number[];
  readonly during: readonly number[];
  /** From its mending to the first answer of Redis, of each time. */
  readonly recovery: readonly number[];
}

const FAULTS: readonly [what: string, lose: (r: Redis) => unknown, mend: (r: Redis) => unknown][] = [
  ['killed, started again', (redis) => redis.kill(), (redis) => redis.start()],
  ['stopped (SIGSTOP), goes on', (redis) => redis.hold(), (redis) => redis.release()],
  ['emptied (FLUSHALL, SCRIPT FLUSH)', (redis) => emptied(redis), () => {}],
  [
    'read-only, writable again',
    (redis) => redis.say('REPLICAOF', '127.0.0.1', '1'),
    (redis) => redis.say('REPLICAOF', 'NO', 'ONE'),
  ],
];

async function emptied(redis: Redis): Promise<void> {
  await redis.say('FLUSHALL');
  await redis.say('SCRIPT', 'FLUSH');
}

/** Callers that ask again and again, and what they notice. */
class Callers {
  times: number[] = [];
  /** When the store answered last itself, and when a policy did; of performance.now(). */
  asked = 0;
  failed = 0;
  #isOver = false;
  readonly #work: Promise<unknown>;

  constructor(readonly store: RedisStore) {
    this.#work = Promise.all(Array.from({ length: CALLERS }, (_, at) => this.#call(`caller ${at}`)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #call(key: string): Promise<void> {
    while (!this.#isOver) {
      const began = performance.now();
      const [told] = await this.store.take([{ key, limit: RATE, cost: 1 }]);
      const now = performance.now();
      this.times.push(now - began);
      if (told?.failing === undefined) this.asked = now;
      else this.failed = now;
      await pause(2);
    }
  }
}

export async function* absences(): AsyncGenerator<Away> {
  for (const [what, lose, mend] of FAULTS) {
    await using redis = await startRedis();
    const options = {
      url: redis.url,
      prefix: '',
      deadline: 50,
      fail: 'local',
      replicas: 1,
      keys: 1_000,
    } as const;
    const store = new RedisStore(bareHost(), options);
    await store.ready;
    const callers = new Callers(store);
    await pause(1_000);
    const before = callers.times.splice(0);
    const recovery: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      await lose(redis);
      await pause(AWAY_MS);
      await mend(redis);
      const mended = performance.now();
      while (callers.failed > 0 && (callers.asked < mended || callers.failed > callers.asked)) await pause(1);
      recovery.push(callers.failed === 0 ? 0 : callers.asked - mended);
      await pause(200);
    }
    await callers.end();
    store.close();
    yield { what, before, during: callers.times, recovery };
  }
}
