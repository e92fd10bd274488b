// What one take costs in each store: one at a time, of one limit and of three, over many keys.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepStore, type StoreOptions } from '../../plugins/ratelimit/open.ts';
import type { Ask, Limit } from '../../plugins/ratelimit/store.ts';
import { bareHost } from '../../test/fixtures/bare-host.ts';
import { startRedis } from '../../test/fixtures/redis.ts';

const LIMITS: readonly Limit[] = [
  { kind: 'rate', units: 1_000_000, window: 1_000, burst: 1_000_000 },
  { kind: 'rate', units: 1_000_000, window: 60_000, burst: 1_000_000 },
  { kind: 'quota', units: 1_000_000_000, window: 86_400_000 },
];
const KEYS = 1_000;
const TIMES = 10_000;

export interface Cost {
  readonly what: string;
  /** Microseconds of each take. */
  readonly times: readonly number[];
}

async function measured(what: string, options: StoreOptions): Promise<Cost[]> {
  const store = keepStore(bareHost(), options);
  await store.ready;
  const costs: Cost[] = [];
  for (const count of [1, LIMITS.length]) {
    const asks = Array.from({ length: KEYS }, (_, key) =>
      LIMITS.slice(0, count).map((limit, at): Ask => ({ key: `${key} ${at}`, limit, cost: 1 })),
    );
    const times: number[] = [];
    // The first round is for the compiler.
    for (let at = 0; at < 2 * TIMES; at++) {
      const began = performance.now();
      const told = await store.take(asks[at % KEYS] ?? []);
      if (at >= TIMES) times.push((performance.now() - began) * 1_000);
      if (told.some(({ admitted, failing }) => !admitted || failing))
        throw new Error(`${what} did not count`);
    }
    costs.push({ what: `${what}, ${count === 1 ? 'one limit' : `${count} limits`}`, times });
  }
  await store.close();
  return costs;
}

export async function* costs(): AsyncGenerator<Cost> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  await using redis = await startRedis();
  const common = { keys: 100_000, fail: 'local', replicas: 1, deadline: 1_000 } as const;
  try {
    yield* await measured('memory', { kind: 'memory', keys: common.keys });
    yield* await measured('sqlite', { kind: 'sqlite', ...common, path: join(dir, 'ratelimit.db') });
    yield* await measured('redis, on this machine', { kind: 'redis', ...common, url: redis.url, prefix: '' });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
