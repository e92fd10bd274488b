// Runs the official conformance suite and says what it found: against a URL, whatever is behind it, or with driver.ts
// as the client.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const PACKAGE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url),
);
const CLI = join(PACKAGE, 'dist/index.js');
const DRIVER = fileURLToPath(new URL('./driver.ts', import.meta.url));

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
  client: z.array(z.string()),
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
  const exitCode = await runCli('server', ['--url', url, '--requirements', requirements], out);
  const scenarios = await readScenarios(requirements, out);
  const result = summarise(requirements, exitCode, scenarios);
  if ((exitCode === 0) !== (result.scored.passed === result.scored.total)) {
    throw new Error(`The suite ended with ${exitCode}, yet its files say otherwise; see ${out}/suite.log`);
  }
  return result;
}

/** Revisions the suite has no set for, and how many of its scenarios say that they apply there. */
export const OLDER = { '2025-03-26': 1, '2025-06-18': 27 } as const;

/** Runs every scenario that applies at an older revision. Throws when there are fewer than there were. */
export async function runOlder(options: {
  url: string;
  revision: keyof typeof OLDER;
  out: string;
}): Promise<ScenarioResult[]> {
  const { url, revision, out } = options;
  await runCli('server', ['--url', url, '--suite', 'all', '--spec-version', revision], out);
  const names = (await readdir(out)).filter((name) => name.startsWith('server-')).map(scenarioOf);
  if (names.length < OLDER[revision])
    throw new Error(`${names.length} scenarios of ${revision} ran; see ${out}/suite.log`);
  return Promise.all(names.map((name) => readScenario(name, undefined, out)));
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
    await runCli('server', ['--url', options.url, ...which], out);
    results.push(await readScenario(scenario, 'extension', out));
  }
  return results;
}

/**
 * Runs the scenarios of one requirement set in which the gateway is the client, those of `auth/` apart, each into a
 * folder of its own in `out`.
 * @param crossed whether the client before the gateway speaks the other era than the suite's server
 */
export async function runClientSuite(options: {
  requirements: Requirements;
  crossed: boolean;
  out: string;
}): Promise<SuiteResult> {
  const { requirements, crossed } = options;
  const scenarios: ScenarioResult[] = [];
  for (const { scenario, reason } of await wantedOf(requirements, 'client')) {
    if (scenario.startsWith('auth/')) continue;
    const out = join(options.out, scenario);
    const args = ['--command', `${process.execPath} ${DRIVER}`, '--scenario', scenario];
    const env = crossed ? { SLUICE_CROSSED: '1' } : {};
    const exitCode = await runCli('client', [...args, '--spec-version', requirements], out, env);
    const result = await readScenario(scenario, reason, out);
    // How the driver ended counts as well: a call it could not make is a failure.
    scenarios.push({ ...result, passed: result.passed && exitCode === 0 });
  }
  return summarise(requirements, scenarios.every(({ passed }) => passed) ? 0 : 1, scenarios);
}

/** Empties `out` and runs the suite into it. @returns its exit code */
async function runCli(
  leg: Leg,
  args: readonly string[],
  out: string,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const child = Bun.spawn([process.execPath, CLI, leg, ...args, '-o', out], {
    cwd: dirname(out),
    env: { ...process.env, ...env },
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
  const wanted = await wantedOf(requirements, 'server');
  return Promise.all(wanted.map(({ scenario, reason }) => readScenario(scenario, reason, out)));
}

type Leg = 'server' | 'client';

/** The scenarios of a set, those that are not scored with the reason. */
async function wantedOf(
  requirements: Requirements,
  leg: Leg,
): Promise<{ scenario: string; reason?: string }[]> {
  const source = await readFile(join(PACKAGE, 'requirements', `${requirements}.yaml`), 'utf8');
  const file = RequirementFile.parse(parse(source));
  const unscored = file.not_scored.filter((entry) => entry.leg === leg);
  return [...file[leg].map((scenario) => ({ scenario })), ...unscored];
}

/** Of [server-]NAME-2026-01-31T…: no name is another with a date behind it. */
function scenarioOf(folder: string): string {
  return folder.replace(/^server-|-\d{4}-\d{2}-\d{2}T[\dZ-]+$/g, '');
}

async function readScenario(
  scenario: string,
  reason: string | undefined,
  out: string,
): Promise<ScenarioResult> {
  const folders = await readdir(out);
  const folder = folders.find((name) => scenarioOf(name) === scenario);
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
