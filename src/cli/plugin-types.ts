// `sluice plugin types`: what an author of plugins needs beside a plugin, out of the binary itself. Writes nothing.

import { join } from 'node:path';
import type { TextFile } from './plugin-package.ts';

export type { TextFile } from './plugin-package.ts';

/** What build.ts calls the file it puts into the binary. */
export const PACKAGE_FILE = 'plugin-package.json';

/**
 * The files to write below a folder that plugins are in: `node_modules/sluice`, which editors read types from and
 * `bun test` code. The gateway does not read it: what it lends to plugins is always its own.
 */
export async function pluginTypes(): Promise<TextFile[]> {
  const carried = Bun.embeddedFiles.find((file) => (file as File).name.endsWith(PACKAGE_FILE));
  const files = carried ? ((await carried.json()) as TextFile[]) : await fromSources();
  return files.map(({ path, text }) => ({ path: `node_modules/sluice/${path}`, text }));
}

async function fromSources(): Promise<TextFile[]> {
  if (Bun.isStandaloneExecutable) throw new Error(`this binary was built without ${PACKAGE_FILE}`);
  const { makePluginPackage } = await import('./plugin-package.ts');
  return makePluginPackage(join(import.meta.dir, '../..'));
}
