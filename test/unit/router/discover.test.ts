// What an endpoint says of itself, from what its upstreams say of themselves.
import { afterEach, describe, expect, jest, test } from 'bun:test';
import { exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source, type TestSource } from './sources.ts';

afterEach(() => void jest.useRealTimers());

describe('server/discover', () => {
  const discover = async (...sources: TestSource[]) =>
    (await routerOver(sources).handle(exchange('server/discover', {}))).value as Record<string, unknown>;

  test('is answered here: the gateway’s name, every revision, nothing to cache', async () => {
    const value = await discover(source('a'), source('b'));
    expect(value.supportedVersions).toEqual([
      '2026-07-28',
      '2025-11-25',
      '2025-06-18',
      '2025-03-26',
      '2024-11-05',
    ]);
    expect(value).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'sluice' } },
    });
    expect(value).not.toHaveProperty('instructions');
  });

  test('unites capabilities; lists may change with the configuration; of extensions, those that one alone has, and tasks', async () => {
    const a = source(
      'a',
      {},
      {
        capabilities: {
          tools: {},
          resources: { subscribe: false },
          logging: {},
          tasks: { list: {} },
          extensions: { x: {} },
          experimental: { p: { a: 1 } },
        },
      },
    );
    const b = source(
      'b',
      {},
      {
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true },
          completions: {},
          experimental: { p: { a: 2 }, q: {} },
        },
      },
    );
    expect((await discover(a, b)).capabilities).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      logging: {},
      completions: {},
      experimental: { p: { a: 1 }, q: {} },
      extensions: { x: {} },
    });
    expect((await discover(a)).capabilities).toHaveProperty('extensions', { x: {} });
    const extensions = { 'io.modelcontextprotocol/tasks': {}, y: { s: 1 }, z: {} };
    const [c, d] = ['c', 'd'].map((name) => source(name, {}, { capabilities: { extensions } }));
    expect((await discover(a, c as TestSource)).capabilities).toHaveProperty('extensions', {
      x: {},
      ...extensions,
    });
    expect((await discover(a, c as TestSource, d as TestSource)).capabilities).toHaveProperty('extensions', {
      x: {},
      'io.modelcontextprotocol/tasks': {},
    });
  });

  test('does not promise less for one that is down: its things may appear', async () => {
    const there = source('a', {}, { capabilities: { tools: {} } });
    const { capabilities } = await discover(there, source('b', {}, new Error('down')));
    expect(Object.keys(capabilities as object).sort()).toEqual([
      'completions',
      'logging',
      'prompts',
      'resources',
      'tools',
    ]);
  });

  test('does not wait for one that hangs', async () => {
    jest.useFakeTimers();
    const hanging: TestSource = { ...source('b'), hello: () => new Promise(() => {}) };
    const waiting = discover(source('a', {}, { capabilities: { tools: {} } }), hanging);
    for (let i = 0; i < 50; i++) await Promise.resolve();
    jest.advanceTimersByTime(5_000);
    expect((await waiting).capabilities).toHaveProperty('prompts');
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('puts instructions under the names of their upstreams; those of a single one stay as they are', async () => {
    const [a, b, c] = [
      source('a', {}, { instructions: 'Do a.' }),
      source('b'),
      source('c', {}, { instructions: 'Do c.' }),
    ];
    expect((await discover(a, b, c)).instructions).toBe('## a\nDo a.\n\n## c\nDo c.');
    expect((await discover(a)).instructions).toBe('Do a.');
  });
});
