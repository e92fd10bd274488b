// A gateway that is killed between two instructions, under load, again and again.
import { expect, test } from 'bun:test';
import { killOften } from '../fixtures/audit/killing.ts';

// More of them, and how long a start takes: `npm run bench -- audit kills 200`.
test('no call that was answered is without its entries, and the log holds after each start', async () => {
  let lives = 0;
  // Small files and many checkpoints, so that the end often comes between two of anything.
  const options = {
    level: 2,
    segment: 65_536,
    checkpoint: { every: '10ms', entries: 20 },
    integrity: { every: '10ms' },
  };
  const { lost, answered, entries } = await killOften(8, options, () => 1 + 29 * (lives++ % 4));
  expect(lost).toEqual([]);
  expect(answered).toBeGreaterThan(300);
  expect(entries).toBeGreaterThan(answered * 2);
}, 60_000);
