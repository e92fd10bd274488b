// The table of traps: none is missing, and what is said to catch one is there.
import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const TRAPS = 105;
const folder = join(import.meta.dir, '..');
const shared = { id: z.int(), trap: z.string().min(8) };
const entry = z.union([
  z.strictObject({ ...shared, by: z.array(z.string()).min(1) }),
  z.strictObject({ ...shared, never: z.string().min(40) }),
]);
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const table = z.array(entry).parse(parse(read('traps/traps.yaml')));

/** What is wrong with a claim: `file: name of a test` as the source has it, or a file alone. */
function wrong(claim: string): string | undefined {
  const [, file = '', name] = /^(\S+?\.(?:test\.ts|yaml))(?:: (.+))?$/.exec(claim) ?? [];
  if (file === '' || !existsSync(join(folder, file))) return `${claim}: there is no such file`;
  const text = read(file);
  if (file.endsWith('.yaml')) {
    // A walk that fails on every leg catches nothing.
    return /failing:\n\s*- \{? ?because/.test(text) ? `${claim}: it fails` : undefined;
  }
  const quoted = ["'", '"', '`'].some((mark) => text.includes(`${mark}${name}${mark}`));
  return name === undefined || quoted ? undefined : `${claim}: the file has no such test`;
}

test('every trap is there, once', () => {
  expect(table.map(({ id }) => id)).toEqual([...Array(TRAPS).keys()].map((i) => i + 1));
});

test('what catches a trap is there', () => {
  const claims = table.flatMap((each) => ('by' in each ? each.by : []));
  expect(claims.flatMap((claim) => wrong(claim) ?? [])).toEqual([]);
});

test('a claim without a test is caught', () => {
  const here = 'traps/traps.test.ts';
  expect(wrong(`${here}: a claim without a test is caught`)).toBeUndefined();
  // In two parts, or it would be here.
  const nowhere = ['a test that', 'nobody wrote'].join(' ');
  expect(wrong(`${here}: ${nowhere}`)).toContain('no such test');
  expect(wrong('traps/nowhere.test.ts: x')).toContain('no such file');
});
