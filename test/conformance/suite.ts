// Runs the official conformance suite against a URL and says what it found. It knows nothing of what is behind the URL.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const PACKAGE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url),
);
const CLI = join(PACKAGE, 'dist/index.js');

/** A requirement set of the suite: what a server of that revision must do. */
export type Requirements = '2025-11-25' | '2026-07-28';
export const requirementSets: readonly Requirements[] = ['2025-11-25', '2026-07-28'];

export interface ScenarioResult {
  readonly scenario: string;
  /** Why it does not count, if it does not: extension, pending, added-after-release. */
  readonly unscored?: string;
  readonly passed: boolean;
  readonly checks: { readonly passed: number; readonly failed: number; readonly warnings: number };
  readonly failures: readonly string[];
}

export interface Tally {
  readonly passed: number;
  readonly total: number;
}

export interface SuiteResult {
  readonly requirements: Requirements;
  /** The suite's own verdict: 0 when every scored scenario passed. */
  readonly exitCode: number;
  readonly scenarios: readonly ScenarioResult[];
  readonly scored: Tally;
  /** What does not count but can pass: all unscored scenarios except those of extensions. */
  readonly pending: Tally;
  readonly warnings: readonly string[];
}

const Checks = z.array(
  z.object({
    id: z.string(),
    status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
    errorMessage: z.string().optional(),
    description: z.string().optional(),
  }),
);
type Check = z.infer<typeof Checks>[number];

const RequirementFile = z.object({
  server: z.array(z.string()),
  not_scored: z.array(z.object({ scenario: z.string(), leg: z.string(), reason: z.string() })).default([]),
});

/**
 * Runs one requirement set. `out` is emptied first and holds the suite's files and its output (suite.log) after.
 * Throws when the suite itself could not run, or when its verdict and its files disagree.
 */
export async function runSuite(options: {
  url: string;
  requirements: Requirements;
  out: string;
}): Promise<SuiteResult> {
  const { url, requirements, out } = options;
  const exitCode = await runCli(['--url', url, '--requirements', requirements], out);
  const scenarios = await readScenarios(requirements, out);
  const result = summarise(requirements, exitCode, scenarios);
  if ((exitCode === 0) !== (result.scored.passed === result.scored.total)) {
    throw new Error(`The suite ended with ${exitCode}, yet its files say otherwise; see ${out}/suite.log`);
  }
  return result;
}

/** The scenarios of the tasks extension (SEP-2663): no set requires them, and its own server does not run them. */
const TASKS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
  'tasks-mrtr-composition',
];

/** Runs the scenarios of the tasks extension, each into a folder of its own in `out`. */
export async function runTasks(options: { url: string; out: string }): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of TASKS) {
    const out = join(options.out, scenario);
    const which = ['--scenario', scenario, '--spec-version', '2026-07-28', '--force'];
    await runCli(['--url', options.url, ...which], out);
    results.push(await readScenario(scenario, 'extension', out, await readdir(out)));
  }
  return results;
}

/** Empties `out` and runs the suite into it. @returns its exit code */
async function runCli(args: readonly string[], out: string): Promise<number> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const child = Bun.spawn([process.execPath, CLI, 'server', ...args, '-o', out], {
    cwd: dirname(out),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  await writeFile(join(out, 'suite.log'), `${stdout}\n${stderr}`);
  return exitCode;
}

function summarise(requirements: Requirements, exitCode: number, scenarios: ScenarioResult[]): SuiteResult {
  const tally = (of: ScenarioResult[]): Tally => ({
    passed: of.filter((s) => s.passed).length,
    total: of.length,
  });
  return {
    requirements,
    exitCode,
    scenarios,
    scored: tally(scenarios.filter((s) => s.unscored === undefined)),
    pending: tally(scenarios.filter((s) => s.unscored !== undefined && s.unscored !== 'extension')),
    warnings: scenarios.filter((s) => s.checks.warnings > 0).map((s) => s.scenario),
  };
}

async function readScenarios(requirements: Requirements, out: string): Promise<ScenarioResult[]> {
  const source = await readFile(join(PACKAGE, 'requirements', `${requirements}.yaml`), 'utf8');
  const wanted = RequirementFile.parse(parse(source));
  const folders = await readdir(out);
  const unscored = wanted.not_scored.filter((entry) => entry.leg === 'server');
  return Promise.all([
    ...wanted.server.map((scenario) => readScenario(scenario, undefined, out, folders)),
    ...unscored.map(({ scenario, reason }) => readScenario(scenario, reason, out, folders)),
  ]);
}

async function readScenario(
  scenario: string,
  reason: string | undefined,
  out: string,
  folders: string[],
): Promise<ScenarioResult> {
  // server-NAME-2026-01-31T…: no name is another with a date behind it.
  const folder = folders.find(
    (name) => name.replace(/-\d{4}-\d{2}-\d{2}T[\dZ-]+$/, '') === `server-${scenario}`,
  );
  const checks = folder === undefined ? [] : await readChecks(join(out, folder, 'checks.json'));
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const failures = checks.filter((check) => check.status === 'FAILURE').map(describe);
  if (checks.length === 0) failures.push('did not run to its end; see suite.log');
  return {
    scenario,
    ...(reason !== undefined && { unscored: reason }),
    passed: failures.length === 0,
    checks: { passed: count('SUCCESS'), failed: count('FAILURE'), warnings: count('WARNING') },
    failures,
  };
}

/** The checks of one scenario: none if it crashed before it could write them. */
async function readChecks(file: string): Promise<Check[]> {
  if (!(await Bun.file(file).exists())) return [];
  return Checks.parse(await Bun.file(file).json());
}

function describe(check: Check): string {
  return `${check.id}: ${check.errorMessage ?? check.description ?? 'failed'}`;
}
