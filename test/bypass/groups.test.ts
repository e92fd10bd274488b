// The groups of ways to get past who may call: none is missing, and what is said to try one is there.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { wrongClaim } from '../fixtures/claims.ts';
import { CASES } from './cases.ts';

const GROUPS = 60;
const group = z.strictObject({
  group: z.int(),
  what: z.string().min(4),
  /** Tests beside the tables. */
  by: z.array(z.string()).min(1).optional(),
  /** What of it nothing tries, and why. */
  missing: z.string().min(40).optional(),
});
const table = z.array(group).parse(parse(readFileSync(join(import.meta.dir, 'groups.yaml'), 'utf8')));

test('every group is there, once', () => {
  expect(table.map((each) => each.group)).toEqual([...Array(GROUPS).keys()].map((at) => at + 1));
});

test('every group is tried', () => {
  const untried = table.filter(
    (each) => each.by === undefined && !CASES.some((one) => one.group === each.group),
  );
  expect(untried).toEqual([]);
});

test('what tries a group is there', () => {
  const claims = table.flatMap(({ by = [] }) => by);
  expect(claims.flatMap((claim) => wrongClaim(claim) ?? [])).toEqual([]);
});

test('no case is of another group, and none is there twice', () => {
  const titles = CASES.map((each) => `${each.group}: ${each.name}`);
  expect(CASES.filter((each) => !table.some((known) => known.group === each.group))).toEqual([]);
  expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
});
