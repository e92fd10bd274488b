// What is known of sessions in memory: the latest of everything, the end for good, and never more than it may hold.
import { expect, test } from 'bun:test';
import { sessionMemory } from '../../../src/core/session-store.ts';

test('remembers the latest of everything', async () => {
  const store = sessionMemory(10_000);
  expect(store.find('a')).toBeUndefined();
  await store.save('a', { seen: 5, level: 'info' });
  await store.save('a', { seen: 9, watch: { uri: 'x', on: true } });
  await store.save('a', { seen: 7, watch: { uri: 'y', on: true } });
  await store.save('a', { seen: 8, level: 'debug' });
  await store.save('a', { seen: 8, watch: { uri: 'x', on: false } });
  expect(store.find('a')).toMatchObject({ ended: false, seen: 9, level: 'debug', uris: ['y'] });
});

test('an end is for good, and all that is left', async () => {
  const store = sessionMemory(10_000);
  await store.save('a', { seen: 1, level: 'info', watch: { uri: 'x', on: true } });
  await store.save('a', { seen: 2, ended: true });
  await store.save('a', { seen: 3, level: 'debug', watch: { uri: 'y', on: true } });
  expect(store.find('a')).toMatchObject({ ended: true, seen: 3, level: undefined, uris: [] });
});

test('forgets what is too old, and beyond its size what was unused for longest', async () => {
  const store = sessionMemory(2_000);
  for (const key of ['a', 'b', 'c']) await store.save(key, { seen: key.charCodeAt(0) });
  store.expire(98);
  expect([store.find('a'), store.find('b')?.seen]).toEqual([undefined, 98]);
  await store.save('b', { seen: 100, watch: { uri: 'u'.repeat(1_300), on: true } });
  expect([store.find('b')?.uris.length, store.find('c')?.seen]).toEqual([1, 99]);
  await store.save('d', { seen: 101 });
  expect([store.find('b'), store.find('c')?.seen, store.find('d')?.seen]).toEqual([undefined, 99, 101]);
  store.close();
  expect(store.find('d')).toBeUndefined();
});
