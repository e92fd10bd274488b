// Who does not take a result that is passed on as it comes, on a turned clock.
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { GatewayError } from '../../../src/core/errors.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { Flow } from '../../../src/lib/flow.ts';
import type { Rest, RestEnd } from '../../../src/protocol/rest.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import { watchRest } from '../../../src/upstreams/rest-watch.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const BYTES = new Uint8Array(10);

/** A result whose bytes are put into `flow` and taken from it by the test. */
function watched(isCrowded = false) {
  const flow = new Flow(1);
  const done = Promise.withResolvers<RestEnd>();
  let error: Error | undefined;
  const rest = {
    get quietSince() {
      return flow.quietSince;
    },
    get heldSince() {
      return flow.heldSince;
    },
    cancel(why?: Error) {
      error = why;
      flow.fail(why ?? new GatewayError('CANCELLED'));
      done.resolve({ bytes: 0, error: why });
    },
    done: done.promise,
  };
  watchRest(rest as unknown as Rest, {
    upstream: 'up',
    deadlines: { idle: 60_000, total: 600_000, slowClient: 1_000, stalledClient: 5_000 },
    crowded: () => isCrowded,
    host: { log: recordingLog([]), metrics: createMetrics(), now: Date.now },
    drop() {},
  });
  return {
    flow,
    /** What ended it by then. */
    after(ms: number): unknown {
      jest.advanceTimersByTime(ms);
      return error instanceof GatewayError ? error.data?.timeout : error;
    },
  };
}

for (const [what, others, least, more, kind] of [
  [
    'one who took all there was, and takes nothing of what comes then, has stalled',
    false,
    4_900,
    200,
    'stalled_client',
  ],
  [
    'time in which it waited for more does not count against it where others wait',
    true,
    900,
    300,
    'slow_client',
  ],
] as const)
  test(what, async () => {
    const { flow, after } = watched(others);
    flow.push(BYTES);
    await flow.take();
    const next = flow.take();
    expect(after(20_000)).toBeUndefined();
    flow.push(BYTES);
    await next;
    expect(after(least)).toBeUndefined();
    expect(after(more)).toBe(kind);
  });

test('one who has never begun to take it has stalled', () => {
  const { flow, after } = watched();
  flow.push(BYTES);
  expect(after(4_900)).toBeUndefined();
  expect(after(200)).toBe('stalled_client');
});
