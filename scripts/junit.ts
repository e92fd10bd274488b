// Reads the counts out of the JUnit report of `bun test`. Knows its shape only, not how it came about.

export interface Report {
  readonly passed: number;
  readonly failed: number;
  /** Names of the tests that failed. */
  readonly failures: readonly string[];
  /** Names of the tests that did not run, with the reason where the report has one. */
  readonly skipped: readonly string[];
  /** Test files that appear in the report. */
  readonly files: ReadonlySet<string>;
  /** How long each of them took, seconds; longest first. */
  readonly times: readonly (readonly [file: string, seconds: number])[];
}

/** Throws when the text is no report. */
export function readReport(xml: string): Report {
  const head = /<testsuites\b[^>]*>/.exec(xml)?.[0];
  if (head === undefined) throw new Error('not a JUnit report');
  const skipped = [...xml.matchAll(/<testcase\b([^>]*)>\s*<skipped\b([^>]*)\/>/g)].map(skippedName);
  const failures = [...xml.matchAll(/<testcase\b([^>]*[^/])>\s*<failure\b/g)].map(([, tag = '']) =>
    nameOf(tag),
  );
  const failed = Number(attribute(head, 'failures'));
  const passed = Number(attribute(head, 'tests')) - failed - Number(attribute(head, 'skipped'));
  if (Number.isNaN(passed)) throw new Error('the JUnit report has no counts');
  const files = new Set(
    [...xml.matchAll(/<testsuite\b[^>]*>/g)].map(([tag]) => attribute(tag, 'file') ?? ''),
  );
  return { passed, failed, failures, skipped, files, times: timesOf(xml) };
}

/** A file is the outermost suite; those within it are its `describe`s. */
function timesOf(xml: string): Report['times'] {
  const times = new Map<string, number>();
  for (const [tag] of xml.matchAll(/<testsuite\b[^>]*>/g)) {
    const file = attribute(tag, 'file') ?? '';
    if (attribute(tag, 'name') === file) times.set(file, Number(attribute(tag, 'time')));
  }
  return [...times].sort(([, a], [, b]) => b - a);
}

function skippedName([, testcase = '', skip = '']: RegExpMatchArray): string {
  const reason = attribute(skip, 'message');
  return nameOf(testcase) + (reason === undefined ? '' : ` (${reason})`);
}

function nameOf(testcase: string): string {
  const path = [attribute(testcase, 'file'), attribute(testcase, 'classname'), attribute(testcase, 'name')];
  return path.filter(Boolean).join(' > ');
}

function attribute(tag: string, name: string): string | undefined {
  const raw = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return raw?.replace(/&(lt|gt|quot|apos|amp|#10);/g, (_all, entity: string) => entities[entity] ?? '');
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#10': ' ' };
