// Runs `bun test` over test/ and ends with the names of what failed and one line of real counts: `N passed, N failed`.
// The counts come from the report file; a file that never reported, or a Bun that failed, counts as a failure.
//   npm test                      everything but the two suites below
//   npm test -- test/unit/config  what follows goes to `bun test`
//   npm test -- --conformance     only test/conformance     npm test -- --interop   only test/interop
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Report, readReport } from './junit.ts';

const suites = ['conformance', 'interop'];
const root = join(import.meta.dir, '..');
const args = process.argv.slice(2);
const suite = suites.find((name) => args.includes(`--${name}`));
const passedOn = args.filter((arg) => !suites.some((name) => arg === `--${name}`));

const { code, report } = await bunTest();
const problems = [...silentFiles(report), ...otherProblems(code, report)];
summarise(report, problems);

async function bunTest(): Promise<{ code: number; report: Report | undefined }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const outfile = join(folder, 'junit.xml');
  try {
    const child = Bun.spawn({
      cmd: [process.execPath, '--no-install', '--no-env-file', 'test', ...options(outfile), ...passedOn],
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit'],
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => child.kill(signal));
    const code = await child.exited;
    return { code, report: existsSync(outfile) ? readReport(readFileSync(outfile, 'utf8')) : undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function options(outfile: string): string[] {
  // A test never waits by the clock: this only ends one that hangs, on the slowest of machines.
  const list = ['--timeout=120000', '--reporter=junit', `--reporter-outfile=${outfile}`];
  if (suite !== undefined) return [...list, `./test/${suite}`];
  const named = suites.filter((name) => !passedOn.some((arg) => arg.includes(`test/${name}`)));
  for (const name of named) list.push(`--path-ignore-patterns=test/${name}/**`);
  return [...list, '--path-ignore-patterns=out/**', '--path-ignore-patterns=dist/**'];
}

/** Bun leaves a file that could not be loaded out of its report. */
function silentFiles(found: Report | undefined): string[] {
  if (found === undefined || passedOn.length > 0) return [];
  const folder = suite === undefined ? 'test' : `test/${suite}`;
  return [...new Bun.Glob(`${folder}/**/*.test.ts`).scanSync({ cwd: root })]
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => suite !== undefined || !suites.some((name) => path.startsWith(`test/${name}/`)))
    .filter((path) => !found.files.has(path))
    .map((path) => `${path} ran no tests`);
}

function otherProblems(code: number, found: Report | undefined): string[] {
  if (found === undefined) return [`bun test ended with code ${code} and left no report`];
  if (found.passed + found.failed === 0) return ['no test ran'];
  if (code !== 0 && found.failed === 0) return [`bun test ended with code ${code}`];
  return [];
}

/** Where the time goes. */
function tellSlowest(found: Report | undefined): void {
  console.log('\nthe slowest files:');
  for (const [file, seconds] of (found?.times ?? []).slice(0, 10))
    console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`);
}

/** By name, where whoever has only the end of a long log will look. */
function tellFailed(names: readonly string[]): void {
  if (names.length > 0) console.log();
  for (const name of names.slice(0, 20)) console.log(`failed: ${name}`);
  if (names.length > 20) console.log(`failed: … and ${names.length - 20} more`);
}

function summarise(found: Report | undefined, problems: readonly string[]): void {
  const skipped = found?.skipped ?? [];
  if (skipped.length > 0) console.log(`\n${skipped.length} skipped:`);
  for (const name of skipped.slice(0, 50)) console.log(`  ${name}`);
  if (skipped.length > 50) console.log(`  … and ${skipped.length - 50} more`);
  if (passedOn.length === 0) tellSlowest(found);
  tellFailed([...(found?.failures ?? []), ...problems]);
  const failed = (found?.failed ?? 0) + problems.length;
  console.log(`\n${found?.passed ?? 0} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}
