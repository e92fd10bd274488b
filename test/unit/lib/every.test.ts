// Again and again, in spans that may change, until it is ended.
import { expect, test } from 'bun:test';
import { every } from '../../../src/lib/every.ts';

test('runs in spans asked for each time, and no more once it has ended', async () => {
  const spans: number[] = [];
  const third = Promise.withResolvers<void>();
  let runs = 0;
  const end = every(
    () => spans.push(spans.length),
    () => {
      runs++;
      if (runs < 3) return;
      end();
      third.resolve();
    },
  );
  await third.promise;
  expect([runs, spans]).toEqual([3, [0, 1, 2, 3]]);
});
