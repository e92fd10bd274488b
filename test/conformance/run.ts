// `bun run conformance`: the official suite against the gateway, compared with expected.yaml.
//   --direct          the fixture alone, without the gateway
//   --setup A,B       which setups (setups.ts), or client, client-crossed: the gateway as the suite's client; the default
//                     is http,stdio,client,client-crossed
//   --all             every setup
//   --tasks           the scenarios of the tasks extension alone, direct and through the gateway
//   --times N         every run N times
//   --out DIR         where the suite's files go; the default is out/conformance
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { type SetupName, setupNames, startSetup, startTasksSetup } from './setups.ts';
import {
  OLDER,
  requirementSets,
  runClientSuite,
  runOlder,
  runSuite,
  runTasks,
  type ScenarioResult,
  type SuiteResult,
} from './suite.ts';

const Floor = z.strictObject({ scored: z.int(), pending: z.int() });
/** The gateway as the client of the suite's server, called in that server's era or in the other one. */
const clientNames = ['client', 'client-crossed'] as const;
const names = [...setupNames, ...clientNames];
type Name = (typeof names)[number];

const Expected = z.record(z.enum(names), z.strictObject({ '2025-11-25': Floor, '2026-07-28': Floor }));

const { values } = parseArgs({
  options: {
    direct: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    tasks: { type: 'boolean', default: false },
    setup: { type: 'string', default: 'http,stdio,client,client-crossed' },
    times: { type: 'string', default: '1' },
    out: { type: 'string', default: 'out/conformance' },
  },
});

function chosen(): Name[] {
  if (values.all) return names;
  if (values.direct) return ['direct'];
  return z.array(z.enum(names)).parse(values.setup.split(','));
}

const expected = Expected.parse(parse(await readFile(new URL('./expected.yaml', import.meta.url), 'utf8')));
const times = z.coerce.number().int().positive().parse(values.times);
let below = 0;

if (values.tasks || !values.direct) await measureTasks();
if (!values.tasks)
  console.log(row(['setup', 'requirements', 'run', 'scored', 'pending', 'checks', 'warnings', 'time']));
for (const name of values.tasks ? [] : chosen()) {
  for (let run = 1; run <= times; run++) {
    if (isClient(name)) await measureClient(name, run);
    else await measure(name, run);
  }
}
console.log(below === 0 ? 'As expected.' : `${below} below test/conformance/expected.yaml.`);
process.exit(below === 0 ? 0 : 1);

/** The extension has no floor of its own: what its fixture passes, the gateway before it passes too. */
async function measureTasks(): Promise<void> {
  for (const direct of [true, false]) {
    const name = direct ? 'tasks direct' : 'tasks http';
    const setup = await startTasksSetup(direct);
    const out = resolve(values.out, direct ? 'tasks-direct' : 'tasks-http');
    try {
      const results = await runTasks({ url: setup.url, out });
      tellOf(`${name}: scenarios of the tasks extension`, results);
    } finally {
      await setup.stop();
    }
  }
}

/** Scenarios without a floor: all of them pass. */
function tellOf(what: string, results: readonly ScenarioResult[]): void {
  const failed = results.filter((result) => !result.passed);
  console.log(`${what}: ${results.length - failed.length}/${results.length}`);
  if (failed.length > 0) below++;
  for (const { scenario, failures } of failed)
    console.log(`    ✗ ${what}: ${scenario}\n        ${failures.join('\n        ')}`);
}

/** Runs both sets and what there is of older revisions against one setup, prints a row for each and what failed in it. */
async function measure(name: SetupName, run: number): Promise<void> {
  const out = resolve(values.out, name, String(run));
  const setup = await startSetup(name).catch((error: unknown) => {
    console.log(`    ✗ ${name} did not start: ${error instanceof Error ? error.message : error}`);
    below++;
  });
  if (setup === undefined) return;
  try {
    for (const requirements of requirementSets) {
      const start = performance.now();
      const result = await runSuite({ url: setup.url, requirements, out: join(out, requirements) });
      report(name, run, result, performance.now() - start);
    }
    for (const revision of Object.keys(OLDER) as (keyof typeof OLDER)[]) {
      const results = await runOlder({ url: setup.url, revision, out: join(out, revision) });
      tellOf(`${name}: scenarios of ${revision}`, results);
    }
  } finally {
    await setup.stop();
    const log = setup.log();
    if (log !== '') await writeFile(join(out, 'gateway.log'), log);
  }
}

function isClient(name: Name): name is (typeof clientNames)[number] {
  return clientNames.some((each) => each === name);
}

async function measureClient(name: (typeof clientNames)[number], run: number): Promise<void> {
  for (const requirements of requirementSets) {
    const start = performance.now();
    const out = join(resolve(values.out, name, String(run)), requirements);
    const result = await runClientSuite({ requirements, crossed: name === 'client-crossed', out });
    report(name, run, result, performance.now() - start);
  }
}

function report(name: Name, run: number, result: SuiteResult, ms: number): void {
  const { requirements, scored, pending, warnings } = result;
  const counted = result.scenarios.filter((scenario) => scenario.unscored !== 'extension');
  const checks = counted.reduce((sum, { checks: c }) => sum + c.passed, 0);
  const failed = counted.reduce((sum, { checks: c }) => sum + c.failed, 0);
  console.log(
    row([
      name,
      requirements,
      `${run}/${times}`,
      `${scored.passed}/${scored.total}`,
      `${pending.passed}/${pending.total}`,
      `${checks} ✓ ${failed} ✗`,
      warnings.join(' ') || '-',
      `${(ms / 1000).toFixed(1)} s`,
    ]),
  );
  for (const { scenario, unscored, failures, passed } of counted) {
    if (passed) continue;
    console.log(`    ✗ ${name} ${requirements}: ${scenario}${unscored ? ` (${unscored})` : ''}`);
    for (const failure of failures) console.log(`        ${failure}`);
  }
  const floor = expected[name][requirements];
  const missed = scored.passed < floor.scored || pending.passed < floor.pending;
  const better = scored.passed > floor.scored || pending.passed > floor.pending;
  if (missed) below++;
  if (missed)
    console.log(
      `    ✗ ${name} ${requirements} is below expected.yaml: ${floor.scored} scored, ${floor.pending} pending`,
    );
  else if (better) console.log('    better than expected.yaml: raise it');
}

function row(cells: string[]): string {
  const widths = [14, 13, 6, 8, 8, 14, 10, 7];
  return cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' ');
}
