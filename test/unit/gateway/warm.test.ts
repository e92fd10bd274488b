// The first contact with every upstream: how long each has for it, and what is said of one that was late.
import { expect, test } from 'bun:test';
import type { Generation } from '../../../src/gateway/generation.ts';
import type { Warmed } from '../../../src/gateway/types.ts';
import { warm } from '../../../src/gateway/warm.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import { until } from '../../fixtures/until.ts';

const LONG = 3_600_000;
const tools = McpResult.complete({ tools: [{ name: 'a', inputSchema: { type: 'object' } }] });

function generation(sources: Record<string, () => Promise<McpResult>>): Generation {
  const names = Object.keys(sources);
  return {
    loaded: { config: { upstreams: names.map((name) => ({ name, timeouts: { start: LONG } })) } },
    sources: new Map(
      names.map((name) => [name, { name, handle: sources[name], pages: { most: 10, beyond() {} } }]),
    ),
    upstreams: new Map(names.map((name) => [name, { state: () => ({ eras: ['2026'] }) }])),
  } as never;
}

test('one that says nothing has timeouts.start, and that is what is said of it', async () => {
  const host = testHost();
  const told: Warmed[] = [];
  const mute = new Promise<McpResult>(() => {});
  const all = generation({ fine: async () => tools, mute: () => mute });
  const { signal } = new AbortController();
  await longAfter(
    () => warm(all, host, signal, (warmed) => void told.push(warmed)),
    () => until(() => told.length === 1),
  );
  expect(told).toMatchObject([
    { name: 'fine', ok: true, tools: 1, eras: ['2026'] },
    { name: 'mute', ok: false, why: `The upstream "mute" took longer than timeouts.start (${LONG} ms).` },
  ]);
  expect(await host.figure('timeouts', { kind: 'start', upstream: 'mute' })).toBe(1);
  expect(await host.figure('timeouts')).toBe(1);
});
