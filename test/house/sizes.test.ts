// Files stay small enough to be read in one go.
import { expect, test } from 'bun:test';
import { readTree, type Tree } from './tree.ts';

function tooLong(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) => {
    const lines = text.trimEnd().split('\n').length;
    const most = mostLines(path);
    return lines > most ? [`${path} has ${lines} lines, ${most} are allowed`] : [];
  });
}

function mostLines(path: string): number {
  const isFixture = path.startsWith('test/conformance/') || path.startsWith('test/fixtures/');
  return path.startsWith('test/') && !isFixture ? 300 : 400;
}

test('no file is longer than the house allows', () => {
  expect(tooLong(readTree('src', 'plugins', 'test', 'scripts', 'examples'))).toEqual([]);
});

test('a long file is caught', () => {
  const lines = (count: number) => 'x\n'.repeat(count);
  const sample = new Map([
    ['src/core/long.ts', lines(401)],
    ['src/core/full.ts', lines(400)],
    ['test/unit/long.test.ts', lines(301)],
    ['test/fixtures/full.ts', lines(400)],
  ]);
  expect(tooLong(sample)).toEqual([
    'src/core/long.ts has 401 lines, 400 are allowed',
    'test/unit/long.test.ts has 301 lines, 300 are allowed',
  ]);
});
