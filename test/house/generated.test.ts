// What is made from code is what the code would make now: the schema, the reference pages, the errors, the commands.
import { expect, test } from 'bun:test';
import { generatedFiles, stalePaths } from '../../scripts/gen.ts';

test('generated files are fresh (if not: bun run gen)', async () => {
  expect(await stalePaths(await generatedFiles())).toEqual([]);
});

test('a file that differs or is missing is stale', async () => {
  const files = new Map([
    ['LICENSE', 'another text'],
    ['docs/missing.md', ''],
  ]);
  expect(await stalePaths(files)).toEqual(['LICENSE', 'docs/missing.md']);
});
