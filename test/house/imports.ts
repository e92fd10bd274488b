// Reads the import statements of a file, type-only ones too, and finds circles. Knows nothing of which are allowed.
import { posix } from 'node:path';
import { type Tree, withoutComments } from './tree.ts';

export interface Import {
  /** Path from the root of the project, or the name of a package. */
  readonly target: string;
  /** Evaluated before the importing file runs: neither `import type` nor `import()`. */
  readonly isStatic: boolean;
}

const statement =
  /^(?:import|export)\s+(type\s+)?(?:[\w$*]+(?:\s+as\s+[\w$]+)?\s*,?\s*)?(?:\{[^}]*\}\s*)?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

/** The imports of one file, in its order. */
export function importsOf(path: string, text: string): Import[] {
  return [...withoutComments(text).matchAll(statement)].map(([, type, from, bare, lazy]) => ({
    target: resolve(path, from ?? bare ?? lazy ?? ''),
    isStatic: type === undefined && lazy === undefined,
  }));
}

function resolve(path: string, specifier: string): string {
  if (specifier === 'sluice/plugin') return 'src/plugin.ts';
  if (specifier === 'sluice/testing') return 'src/testing.ts';
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
}

/** Each circle of static imports once, as `a.ts → b.ts → a.ts`. */
export function circles(tree: Tree): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const { target, isStatic } of importsOf(path, tree.get(path) ?? '')) {
      if (isStatic && tree.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of tree.keys()) visit(path, []);
  return found;
}
