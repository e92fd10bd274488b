// Pages of plugins: the first that has one, for its endpoints; a failure is told unless it may pass.
import { expect, test } from 'bun:test';
import type { Host } from '../../../src/core/host.ts';
import { SILENT } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { pageOf } from '../../../src/core/page.ts';
import type { Hooks } from '../../../src/core/plugin.ts';
import type { Step } from '../../../src/core/step.ts';

const host: Host = { log: SILENT, metrics: createMetrics(), now: Date.now };
const request = { method: 'GET', path: '/p', query: '', headers: new Headers() };
const endpoints = ['/a', '/b'].map((path) => ({ path, url: undefined, endpoint: path }));

const stepOf = (onHttp: Hooks['onHttp'], more: Partial<Step> = {}): Step => ({
  id: 'p',
  hooks: onHttp ? { onHttp } : {},
  mode: 'enforce',
  onError: 'refuse',
  timeout: 50,
  applies: () => true,
  ...more,
});

const at = (...steps: Step[]) => pageOf(steps, request, endpoints, host);

test('the first that has one answers, and none is none', async () => {
  const second = stepOf(() => ({ status: 200, body: 'second' }));
  expect(
    await at(
      stepOf(undefined),
      stepOf(() => undefined),
      second,
    ),
  ).toEqual({ status: 200, body: 'second' });
  expect(await at(stepOf(() => undefined))).toBeUndefined();
});

test('it gets the endpoints its entry is for', async () => {
  const step = stepOf((_, own) => ({ status: 200, body: own.map(({ path }) => path).join() }), {
    covers: (path) => path === '/b',
  });
  expect((await at(step))?.body).toBe('/b');
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['hangs', () => new Promise<undefined>(() => {})],
  ['returns no page', () => ({ body: 'x' }) as never],
])('one that %s is a 500, and passes where its entry says so', async (_, onHttp) => {
  const next = stepOf(() => ({ status: 204 }));
  expect(await at(stepOf(onHttp), next)).toEqual({ status: 500 });
  expect(await at(stepOf(onHttp, { onError: 'pass' }), next)).toEqual({ status: 204 });
  expect(await at(stepOf(onHttp, { mode: 'shadow' }), next)).toEqual({ status: 204 });
});
