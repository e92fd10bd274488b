// A server may list any number of tools, and make up new ones for ever: only so many are pinned.
import { describe, expect, test } from 'bun:test';
import { tool, world } from './pinning.ts';

describe('of more tools than limits.pins', () => {
  const many = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => tool(`t${from + i}`));

  test('the others are neither listed nor called where something is blocked', async () => {
    const { has, list, call, store, host } = world({}, undefined, 3);
    has(many(0, 5));
    expect(await list()).toEqual(['t0', 't1', 't2']);
    expect([await call('t2'), await call('t3')]).toEqual(['called', 'TOOL_UNAPPROVED']);
    expect(store.approved('files').size).toBe(3);
    expect(await host.figure('limitHits', { limit: 'pins' })).toBeGreaterThan(0);
  });

  test('the others are not pinned where nothing is blocked, however many names a server makes up', async () => {
    const { has, list, call, store, host } = world({ onDrift: 'warn', onNew: 'allow' }, undefined, 3);
    for (let i = 0; i < 50; i++) {
      has(many(i * 5, i * 5 + 5));
      expect(await list()).toHaveLength(5);
    }
    expect(await call('t249')).toBe('called');
    expect(store.approved('files').size).toBe(3);
    expect(host.lines.filter(({ message }) => message.includes('limits.pins'))).toHaveLength(1);
  });

  test('those that waited and are gone make room', async () => {
    const { has, list, store } = world({ onNew: 'block' }, undefined, 3);
    has(many(0, 1));
    await list();
    for (let i = 1; i < 50; i++) {
      has(many(i, i + 2));
      expect(await list()).toEqual([]);
      expect([...store.waiting('files').keys()]).toEqual([`t${i}`, `t${i + 1}`]);
    }
  });
});
