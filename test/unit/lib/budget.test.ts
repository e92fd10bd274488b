// So many in so much time, and how many were too many.
import { expect, test } from 'bun:test';
import { createBudget } from '../../../src/lib/budget.ts';

test('lets so many pass in each span, and then says how many it turned away', () => {
  let now = 1_000;
  const pass = createBudget(2, 100, () => now);
  expect([pass(), pass(), pass(), pass()]).toEqual([0, 0, undefined, undefined]);
  now = 1_099;
  expect(pass()).toBeUndefined();
  now = 1_100;
  expect([pass(), pass(), pass()]).toEqual([3, 0, undefined]);
  now = 500;
  expect(pass()).toBe(1);
});
