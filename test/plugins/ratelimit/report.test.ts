// What an entry tells the operator: who is nearest to the end of a limit, by names that people know.
import { expect, test } from 'bun:test';
import ratelimit from '../../../plugins/ratelimit.ts';
import { testPlugin } from '../../../src/testing.ts';
import { toolCall } from './calls.ts';

test('keys by name, those nearest to their end first; so many as are asked for; of one principal', async () => {
  await using bench = await testPlugin(ratelimit, {
    limits: [
      { name: 'each', rate: '5/h', per: ['principal', 'tool'] },
      { name: 'said', rate: '9/h', per: 'principal.tenant + ":" + tool' },
      { name: 'work', concurrency: 3 },
    ],
  });
  const as = (id: string, tenant: string, issuer?: string) =>
    bench.call(toolCall('echo', { principal: { id, tenant, ...(issuer && { issuer }) } }));
  for (let i = 0; i < 3; i++) await as('ada', 'north');
  await as('bob', 'south', 'https://id.example.com');
  const told = async (asked: Record<string, string> = {}) => {
    const { limits } = (await bench.report(asked)) as {
      limits: { name: string; seen: number; keys: { key: string; remaining: number }[] }[];
    };
    return limits.map(({ name, seen, keys }) => [
      name,
      seen,
      ...keys.map(({ key, remaining }) => [key, remaining]),
    ]);
  };
  expect(await told()).toEqual([
    ['each', 2, ['north/ada · up/echo', 2], ['south/bob (https://id.example.com) · up/echo', 4]],
    ['said', 2, ['north:echo', 6], ['south:echo', 8]],
    ['work', 0],
  ]);
  expect((await told({ most: '1' }))[0]).toEqual(['each', 2, ['north/ada · up/echo', 2]]);
  for (const who of ['bob', 'south/bob'])
    expect((await told({ for: who }))[0]).toEqual([
      'each',
      1,
      ['south/bob (https://id.example.com) · up/echo', 4],
    ]);
});
