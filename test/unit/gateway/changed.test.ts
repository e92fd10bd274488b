// Comparing what clients see on two generations: once for each kind of client, a few at a time, over all reloads.
import { beforeEach, expect, test } from 'bun:test';
import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { errorResult } from '../../../src/core/errors.ts';
import { Exchange } from '../../../src/core/exchange.ts';
import { Comparisons } from '../../../src/gateway/changed.ts';
import type { Generation } from '../../../src/gateway/generation.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const client = (id: string): Client => ({
  era: '2025',
  version: '2025-11-25',
  transport: 'http',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: { ...ANONYMOUS, id },
});

let held: number;
let lists: string[];
let gate: Promise<void>;
beforeEach(() => {
  [held, lists, gate] = [0, [], Promise.resolve()];
});

/** A generation with these tools, in pages of one. */
function generation(name: string, tools: readonly string[] | 'error'): Generation {
  const endpoint = {
    hold() {
      held++;
      return () => void held--;
    },
    async open(
      by: Client,
      inbound: Exchange['inbound'],
      request: Exchange['request'],
      signal: AbortSignal,
      id: string,
    ) {
      return new Exchange({ id, client: by, inbound, request, route: { kind: 'local' }, signal, now: 0 });
    },
    async handle({ request, client: by }: Exchange) {
      lists.push(`${name} ${by.principal.id} ${request.method}`);
      await gate;
      if (request.method !== 'tools/list') return errorResult('METHOD_UNKNOWN');
      if (tools === 'error') throw new Error('down');
      const at = Number(request.params.cursor ?? 0);
      const next = at + 1 < tools.length ? { nextCursor: `${at + 1}` } : {};
      return McpResult.complete({ tools: tools.slice(at, at + 1), ...next });
    },
  };
  return {
    loaded: { config: { limits: { listTimeout: 5_000, pages: 3 } } },
    endpoints: new Map([['/mcp', endpoint]]),
  } as unknown as Generation;
}

const told = async (changed: Promise<ReadonlySet<string>>) => [...(await changed)];

test('what is the same is no change, what is missing everywhere neither', async () => {
  const comparisons = new Comparisons(testHost());
  const same = comparisons.between(generation('a', ['x', 'y']), generation('b', ['x', 'y']));
  expect(await told(same(client('1'), '/mcp'))).toEqual([]);
  expect(held).toBe(0);
});

test('a difference counts, be it on a later page', async () => {
  const comparisons = new Comparisons(testHost());
  const other = comparisons.between(generation('a', ['x', 'y']), generation('b', ['x', 'z']));
  expect(await told(other(client('1'), '/mcp'))).toEqual(['toolsListChanged']);
  const gone = comparisons.between(generation('a', ['x']), { endpoints: new Map() } as unknown as Generation);
  expect(await told(gone(client('1'), '/mcp'))).toContain('toolsListChanged');
});

test('so many pages are compared as limits.pages allows', async () => {
  const host = testHost();
  const same = new Comparisons(host).between(
    generation('a', ['1', '2', '3', 'x']),
    generation('b', ['1', '2', '3', 'y']),
  );
  expect(await told(same(client('1'), '/mcp'))).toEqual([]);
  expect(await host.figure('limitHits', { limit: 'pages' })).toBe(2);
});

test('a list that cannot be had counts as a change', async () => {
  const down = new Comparisons(testHost()).between(generation('a', 'error'), generation('b', 'error'));
  expect(await told(down(client('1'), '/mcp'))).toEqual(['toolsListChanged']);
});

test('clients of a kind are compared once, and all told', async () => {
  const changed = new Comparisons(testHost()).between(generation('a', ['x']), generation('b', ['y']));
  const answers = await Promise.all([1, 2, 3].map(() => told(changed(client('1'), '/mcp'))));
  expect(answers).toEqual(Array(3).fill(['toolsListChanged']));
  expect(lists.filter((line) => line === 'a 1 tools/list').length).toBe(1);
});

test('a few are compared at a time', async () => {
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const changed = new Comparisons(testHost()).between(generation('a', ['x']), generation('b', ['y']));
  const answers = [...Array(20).keys()].map((i) => told(changed(client(`${i}`), '/mcp')));
  await new Promise((resolve) => setImmediate(resolve));
  expect(new Set(lists.map((line) => line.split(' ')[1])).size).toBe(4);
  expect(held).toBe(40);
  open.resolve();
  expect(await Promise.all(answers)).toEqual(Array(20).fill(['toolsListChanged']));
  expect(held).toBe(0);
});

test('reloads that come faster are compared all at once, and the last one tells', async () => {
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const comparisons = new Comparisons(testHost());
  const generations = ['a', 'b', 'c', 'd', 'e'].map((name) => generation(name, [name === 'e' ? 'b' : name]));
  const answers = generations.slice(1).map((after, i) => {
    const before = generations[i];
    if (!before) throw new Error('none');
    return told(comparisons.between(before, after)(client('1'), '/mcp'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  open.resolve();
  // From a to b; then from b to e at once, which is the same again.
  expect(await Promise.all(answers)).toEqual([['toolsListChanged'], [], [], []]);
  expect(lists.some((line) => line.startsWith('c ') || line.startsWith('d '))).toBe(false);
  expect(held).toBe(0);
});
