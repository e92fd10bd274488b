// Each file of this folder on each leg it speaks of. `WALK=progress bun test test/walk` takes those whose file
// name has it; `LEG='2025 http'` those legs.
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf } from './leg.ts';
import { legsOf, readWalk } from './read.ts';
import { IMPATIENCE, takeWalk } from './run.ts';

const { WALK = '', LEG = '' } = process.env;
const files = readdirSync(import.meta.dir).filter((file) => file.endsWith('.yaml') && file.includes(WALK));

for (const file of files.sort()) {
  const walk = readWalk(file, readFileSync(join(import.meta.dir, file), 'utf8'));
  describe(`${file.replace(/\.yaml$/, '')}: ${walk.name}`, () => {
    for (const { leg, revision, failing } of legsOf(walk)) {
      const name = nameOf(leg).replace('2025', revision.startsWith('2025-11') ? '2025' : revision);
      if (!name.includes(LEG)) continue;
      test(name, async () => {
        if (failing === undefined) return takeWalk(walk, leg, revision);
        // One that passes is to be taken off the list.
        await expect(takeWalk(walk, leg, revision, IMPATIENCE)).rejects.toThrow();
      }, 120_000);
    }
  });
}
