// Where limits are counted, at whole gateways: over a restart, by several of them, and while Redis is away.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugins } from '../../plugins/index.ts';
import { call } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { redisProgram, startRedis } from '../fixtures/redis.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Nothing comes back while a test runs. */
const pipelineOf = (store: unknown, more: object = {}) => [{ ratelimit: { rate: '4/d', store, ...more } }];

async function start(pipeline: unknown[], stateDir?: string): Promise<InProcess> {
  const gateway = await startInProcess(configOf({ ...DEMO }, { pipeline }), {
    plugins,
    ...(stateDir === undefined ? {} : { stateDir }),
  });
  ends.push(() => gateway.stop());
  return gateway;
}

/** What is left after a call; the error's code where it was refused. */
async function left({ url }: InProcess): Promise<number | string> {
  const answer = await call(url, 'echo', { text: 'a' });
  const { error } = await answer.json();
  return error?.data?.code ?? Number(/r=(\d+)/.exec(String(answer.headers.ratelimit))?.[1]);
}

async function leftOf(gateways: readonly InProcess[]): Promise<(number | string)[]> {
  const all = [];
  for (const gateway of gateways) all.push(await left(gateway));
  return all;
}

test('in a file: a restart goes on with what was used, and two gateways count as one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  const first = await start(pipelineOf('sqlite'), dir);
  expect(await left(first)).toBe(3);
  await first.stop();
  const [one, two] = [await start(pipelineOf('sqlite'), dir), await start(pipelineOf('sqlite'), dir)];
  expect(await leftOf([one, two, one, two, one])).toEqual([2, 1, 0, 'RATE_LIMITED', 'RATE_LIMITED']);
});

describe.skipIf(redisProgram === null)('in Redis', () => {
  test('three gateways count as one, over reloads, too', async () => {
    const redis = await startRedis();
    ends.push(() => redis[Symbol.asyncDispose]());
    const [one, two, three] = [
      await start(pipelineOf({ redis: redis.url })),
      await start(pipelineOf({ redis: redis.url })),
      await start(pipelineOf({ redis: redis.url })),
    ];
    expect(await leftOf([one, two, three])).toEqual([3, 2, 1]);
    two.configure(configOf({ ...DEMO }, { pipeline: pipelineOf({ redis: redis.url, replicas: 3 }) }));
    expect((await two.reload()).ok).toBe(true);
    expect(await leftOf([two, three, one])).toEqual([0, 'RATE_LIMITED', 'RATE_LIMITED']);
    expect(await two.figure('pluginEvents', { event: 'store_lost' })).toBe(0);
  });

  for (const [fail, whileAway] of [
    ['local', [2, 1, 0, 'RATE_LIMITED']],
    ['open', [Number.NaN, Number.NaN, Number.NaN, Number.NaN]],
    ['closed', ['RATE_LIMITED', 'RATE_LIMITED', 'RATE_LIMITED', 'RATE_LIMITED']],
  ] as const) {
    test(`that is held, with fail: ${fail}, and goes on`, async () => {
      const redis = await startRedis();
      ends.push(() => redis[Symbol.asyncDispose]());
      const gateway = await start(pipelineOf({ redis: redis.url, fail }));
      expect(await left(gateway)).toBe(3);
      redis.hold();
      expect(await leftOf(Array(4).fill(gateway))).toEqual([...whileAway]);
      expect(await gateway.figure('pluginLevel', { what: 'store_there' })).toBe(0);
      redis.release();
      while ((await gateway.figure('pluginEvents', { event: 'store_back' })) === 0) await left(gateway);
      expect(await gateway.figure('pluginLevel', { what: 'store_there' })).toBe(1);
      expect(
        gateway.lines.filter(({ message }) => /Redis/.test(message)).map(({ message }) => message),
      ).toEqual(['Redis cannot be asked for limits', 'limits are counted in Redis again']);
      // It read what it was sent while it was held: what was answered by a policy may have been counted there as well.
      expect(await leftOf(Array(5).fill(gateway))).toContain('RATE_LIMITED');
    });
  }
});
