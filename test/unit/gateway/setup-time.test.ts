// A plugin that hangs at its start or at its end: named, counted, and no later reload waits for it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { definePlugin, type Hooks } from '../../../src/plugin.ts';
import { call } from '../../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { until } from '../../fixtures/until.ts';

let begun: ((hooks: Hooks | Promise<never>) => void)[];
let disposed: number;
const never = () => new Promise<never>(() => {});

const slow = definePlugin({
  name: 'slow',
  api: 1,
  about: 'Starts when it is told to.',
  schema: z.strictObject({}),
  setup: () => new Promise<Hooks>((resolve) => begun.push(resolve)),
});
const clinging = definePlugin({
  name: 'clinging',
  api: 1,
  about: 'Does not end.',
  schema: z.strictObject({ keep: z.boolean().default(false) }),
  setup({ keep }, host) {
    if (keep) host.keep('it', () => 1, never);
    return keep ? {} : { dispose: never };
  },
});

let gateway: InProcess;
beforeEach(async () => {
  [begun, disposed] = [[], 0];
  gateway = await startInProcess(configOf(DEMO), { plugins: { slow, clinging } });
});
afterEach(() => gateway.stop());

const reloaded = (pipeline: unknown[]) => {
  gateway.configure(configOf(DEMO, { pipeline, limits: { plugin_setup: '40ms' } }));
  return gateway.reload();
};
const hits = () => gateway.figure('limitHits', { limit: 'plugin_setup' });

describe('a setup that does not end', () => {
  test('refuses its reload at its line; the next one is not held up', async () => {
    const refused = await reloaded(['slow']);
    expect(refused).toMatchObject({
      ok: false,
      generation: 1,
      diagnostics: [
        {
          code: 'PLUGIN_SETUP',
          message: 'the plugin refused to start: its setup took longer than limits.plugin_setup (40 ms)',
          file: 'gateway.yaml',
        },
      ],
    });
    expect(refused.ok ? 0 : refused.diagnostics[0]?.line).toBeGreaterThan(1);
    expect([(await reloaded([])).ok, await hits()]).toEqual([true, 1]);
  });

  test('and then does is disposed, since nobody uses it', async () => {
    expect((await reloaded(['slow'])).ok).toBe(false);
    const gone = Promise.withResolvers<void>();
    begun[0]?.({
      dispose() {
        disposed++;
        gone.resolve();
      },
    });
    await gone.promise;
    expect([disposed, await hits()]).toEqual([1, 1]);
  });

  test('and then fails is nobody’s affair any more', async () => {
    expect((await reloaded(['slow'])).ok).toBe(false);
    begun[0]?.(Promise.reject(new Error('late')));
    expect((await reloaded([])).ok).toBe(true);
    expect(gateway.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

for (const keep of [false, true]) {
  test(`a dispose that does not end, of ${keep ? 'something kept' : 'a plugin'}, is logged, and the generation ends`, async () => {
    expect((await reloaded([{ clinging: { keep } }])).ok).toBe(true);
    expect((await reloaded([])).ok).toBe(true);
    await until(() => gateway.gateway.report().draining === 0);
    expect(gateway.lines.filter(({ level }) => level === 'error')).toMatchObject([
      {
        message: 'plugin not disposed',
        fields: { plugin: 'clinging', error: 'it took longer than limits.plugin_setup (40 ms)' },
      },
    ]);
    expect([await hits(), await gateway.figure('pluginErrors', { plugin: 'clinging' })]).toEqual([1, 1]);
    expect((await call(gateway.url, 'echo', { text: 'x' })).status).toBe(200);
  });
}
