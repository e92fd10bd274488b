// Damages a log in each way there is, 10,000 times each or as often as is said, and looks whether it is found at its
// right place: `npm run bench -- audit-mutations 10000`. Ends with 1 where one is not.
import { ALL_KINDS, sceneOf, tryMany } from '../test/fixtures/audit/try-kinds.ts';

const TIMES = Number(process.argv[3] ?? 10_000);
const SEED = Number(process.argv[4] ?? 1);

// More than 256 entries, so that there is a whole tile.
using scene = await sceneOf({ entries: 260, checkpointEntries: 60 });
let missed = 0;
for (const [at, kind] of ALL_KINDS.entries()) {
  const began = performance.now();
  const { wrong, said } = tryMany(scene, kind, TIMES, SEED + at);
  missed += wrong.length;
  const all = [...said].map(([name, count]) => `${name} ${count}`).join(', ');
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`${kind.padEnd(42)} ${TIMES - wrong.length} of ${TIMES} right   ${all}   ${seconds} s`);
  for (const each of wrong.slice(0, 3)) console.log(`  ${each}`);
}
console.log(missed === 0 ? 'all found, each at its place' : `${missed} not found at their place`);
process.exitCode = missed === 0 ? 0 : 1;
