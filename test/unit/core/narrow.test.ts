// Things that plugins hide from an exchange.
import { expect, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import { pipeline } from '../../../src/core/pipeline.ts';
import type { Step } from '../../../src/core/step.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';

const thing = { kind: 'tool', name: 'a__x', upstream: 'a', own: 'x' } as const;

test('are those for which anybody says no', () => {
  const x = toolCall('a__x');
  expect([x.isNarrowed, x.shows(thing)]).toEqual([false, true]);
  x.narrow(({ upstream }) => upstream === 'a');
  expect([x.isNarrowed, x.shows(thing)]).toEqual([true, true]);
  x.narrow(({ own }) => own !== 'x');
  expect(x.shows(thing)).toBe(false);
});

test('are hidden from its legs, which hide nothing themselves, and not from its next round', () => {
  const x = toolCall('a__x');
  x.narrow(() => false);
  const leg = x.fork('a', x.request);
  expect(leg.shows(thing)).toBe(false);
  expect(() => leg.narrow(() => true)).toThrow('narrow is for the pipeline of all upstreams');
  expect(x.again(x.request, x.route).isNarrowed).toBe(false);
});

const seen = async (mode: Step['mode'], hook: (x: Exchange) => void) => {
  const host = testHost();
  const step: Step = {
    id: 'p',
    hooks: { onRequest: (_, x) => hook(x) },
    mode,
    onError: 'pass',
    timeout: 1_000,
    applies: () => true,
  };
  let shows: boolean | undefined;
  const run = pipeline(
    [step],
    async (x) => {
      shows = x.shows(thing);
      return McpResult.complete({});
    },
    host,
  );
  await run(toolCall('a__x'), nobody);
  return { shows, told: host.lines.map(({ message }) => message) };
};

test('stay there where the plugin only says what it would do, also when it fails', async () => {
  expect(await seen('enforce', (x) => x.narrow(() => false))).toEqual({ shows: false, told: [] });
  expect(await seen('shadow', (x) => x.narrow(() => false))).toEqual({
    shows: true,
    told: ['shadow: would have hidden things'],
  });
  const failing = await seen('shadow', (x) => {
    x.narrow(() => false);
    throw new Error('broken');
  });
  expect(failing.shows).toBe(true);
});
