// Nothing is exported for nobody: a value that another file cannot want any more goes, or loses its `export`.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTree, root, withoutComments } from './tree.ts';

const exported = /^export (?:async )?(?:abstract )?(?:function\*?|const|let|class) ([\w$]+)/gm;
/** What a test alone wants is fine as long as the file itself uses it: then the test looks at a part of it. */
const own = (text: string, name: string): number => words(text).get(name) ?? 0;

function words(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(/[\w$]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

test('every exported value is used: by another source, or by its own file and a test', () => {
  const build = readFileSync(join(root, 'build.ts'), 'utf8');
  const sources = new Map([...readTree('src', 'plugins', 'scripts'), ['build.ts', build]]);
  const tests = readTree('test', 'examples');
  const used = (tree: ReadonlyMap<string, string>) =>
    new Map([...tree].map(([path, text]) => [path, words(withoutComments(text))]));
  const [inSources, inTests] = [used(sources), used(tests)];
  const wanted = (all: typeof inSources, name: string, except?: string): boolean =>
    [...all].some(([path, counts]) => path !== except && counts.has(name));
  const idle = [...sources].flatMap(([path, text]) => {
    if (!path.startsWith('src/')) return [];
    const bare = withoutComments(text);
    return [...bare.matchAll(exported)].flatMap(([, name = '']) => {
      if (wanted(inSources, name, path)) return [];
      return own(bare, name) > 1 && wanted(inTests, name) ? [] : [`${path}: ${name}`];
    });
  });
  expect(idle).toEqual([]);
});
