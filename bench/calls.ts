// What a call costs on its way: the gateway with and without its plugins, nginx and no proxy at all, side by side in
// one run, round by round in turn. Prints a table, writes a JSON file and judges nothing:
// `npm run bench -- calls [--short] [--only WORKLOAD] [--out FILE] [--compare FILE]`.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type Round, type Row, rowOf, withRatios } from './calls/figures.ts';
import { LOADER, type Load, offer } from './calls/load.ts';
import { SUBJECT } from './calls/pinning.ts';
import { piecesOf, requestsOf, tryOnce } from './calls/requests.ts';
import { addedLine, header, lineOf, moves } from './calls/table.ts';
import { startTargets, startUpstream, type Target } from './calls/targets.ts';
import { titleOf, WORKLOADS, type Workload } from './calls/workloads.ts';
import { usageOf } from './process.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string', default: 'out/calls.json' },
    compare: { type: 'string' },
  },
});
const [rounds, seconds] = options.short ? [1, 1] : [3, 3];

interface Subject {
  readonly target: Target;
  readonly load: Load;
  readonly rounds: Round[];
}

async function loadOf({ eras, tool, connections, pause = 0 }: Workload, target: Target): Promise<Load> {
  const requests = await requestsOf(target.url, eras[0], tool, target.headers);
  for (const request of requests) await tryOnce(target.url, request);
  const pieces = requests.map((request) => piecesOf(target.url, request));
  return { url: target.url, requests: pieces, connections, seconds, pause };
}

/** @param calls how many have reached the upstream so far: an answer that none was made for is a bad one */
async function measure({ target, load, rounds }: Subject, calls: () => Promise<number>): Promise<void> {
  const usage = () =>
    target.pid === undefined ? { cpu: Number.NaN, memory: Number.NaN } : usageOf(target.pid);
  const [before, already] = [await usage(), await calls()];
  const { requests, seconds, p50, p99, bad } = await offer(load);
  const { cpu, memory } = await usage();
  const unmade = requests - ((await calls()) - already);
  const each = (cpu - before.cpu) / requests;
  rounds.push({ rate: requests / seconds, p50, p99, cpu: each, memory, bad: Math.max(bad, unmade) });
}

/** @returns its rows, without the ratios */
async function run(
  workload: Workload,
  targets: readonly Target[],
  calls: () => Promise<number>,
): Promise<Row[]> {
  const { name, eras, of } = workload;
  const asked = targets.filter((target) => target.behind === eras[1] && (of?.includes(target.name) ?? true));
  const subjects: Subject[] = [];
  for (const target of asked) subjects.push({ target, load: await loadOf(workload, target), rounds: [] });
  for (let round = 0; round < rounds; round++) for (const subject of subjects) await measure(subject, calls);
  return subjects.map(({ target, rounds }) => rowOf(name, target.name, rounds));
}

/** Else the first rounds would be those of the compiler. */
async function warmUp(targets: readonly Target[]): Promise<void> {
  const [workload] = WORKLOADS;
  for (const target of targets) {
    if (workload === undefined || ['direct', 'nginx'].includes(target.name)) continue;
    await offer({ ...(await loadOf(workload, target)), seconds: 1 });
  }
}

function print(workload: Workload, rows: readonly Row[]): void {
  console.log(`\n${titleOf(workload)}\n${header()}`);
  for (const row of rows) console.log(lineOf(row));
  if (workload.pause !== undefined) console.log(addedLine(rows));
}

async function all(): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const origin = await startUpstream(stack);
  const calls = async (): Promise<number> => Number(await (await fetch(`${origin}/calls`)).text());
  const targets = await startTargets(origin, stack);
  await warmUp(targets);
  const measures = new Map(WORKLOADS.map(({ name, beside = name }) => [name, beside]));
  let rows: Row[] = [];
  for (const workload of WORKLOADS) {
    const isAsked =
      options.only === undefined ? !(options.short && workload.isLong) : options.only === workload.name;
    if (!isAsked) continue;
    rows = withRatios([...rows, ...(await run(workload, targets, calls))], measures);
    print(
      workload,
      rows.filter((row) => row.workload === workload.name),
    );
  }
  return rows;
}

// Read first: it may be the file that is written.
const saved = options.compare === undefined ? undefined : JSON.parse(await readFile(options.compare, 'utf8'));
const busy = `load average ${loadavg()[0]?.toFixed(1)} before`;
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${process.platform}, Bun ${Bun.version}, ${busy}`;
const pinned = SUBJECT.length > 0 ? 'pinned to a core of its own' : 'not pinned';
console.log(`${machine}; load by ${LOADER}; what is measured is ${pinned}; ${rounds} × ${seconds} s`);
const rows = await all();
await mkdir(dirname(options.out), { recursive: true });
const made = { at: new Date().toISOString(), machine, loader: LOADER, pinned, rounds, seconds, rows };
await writeFile(options.out, `${JSON.stringify(made, null, 1)}\n`);
console.log(`\nWritten to ${options.out}.`);
if (saved !== undefined) {
  const moved = moves(rows, saved.rows);
  console.log(`\nMoved since ${saved.at}, by more than the rounds are apart:`);
  console.log(moved.length > 0 ? moved.join('\n') : '  nothing');
}
