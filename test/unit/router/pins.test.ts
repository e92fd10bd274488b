// Tools whose definition is not the approved one: found in lists, page by page, and before calls.
import { describe, expect, test } from 'bun:test';
import { pinMemory } from '../../../src/core/pin-store.ts';
import { pinned } from '../../../src/router/pins.ts';
import { nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { tool, world } from './pinning.ts';
import { source } from './sources.ts';

describe('on first sight', () => {
  test('every definition is approved, over all pages', async () => {
    const { has, list, store } = world({ onNew: 'block' });
    has([tool('a')], [tool('b')]);
    expect(await list()).toEqual(['a']);
    expect(await list('1')).toEqual(['b']);
    expect([...store.approved('files').keys()]).toEqual(['a', 'b']);
    expect(store.waiting('files').size).toBe(0);
  });

  test('a call lists first, once', async () => {
    const { has, call, upstream } = world();
    has([tool('a')]);
    expect(await call('a')).toBe('called');
    expect(await call('a')).toBe('called');
    expect(upstream.asked('tools/list')).toHaveLength(1);
  });
});

describe('what differs', () => {
  const changes: [string, object][] = [
    ['description', tool('a', 'does it, and tells')],
    ['title', tool('a', 'does it', { title: 'A' })],
    ['inputSchema', tool('a', 'does it', { inputSchema: { type: 'object' } })],
    ['outputSchema', tool('a', 'does it', { outputSchema: { type: 'object' } })],
    ['annotations', tool('a', 'does it', { annotations: { readOnlyHint: true } })],
  ];
  test.each(changes)('%s: blocked in lists and calls until it is approved', async (_, changed) => {
    const { has, list, call, store, host } = world();
    has([tool('a'), tool('b')]);
    await list();
    has([changed, tool('b')]);
    expect(await list()).toEqual(['b']);
    expect(await call('a')).toBe('TOOL_UNAPPROVED');
    expect(await call('b')).toBe('called');
    expect([...store.waiting('files').keys()]).toEqual(['a']);
    store.renew('files', new Map(store.waiting('files')));
    expect(await list()).toEqual(['a', 'b']);
    expect(await call('a')).toBe('called');
    expect(store.waiting('files').size).toBe(0);
    expect(host.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('not the order of members, nor what no model sees', async () => {
    const { has, list, store } = world();
    has([tool('a')]);
    await list();
    const { name, description, inputSchema } = tool('a');
    has([{ inputSchema, _meta: { x: 1 }, icons: [], description, name }]);
    expect(await list()).toEqual(['a']);
    expect(store.waiting('files').size).toBe(0);
  });

  test.each([
    ['after', [tool('a'), tool('a', 'other')]],
    ['before', [tool('a', 'other'), tool('a')]],
  ])('a name that is listed again %s it: the worse counts, for the list and for calls', async (_, twice) => {
    const { has, list, call } = world();
    has([tool('a'), tool('b')]);
    await list();
    has([...twice, tool('b')]);
    expect(await list()).toEqual(['b']);
    expect(await call('a')).toBe('TOOL_UNAPPROVED');
  });

  test('one that returns to what it was is fine again', async () => {
    const { has, list, store } = world();
    has([tool('a')]);
    await list();
    has([tool('a', 'other')]);
    expect(await list()).toEqual([]);
    has([tool('a')]);
    expect(await list()).toEqual(['a']);
    expect(store.waiting('files').size).toBe(0);
  });

  test('warn: told once, counted, and passed on', async () => {
    const { has, list, call, host, store } = world({ onDrift: 'warn' });
    has([tool('a')]);
    await list();
    has([tool('a', 'other')]);
    expect(await list()).toEqual(['a']);
    expect(await list()).toEqual(['a']);
    expect(await call('a')).toBe('called');
    expect(host.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect([...store.waiting('files').keys()]).toEqual(['a']);
    const drifts = await host.metrics.toolDrifts.get();
    expect(drifts.values.map(({ value, labels }) => [value, labels.kind])).toEqual([[1, 'changed']]);
  });

  test('allow: approved at once', async () => {
    const { has, list, store } = world({ onDrift: 'allow', onNew: 'warn' });
    has([tool('a')]);
    await list();
    const before = store.approved('files').get('a')?.digest;
    has([tool('a', 'other')]);
    expect(await list()).toEqual(['a']);
    expect(store.approved('files').get('a')?.digest).not.toBe(before);
    expect(store.waiting('files').size).toBe(0);
  });

  test('new ones are blocked where the configuration says so', async () => {
    const { has, list, call } = world({ onNew: 'block' });
    has([tool('a')]);
    await list();
    has([tool('a'), tool('b')]);
    expect(await list()).toEqual(['a']);
    expect(await call('b')).toBe('TOOL_UNAPPROVED');
  });
});

describe('a call', () => {
  test('looks again when the last look is old', async () => {
    const { has, list, call, host } = world();
    has([tool('a')]);
    await list();
    has([tool('a', 'other')]);
    expect(await call('a')).toBe('called');
    host.turn(60_000);
    expect(await call('a')).toBe('TOOL_UNAPPROVED');
  });

  test('is not made because of a list that was kept, however long its server says that it is good', async () => {
    const { has, list, call, keepsList, host } = world();
    has([tool('a')]);
    await list();
    keepsList();
    has([tool('a', 'other')]);
    host.turn(59_000);
    expect(await list()).toEqual(['a']);
    expect(await call('a')).toBe('called');
    host.turn(1_000);
    expect(await list()).toEqual(['a']);
    expect(await call('a')).toBe('TOOL_UNAPPROVED');
  });

  test('looks again as soon as the upstream has said that its list changed', async () => {
    const { has, list, call, tellsOfChange, upstream } = world();
    has([tool('a')], [tool('b')]);
    await list();
    expect(await call('a')).toBe('called');
    expect(upstream.asked('tools/list')).toHaveLength(1);
    has([tool('a', 'other')]);
    await tellsOfChange();
    expect(await call('a')).toBe('TOOL_UNAPPROVED');
  });

  test('looks again where the page with its tool was not looked at', async () => {
    const { has, list, call, host } = world();
    has([tool('a')], [tool('b')]);
    await list();
    await list('1');
    has([tool('a')], [tool('b', 'other')]);
    host.turn(60_000);
    await list();
    expect(await call('b')).toBe('TOOL_UNAPPROVED');
  });

  test('of a tool that is on no list is refused: nobody can have approved it', async () => {
    const { has, call } = world();
    has([tool('a')]);
    expect(await call('hidden')).toBe('TOOL_UNAPPROVED');
  });

  test('of a tool that is on no list looks for it once a second, and as soon as the list is another one', async () => {
    const { has, call, upstream, host, tellsOfChange } = world();
    has([tool('a')]);
    const looks = () => upstream.asked('tools/list').length;
    for (let i = 0; i < 5; i++) expect(await call(`hidden-${i}`)).toBe('TOOL_UNAPPROVED');
    expect([await call('a'), looks()]).toEqual(['called', 1]);
    host.turn(1_000);
    expect([await call('hidden-1'), looks()]).toEqual(['TOOL_UNAPPROVED', 2]);
    await tellsOfChange();
    expect([await call('hidden-1'), looks()]).toEqual(['TOOL_UNAPPROVED', 3]);
  });

  test('is refused when the list cannot be had', async () => {
    const down = source('files', { 'tools/call': { content: [] } });
    const handle = pinned(
      {
        upstream: 'files',
        policy: { onDrift: 'block', onNew: 'allow', recheck: 1 },
        store: pinMemory(),
        host: testHost(),
        pages: 10,
        most: 10,
        again: 1_000,
      },
      async (x, emit) => {
        const { errorResult } = await import('../../../src/core/errors.ts');
        return x.request.method === 'tools/list' ? errorResult('UPSTREAM_TIMEOUT') : down.handle(x, emit);
      },
    );
    const result = await handle(toolCall('a'), nobody);
    expect(result.kind).toBe('error');
    expect(down.asked('tools/call')).toHaveLength(0);
  });
});

test('with allow for both what is seen is approved, and nothing waits any more', async () => {
  const store = pinMemory();
  const strict = world({ onDrift: 'warn' }, store);
  strict.has([tool('a')]);
  await strict.list();
  strict.has([tool('a', 'other')]);
  await strict.list();
  expect([...store.waiting('files').keys()]).toEqual(['a']);
  const { has, list } = world({ onDrift: 'allow', onNew: 'allow' }, store);
  has([tool('a', 'other'), tool('b')]);
  expect(await list()).toEqual(['a', 'b']);
  expect(store.approved('files').get('a')?.definition.description).toBe('other');
  expect([...store.approved('files').keys()]).toEqual(['a', 'b']);
  expect(store.waiting('files').size).toBe(0);
});
