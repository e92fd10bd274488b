// How files of plugins become modules: what the gateway lends them, and a module graph of its own for every load.
// Must not know what a plugin is.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as zod from 'zod';
import * as api from '../plugin.ts';

/** One load of a file and of everything it imports. */
export interface Graph {
  import(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** Calls code of the graph: what it opens, and what it throws later, is then the graph's. */
  run<T>(fn: () => T): T;
  /** Closes what the graph's code opened. Promises that wait for it never settle. */
  dispose(): void;
}

/** Opens a graph. `onStray` gets what its code throws where nobody can catch it. */
export type OpenGraph = (onStray: (error: unknown) => void) => Graph;

/** The graph of this Bun: the experimental `Bun.ModuleGraph` where there is one, else the module cache. */
export const openGraph: OpenGraph = (onStray) =>
  typeof Bun.ModuleGraph === 'function' ? moduleGraph(onStray) : cacheGraph();

function moduleGraph(onStray: (error: unknown) => void): Graph {
  lend();
  const graph = new Bun.ModuleGraph({ onError: (error) => onStray(error) });
  return {
    import: (path) => graph.import(path),
    run: (fn) => graph.run(fn),
    dispose: () => graph.dispose(),
  };
}

/**
 * Without `Bun.ModuleGraph`: files are read anew because those of earlier loads are taken out of the module
 * cache. It stops nothing at its end, and stray errors reach the process.
 */
export function cacheGraph(): Graph {
  lend();
  return {
    async import(path) {
      for (const file of cached) delete cache[file];
      cached.clear();
      const before = new Set(Object.keys(cache));
      try {
        return await import(path);
      } catch (error) {
        // What failed is kept as well, and in no list.
        reachable(path, cached);
        throw error;
      } finally {
        for (const file of Object.keys(cache)) if (!before.has(file) && !isOurs(file)) cached.add(file);
      }
    },
    run: (fn) => fn(),
    dispose() {},
  };
}

const { cache } = createRequire(import.meta.url);
/** Files of plugins in the module cache. */
const cached = new Set<string>();
const source = dirname(import.meta.dir);

/** Whether a file is the gateway's own: below src/, or inside the compiled binary, which is a folder, too. */
function isOurs(file: string): boolean {
  return file.startsWith(source + sep);
}

/** A file and all that it imports by relative paths, in a stable order. */
export function ownFiles(file: string): string[] {
  const found = new Set<string>();
  reachable(file, found);
  return [...found].sort();
}

/** Adds `file` and the files it imports by relative paths to `found`. */
function reachable(file: string, found: Set<string>): void {
  if (found.has(file)) return;
  found.add(file);
  try {
    const { imports } = new Bun.Transpiler({ loader: 'ts' }).scan(readFileSync(file, 'utf8'));
    for (const { path } of imports)
      if (path.startsWith('.')) reachable(Bun.resolveSync(path, dirname(file)), found);
  } catch {
    // It cannot be read or parsed; then it imports nothing, either.
  }
}

let isLent = false;

/**
 * Makes `sluice/plugin`, `sluice/testing` and `zod` mean the gateway's own, for every import there will be in this
 * process: a result a plugin makes is an `McpResult` to the pipeline, and a compiled binary has no folder of
 * packages to find them in.
 */
function lend(): void {
  if (isLent) return;
  isLent = true;
  Bun.plugin({
    name: 'sluice',
    setup(build) {
      build.module('sluice/plugin', () => ({ exports: { ...api }, loader: 'object' }));
      build.module('sluice/testing', async () => ({
        exports: { ...(await import('../testing.ts')) },
        loader: 'object',
      }));
      build.module('zod', () => ({ exports: { ...zod }, loader: 'object' }));
    },
  });
}
