// Three processes that share a store are let take what one would be, to the unit.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreOptions } from '../../../plugins/ratelimit/open.ts';
import type { Limit } from '../../../plugins/ratelimit/store.ts';
import { redisProgram, startRedis } from '../../fixtures/redis.ts';

const TAKER = join(import.meta.dir, '../../fixtures/taker.ts');
const LIMITS: readonly Limit[] = [
  { kind: 'rate', units: 1, window: 7 * 86_400_000, burst: 500 },
  { kind: 'quota', units: 500, window: 700 * 86_400_000 },
];

async function sumOf(options: StoreOptions, limit: Limit): Promise<number> {
  const takers = Array.from({ length: 3 }, () =>
    Bun.spawn([process.execPath, TAKER, JSON.stringify(options), JSON.stringify(limit), '400'], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    }),
  );
  const outputs = takers.map(({ stdout }) => stdout.getReader());
  const decoder = new TextDecoder();
  for (const output of outputs) expect(decoder.decode((await output.read()).value)).toBe('ready\n');
  // All at once, now that all are there.
  for (const { stdin } of takers) stdin.end();
  let sum = 0;
  for (const output of outputs) sum += Number(decoder.decode((await output.read()).value));
  for (const taker of takers) expect(await taker.exited).toBe(0);
  return sum;
}

const COMMON = { keys: 1_000, fail: 'closed', replicas: 1, deadline: 10_000 } as const;

for (const limit of LIMITS) {
  test.skipIf(redisProgram === null)(`a ${limit.kind} in Redis`, async () => {
    await using redis = await startRedis();
    expect(await sumOf({ kind: 'redis', ...COMMON, url: redis.url, prefix: '' }, limit)).toBe(500);
  });
  test(`a ${limit.kind} in a file`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
    try {
      expect(await sumOf({ kind: 'sqlite', ...COMMON, path: join(dir, 'ratelimit.db') }, limit)).toBe(500);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
