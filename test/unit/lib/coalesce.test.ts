// One run at a time: whoever asks while one runs shares the next.
import { expect, test } from 'bun:test';
import { coalesce } from '../../../src/lib/coalesce.ts';
import { settle } from '../../../src/testing/clock.ts';

test('those who ask at once share a run, those who ask meanwhile the next', async () => {
  const runs: PromiseWithResolvers<number>[] = [];
  const ask = coalesce(() => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  });
  const first = [ask(), ask()];
  await settle();
  expect(runs.length).toBe(1);
  const second = [ask(), ask(), ask()];
  await settle();
  expect(runs.length).toBe(1);
  runs[0]?.resolve(1);
  expect(await Promise.all(first)).toEqual([1, 1]);
  await settle();
  expect(runs.length).toBe(2);
  runs[1]?.resolve(2);
  expect(await Promise.all(second)).toEqual([2, 2, 2]);
  const third = ask();
  await settle();
  runs[2]?.resolve(3);
  expect(await third).toBe(3);
});
