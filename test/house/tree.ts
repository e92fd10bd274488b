// The sources as the house rules see them: path → text. Judges nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dir, '../..');

/** Path from the root of the project → text. */
export type Tree = ReadonlyMap<string, string>;

/** Reads every TypeScript file under the folders, sorted. A folder that is not there has none. */
export function readTree(...folders: readonly string[]): Tree {
  const paths = folders.flatMap((folder) => [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: root })]);
  const sorted = paths.map((path) => path.replaceAll('\\', '/')).sort();
  return new Map(sorted.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** The text without its comments; lines keep their numbers. */
export function withoutComments(text: string): string {
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, '') : found));
}

/** `path:line  text` for each line the pattern finds. */
export function findLines(path: string, text: string, pattern: RegExp): string[] {
  return text
    .split('\n')
    .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}  ${line.trim()}`] : []));
}
