// The table of traps: none is missing, and what is said to catch one is there.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { wrongClaim } from '../fixtures/claims.ts';

const TRAPS = 105;
const shared = { id: z.int(), trap: z.string().min(8) };
const entry = z.union([
  z.strictObject({ ...shared, by: z.array(z.string()).min(1) }),
  z.strictObject({ ...shared, never: z.string().min(40) }),
]);
const table = z.array(entry).parse(parse(readFileSync(join(import.meta.dir, 'traps.yaml'), 'utf8')));

test('every trap is there, once', () => {
  expect(table.map(({ id }) => id)).toEqual([...Array(TRAPS).keys()].map((i) => i + 1));
});

test('what catches a trap is there', () => {
  const claims = table.flatMap((each) => ('by' in each ? each.by : []));
  expect(claims.flatMap((claim) => wrongClaim(claim) ?? [])).toEqual([]);
});

test('a claim without a test is caught', () => {
  const here = 'traps/traps.test.ts';
  expect(wrongClaim(`${here}: a claim without a test is caught`)).toBeUndefined();
  // In two parts, or it would be here.
  const nowhere = ['a test that', 'nobody wrote'].join(' ');
  expect(wrongClaim(`${here}: ${nowhere}`)).toContain('no such test');
  expect(wrongClaim('traps/nowhere.test.ts: x')).toContain('no such file');
});
