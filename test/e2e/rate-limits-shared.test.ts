// Limits that several gateways count together: one budget for all of them, and what becomes of it while the place where
// it is counted is away.
import { describe, expect, test } from 'bun:test';
import { plugins } from '../../plugins/index.ts';
import { call } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { redisProgram, startRedis } from '../fixtures/redis.ts';
import { until } from '../fixtures/until.ts';

const gateway = (limit: object, url: string, more: object = {}) =>
  startInProcess(
    configOf({ ...DEMO }, { pipeline: [{ ratelimit: { ...limit, store: { redis: url, ...more } } }] }),
    {
      plugins,
    },
  );

/** What becomes of a call: `done`, or the message of its error. */
async function asked(url: string): Promise<string> {
  const { error } = await (await call(url, 'echo', { text: 'a' })).json();
  return error?.message ?? 'done';
}

describe.skipIf(redisProgram === null)('two gateways on one Redis', () => {
  test('have one budget, in which names of callers are nowhere to be read', async () => {
    await using redis = await startRedis();
    await using one = await gateway({ rate: '3/h' }, redis.url);
    await using other = await gateway({ rate: '3/h' }, redis.url);
    const said = [];
    for (const { url } of [one, other, one, other, one]) said.push(await asked(url));
    expect(said.map((each) => each.slice(0, 13))).toEqual([
      ...['done', 'done', 'done'],
      ...['Limit "calls"', 'Limit "calls"'],
    ]);
    const keys = await redis.say('KEYS', '*');
    expect(keys).toEqual([expect.stringMatching(/^sluice:/)]);
    expect(String(keys)).not.toContain('anonymous');
  });

  test('go on where it is away, each limit as it says, and tell the operator', async () => {
    await using redis = await startRedis();
    await using local = await gateway({ rate: '4/h' }, redis.url, { replicas: 2 });
    await using open = await gateway({ rate: '4/h', fail: 'open' }, redis.url);
    await using closed = await gateway({ rate: '4/h', fail: 'closed' }, redis.url);
    expect(await asked(local.url)).toBe('done');
    await redis.kill();
    const all = async ({ url }: { url: string }) => [await asked(url), await asked(url), await asked(url)];
    expect(await all(open)).toEqual(['done', 'done', 'done']);
    expect(await all(closed)).toEqual(Array(3).fill('Limits cannot be counted for now: try again in 1 s.'));
    expect((await all(local)).map((each) => each.slice(0, 5))).toEqual(['done', 'done', 'Limit']);
    await until(async () => {
      const told = (await local.gateway.plugin('ratelimit', {})) as { store: { there: boolean } };
      return !told.store.there;
    });
  });
});
