// Runs a benchmark by its name, or names those there are: `npm run bench -- stalled`.
const BENCHES = [
  'calls',
  'stalled',
  'failing',
  'tokens',
  'ratelimit',
  'fairness',
  'key-timing',
  'audit',
  'audit-mutations',
  'audit-verify',
  'audit-query',
  'soak',
] as const;
const [name = ''] = process.argv.slice(2);
if (BENCHES.some((each) => each === name)) await import(`./${name}.ts`);
else {
  console.error(`npm run bench -- ${BENCHES.join(' | ')}`);
  process.exitCode = 2;
}
