// What is kept of verified tokens: no token, no longer than it holds, no more than there is room for.
import { expect, test } from 'bun:test';
import { inspect } from 'node:util';
import { Verified } from '../../../plugins/auth/verified.ts';

test('holds until then, and not a moment longer', () => {
  const verified = new Verified<number>({ most: 10 });
  verified.set('t', 1, 100, 0);
  expect([verified.get('t', 0), verified.get('t', 99), verified.get('t', 100)]).toEqual([1, 1, undefined]);
  expect(verified.size).toBe(0);
});

test('nothing is kept of what is over already', () => {
  const verified = new Verified<number>({ most: 10 });
  verified.set('t', 1, 100, 100);
  expect(verified.size).toBe(0);
});

test('a token that differs in anything is another', () => {
  const verified = new Verified<number>({ most: 10 });
  verified.set('token', 1, 100, 0);
  for (const other of ['toke', 'token ', 'Token', 'tokeń', ''])
    expect(verified.get(other, 0)).toBeUndefined();
});

test('what was unused longest makes room, and that is told unless it was over', () => {
  const full: number[] = [];
  const verified = new Verified<number>({ most: 2, onFull: () => full.push(1) });
  verified.set('a', 1, 100, 0);
  verified.set('b', 2, 50, 0);
  expect(verified.get('a', 0)).toBe(1);
  verified.set('c', 3, 100, 60);
  expect(full).toEqual([]);
  expect([verified.get('a', 60), verified.get('b', 40), verified.get('c', 60)]).toEqual([1, undefined, 3]);
  verified.set('d', 4, 100, 60);
  expect(full).toEqual([1]);
  expect([verified.get('a', 60), verified.get('c', 60), verified.get('d', 60)]).toEqual([undefined, 3, 4]);
});

test('a token that is found anew takes no second place, and holds as found last', () => {
  const verified = new Verified<number>({ most: 2 });
  for (const until of [100, 50]) verified.set('a', until, until, 0);
  expect(verified.size).toBe(1);
  expect([verified.get('a', 49), verified.get('a', 50)]).toEqual([50, undefined]);
});

test('forgets all at once', () => {
  const verified = new Verified<number>({ most: 2 });
  verified.set('a', 1, 100, 0);
  verified.clear();
  expect(verified.get('a', 0)).toBeUndefined();
});

test('a dump of it has no token', () => {
  const verified = new Verified<string>({ most: 2 });
  verified.set('canary-token', 'x', 100, 0);
  expect(inspect(verified, { depth: 9, showHidden: true })).not.toContain('canary');
});
