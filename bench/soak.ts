// 100,000 exchanges over every transport and era on either side: two tenants whose principals have the same names, and
// clients with the same ids and tokens, as numbers and as texts; progress, questions, sampling and cancellations at
// once. Prints a row for each pair, and fails where anything was heard by somebody else, lost or out of order:
// `npm run bench -- soak [EXCHANGES] [SEED]`.

import { soak } from '../test/fixtures/soak/soak.ts';
import { legs, nameOf } from '../test/walk/leg.ts';

const [exchanges = 100_000, seed = 1] = process.argv
  .slice(2)
  .map(Number)
  .filter((given) => given > 0);
/** Of each of the two tenants. */
const PRINCIPALS = 4;
const SHOWN = 5;

const columns = ['exchanges', 'results', 'cancelled', 'questions', 'declined', 'progress', 'words'] as const;
const wrongs = ['foreign', 'lost', 'disorder'] as const;
const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, at) => (at === 0 ? String(cell).padEnd(26) : String(cell).padStart(10))).join('');

console.log(`seed ${seed}`);
console.log(row(['client → upstream', ...columns, ...wrongs, 'per second']));
const sums = new Map<string, number>();
const told: string[] = [];
const began = performance.now();
for (const [at, leg] of legs.entries()) {
  const start = performance.now();
  const own = Math.ceil(exchanges / legs.length);
  const tally = await soak({ leg, exchanges: own, principals: PRINCIPALS, seed: seed + at * 1_000 });
  const unanswered = tally.exchanges - tally.results - tally.cancelled;
  if (unanswered > 0) tally.lost.push(`${unanswered} results`);
  const figures = [...columns.map((name) => tally[name]), ...wrongs.map((name) => tally[name].length)];
  for (const [index, name] of [...columns, ...wrongs].entries())
    sums.set(name, (sums.get(name) ?? 0) + (figures[index] ?? 0));
  told.push(
    ...wrongs.flatMap((name) => tally[name].slice(0, SHOWN).map((what) => `${nameOf(leg)}: ${what}`)),
  );
  const seconds = (performance.now() - start) / 1_000;
  console.log(row([nameOf(leg), ...figures, Math.round(tally.exchanges / seconds)]));
}
const all = [...columns, ...wrongs].map((name) => sums.get(name) ?? 0);
console.log(
  row(['all', ...all, Math.round((sums.get('exchanges') ?? 0) / ((performance.now() - began) / 1_000))]),
);
for (const line of told) console.error(line);
process.exit(told.length > 0 ? 1 : 0);
