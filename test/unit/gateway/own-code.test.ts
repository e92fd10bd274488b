// A reload tells of plugin files that changed although nothing in gateway.yaml did.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configOf, startInProcess } from '../../fixtures/in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-code-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = (about: string): string => `import { definePlugin, z } from 'sluice/plugin';
export default definePlugin({ name: 'mine', api: 1, about: '${about}', schema: z.strictObject({}), setup: () => ({}) });
`;

test('a plugin file with other text than before is a change of the plan, in the pipeline and on a leg', async () => {
  const top = join(folder, 'top.ts');
  const leg = join(folder, 'leg.ts');
  writeFileSync(top, source('one'));
  writeFileSync(leg, source('one'));
  const config = configOf(
    { demo: { builtin: 'demo', pipeline: [{ [leg]: {} }] } },
    { pipeline: [{ [top]: {} }] },
  );
  const gateway = await startInProcess(config);
  try {
    const same = await gateway.reload();
    expect(same.ok && same.plan.changes).toEqual([]);
    writeFileSync(top, source('two'));
    writeFileSync(leg, source('two'));
    const other = await gateway.reload();
    expect(other.ok && other.plan.changes).toEqual([
      { sign: '~', what: 'pipeline.top', note: 'its code changed' },
      { sign: '~', what: 'upstreams.demo.pipeline.leg', note: 'its code changed' },
    ]);
  } finally {
    await gateway.stop();
  }
});

test('so is a file that a plugin imports', async () => {
  const helper = join(folder, 'helper.ts');
  const entry = join(folder, 'entry.ts');
  writeFileSync(helper, `export const about = 'one';\n`);
  writeFileSync(entry, `import { about } from './helper.ts';\nexport const said = about;\n${source('two')}`);
  const gateway = await startInProcess(
    configOf({ demo: { builtin: 'demo' } }, { pipeline: [{ [entry]: {} }] }),
  );
  try {
    writeFileSync(helper, `export const about = 'other';\n`);
    const other = await gateway.reload();
    expect(other.ok && other.plan.changes).toEqual([
      { sign: '~', what: 'pipeline.entry', note: 'its code changed' },
    ]);
  } finally {
    await gateway.stop();
  }
});
