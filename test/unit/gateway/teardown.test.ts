// A stop waits for processes as long as they are given to end.
import { expect, test } from 'bun:test';
import type { Config } from '../../../src/config/schema.ts';
import { teardownTime } from '../../../src/gateway/teardown.ts';

const upstreams = (...ends: [stop: number, kill: number][]) =>
  ({ upstreams: ends.map(([stop, kill]) => ({ kind: 'command', stop, kill })) }) as unknown as Config;

test('ten seconds, or longer than the slowest process may take', () => {
  expect(teardownTime({ upstreams: [] })).toBe(10_000);
  expect(teardownTime(upstreams([5_000, 3_000], [1, 1]))).toBe(10_000);
  expect(teardownTime(upstreams([5_000, 3_000], [60_000, 10_000]))).toBe(72_000);
});

test('and longer than a server may take for the end of its session', () => {
  const upstreams = [{ kind: 'url', timeouts: { close: 30_000 } }];
  expect(teardownTime({ upstreams } as unknown as Config)).toBe(62_000);
});
