// Upstreams over generations: whose plugins the last words of one pass.
import { expect, test } from 'bun:test';
import { loadConfig } from '../../../src/config/load.ts';
import { createLiveUpstreams } from '../../../src/gateway/live-upstreams.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import { Names } from '../../../src/upstreams/names.ts';
import { NO_REAPER } from '../../../src/upstreams/reaper.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { gateway } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

/** One upstream held by two generations, the second of which took over. */
function heldTwice() {
  const inputs = { env: {}, readFile: () => '', baseDir: '/', plugins: [] };
  const loaded = loadConfig({ file: 'gateway.yaml', text: 'upstreams: { demo: { builtin: demo } }' }, inputs);
  if (!loaded.ok || !loaded.config.upstreams[0]) throw new Error('not a configuration');
  const [config] = loaded.config.upstreams;
  const seal = createSeal(new Uint8Array(32));
  const limits = () => loaded.config.limits;
  const shared = {
    host: testHost(),
    seal,
    reaper: NO_REAPER,
    names: new Names(async () => [], testHost()),
    gateway,
    userAgent: 'test',
    limits,
    childEnv: {},
    readFile: () => '',
  };
  const live = createLiveUpstreams(shared);
  const [old, current] = [() => [], () => []];
  const upstream = live.hold(config);
  live.speakThrough(upstream, old);
  expect(live.hold(config)).toBe(upstream);
  live.speakThrough(upstream, current);
  return { live, upstream, old, current };
}

test('the plugins of the generation in charge are needed until the upstream is closed', async () => {
  const { live, upstream, old, current } = heldTwice();
  let left = false;
  const leaving = live.release(upstream, current).then(() => {
    left = true;
  });
  await until(() => true);
  expect(left).toBe(false);
  await live.release(upstream, old);
  await leaving;
  expect(live.all()).toEqual([]);
});

test('those of one that was followed by another are not', async () => {
  const { live, upstream, old, current } = heldTwice();
  await live.release(upstream, old);
  expect(live.all()).toEqual([upstream]);
  await live.release(upstream, current);
  expect(live.all()).toEqual([]);
});
