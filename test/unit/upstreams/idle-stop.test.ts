// A process that several callers share and nobody uses: ended, and started again by the next call, without a loss.
import { expect, test } from 'bun:test';
import { codeOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { serverSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const run = running();

function start(flags: readonly string[], idleStop: number | 'off') {
  const upstream = run.upstream(serverSpec(flags, { instances: { idleStop } }), testHost());
  const call = async (name: string, args = {}) => textOf(await upstream.handle(toolCall(name, args), nobody));
  return { upstream, call, pid: async () => JSON.parse(await call('pid')).pid as number };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([['2025'], ['2026']])('of %s it ends, and nothing of it stays', async (era) => {
  const { upstream, pid } = start(['--era', era], 20);
  const first = await pid();
  await until(() => upstream.state().links === 0 && !isThere(first));
  const second = await pid();
  expect(second).not.toBe(first);
  // It was told to: that is no death.
  expect(await upstream.host.figure('upstreamRestarts')).toBe(0);
  await until(() => upstream.state().links === 0 && !isThere(second));
});

test('calls that come just as it ends lose nothing', async () => {
  const { call } = start([], 1);
  const pids = new Set<string>();
  // Right after the last answer at first, then ever later: before, while and after it ends.
  for (let n = 0; pids.size < 4; n++) {
    const answers = await Promise.all([call('echo', { n }), call('pid')]);
    expect(answers[0]).toBe(JSON.stringify({ n }));
    pids.add(answers[1]);
    for (let turn = 0; turn < n * 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
});

test.each([
  ['works', 'tools/call', { name: 'silent', arguments: {} }],
  ['is listened to', 'subscriptions/listen', { notifications: { toolsListChanged: true } }],
])('one that %s is in use', async (_, method, params) => {
  const { upstream, pid } = start(['--era', '2025'], 1);
  const abort = new AbortController();
  const waits = upstream.handle(exchange(method, params, { signal: abort.signal }), nobody);
  await until(() => upstream.state().links === 1);
  const first = await pid();
  for (let n = 0; n < 30; n++) expect(await pid()).toBe(first);
  abort.abort();
  expect(codeOf(await waits)).toBe('CANCELLED');
  await until(() => upstream.state().links === 0 && !isThere(first));
});

test('it stays where nothing else is said', async () => {
  const { upstream, pid } = start([], 'off');
  const first = await pid();
  for (let n = 0; n < 20; n++) expect(await pid()).toBe(first);
  expect(upstream.state().links).toBe(1);
});

test('it is started once, however many call at once', async () => {
  const { upstream, pid } = start([], 'off');
  const pids = await Promise.all(Array.from({ length: 50 }, pid));
  expect(new Set(pids).size).toBe(1);
  expect(upstream.state().links).toBe(1);
});
