// docs/operations.md and core/metrics.ts say the same: every figure with its labels, both ways, and what `limit` names.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schema } from '../../src/config/schema.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { readTree, root, withoutComments } from './tree.ts';

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** `name{labels}` of each row of the table of figures. */
function documented(): string[] {
  return [...page.matchAll(/^\| `(sluice_[a-z_]+)` \|[^|]*\|([^|]*)\|$/gm)].map(
    ([, name = '', labels = '']) =>
      `${name}{${[...labels.matchAll(/`([a-z_]+)`/g)].map(([, label]) => label).join()}}`,
  );
}

test('every figure is in the table with its labels, and the table has no other', () => {
  const metrics = createMetrics().registry.getMetricsAsArray() as readonly {
    name: string;
    labelNames?: readonly string[];
  }[];
  const figures = metrics.map(({ name, labelNames = [] }) => `${name}{${labelNames.join()}}`);
  // cli/prepare.ts makes this one, which knows the build.
  expect(documented().sort()).toEqual([...figures, 'sluice_build_info{version,commit}'].sort());
});

test('what a hit of a limit is called is a field below `limits`, or said on the page', () => {
  const limits = new Set(Object.keys(schema.parse({}).limits).map(snake));
  const named = [...readTree('src')].flatMap(([path, text]) =>
    [...withoutComments(text).matchAll(/limitHits\.inc\(\{ limit: ([^}]*)\}/g)].flatMap(([, value = '']) =>
      [...value.matchAll(/'([a-z_]+)'/g)].map(([, limit = '']) => ({ path, limit })),
    ),
  );
  expect(named.length).toBeGreaterThan(5);
  const unknown = named.filter(({ limit }) => !limits.has(limit) && !page.includes(`\`${limit}\``));
  expect(unknown).toEqual([]);
});

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
