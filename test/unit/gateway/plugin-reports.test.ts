// What entries tell the operator of themselves, of both kinds of pipelines.
import { expect, test } from 'bun:test';
import { definePlugin, z } from '../../../src/plugin.ts';
import { configOf, startInProcess } from '../../fixtures/in-process.ts';

const talks = definePlugin({
  name: 'talks',
  api: 1,
  about: 'Tells of itself.',
  schema: z.strictObject({ word: z.string() }),
  setup: ({ word }, { mode }) => ({ report: async (asked) => ({ word, mode, asked: { ...asked } }) }),
});
const fails = definePlugin({
  name: 'fails',
  api: 1,
  about: 'Fails at it.',
  schema: z.strictObject({ how: z.enum(['throws', 'hangs']) }),
  setup: ({ how }) => ({
    report: () => (how === 'throws' ? Promise.reject(new Error('out of words')) : new Promise(() => {})),
  }),
});
const quiet = definePlugin({
  name: 'quiet',
  api: 1,
  about: 'Says nothing.',
  schema: z.any(),
  setup: () => ({}),
});

test('entries are listed in order and asked by name', async () => {
  const leg = [{ talks: { word: 'b' }, mode: 'shadow' }];
  await using gateway = await startInProcess(
    configOf(
      { up: { builtin: 'demo', pipeline: leg } },
      {
        pipeline: [
          { talks: { word: 'a' } },
          'quiet',
          { fails: { how: 'throws' } },
          { id: 'slow', fails: { how: 'hangs' }, timeout: '10ms' },
        ],
      },
    ),
    { plugins: { talks, fails, quiet } },
  );
  const rows = gateway.gateway.plugins();
  expect(rows.map(({ name, where, mode, reports }) => [name, where, mode, reports])).toEqual([
    ['talks', 'pipeline', 'enforce', true],
    ['quiet', 'pipeline', 'enforce', false],
    ['fails', 'pipeline', 'enforce', true],
    ['slow', 'pipeline', 'enforce', true],
    ['up/talks', 'upstreams.up.pipeline', 'shadow', true],
  ]);
  const ask = (name: string) => gateway.gateway.plugin(name, { for: 'ada' });
  expect(await ask('talks')).toEqual({ word: 'a', mode: 'enforce', asked: { for: 'ada' } });
  expect(await ask('up/talks')).toEqual({ word: 'b', mode: 'shadow', asked: { for: 'ada' } });
  expect([await ask('quiet'), await ask('nobody')]).toEqual([null, undefined]);
  await expect(ask('fails')).rejects.toThrow('out of words');
  await expect(ask('slow')).rejects.toThrow('took longer than 10 ms');
});
