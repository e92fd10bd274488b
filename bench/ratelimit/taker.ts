// A process that asks a store without a break, as callers do that take all they can get, and prints a line for each
// 10 ms: when, and how much it has been let take so far. Ends with its stdin, and says then what is left.
import { setTimeout as pause } from 'node:timers/promises';
import { keepStore, type StoreOptions } from '../../plugins/ratelimit/open.ts';
import type { Rate } from '../../plugins/ratelimit/store.ts';
import { bareHost } from '../../test/fixtures/bare-host.ts';

const [options = '', limit = ''] = process.argv.slice(2);
const rate = JSON.parse(limit) as Rate;
const store = keepStore(bareHost(), JSON.parse(options) as StoreOptions);
await store.ready;
let isOver = false;
const end = Bun.stdin.text().then(() => {
  isOver = true;
});
let admitted = 0;
let told = 0;
while (!isOver) {
  const now = Date.now();
  if (now - told >= 10) {
    console.log(`${now} ${admitted}`);
    told = now;
  }
  const [each] = await store.take([{ key: 'shared', limit: rate, cost: 1 }]);
  if (each?.admitted) admitted += 1;
  else await pause(1);
}
await end;
const [left] = await store.peek([{ key: 'shared', limit: rate }]);
console.log(`${Date.now()} ${admitted} ${left?.remaining}`);
await store.close();
