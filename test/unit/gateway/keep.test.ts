// Values that outlive a generation: made once, disposed when the last that asked for them is gone.
import { expect, test } from 'bun:test';
import { Keeper } from '../../../src/gateway/keep.ts';

const log: string[] = [];
const make = (name: string) => () => {
  log.push(`made ${name}`);
  return { name };
};
const dispose = ({ name }: { name: string }) => void log.push(`disposed ${name}`);

test('a value is made once per key, and shared', () => {
  log.length = 0;
  const keeper = new Keeper();
  const [one, two] = [keeper.scope(), keeper.scope()];
  const value = one.keep('a', make('a'), dispose);
  expect(two.keep('a', make('b'), dispose)).toBe(value);
  expect(one.keep('a', make('c'), dispose)).toBe(value);
  expect([log, keeper.size]).toEqual([['made a'], 1]);
});

test('a value goes with its last holder, however often it was asked for', async () => {
  log.length = 0;
  const keeper = new Keeper();
  const [one, two, three] = [keeper.scope(), keeper.scope(), keeper.scope()];
  for (const scope of [one, one, two]) scope.keep('a', make('a'), dispose);
  await one.release();
  await one.release();
  expect(log).toEqual(['made a']);
  await two.release();
  expect([log, keeper.size]).toEqual([['made a', 'disposed a'], 0]);
  three.keep('a', make('anew'));
  await three.release();
  expect(log.at(-1)).toBe('made anew');
});

test('a value that cannot be made is held by nobody', async () => {
  const keeper = new Keeper();
  const scope = keeper.scope();
  expect(() =>
    scope.keep('a', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(keeper.size).toBe(0);
  await scope.release();
});
