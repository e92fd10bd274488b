// What plugin files say of a configuration, whatever else is wrong with it: so that every problem is told at once.

import { dirname, resolve } from 'node:path';
import { type Diagnostic, sortDiagnostics } from '../config/diagnostic.ts';
import { writtenEntries } from '../config/entries.ts';
import type { LoadResult } from '../config/load.ts';
import { wrongOptions } from '../config/options.ts';
import { hasPluginEnding, isPluginFile } from '../config/relations/pipeline.ts';
import { messageOf } from '../core/errors.ts';
import { loadPlugin } from '../gateway/load.ts';
import type { Shell } from './shell.ts';

/** Loads the files and checks their options; those of built-in plugins are told by the reading. Sets nothing up. */
export async function pluginProblems(
  reading: LoadResult,
  file: string | undefined,
  shell: Shell,
): Promise<Diagnostic[]> {
  const { document } = reading;
  if (document === undefined) return [];
  const base = file === undefined ? shell.cwd : dirname(file);
  const time = reading.ok ? { deadline: reading.config.limits.pluginSetup } : {};
  const problems: Diagnostic[] = [];
  for (const { path, plugin, options, isOff } of writtenEntries(document)) {
    if (isOff || !isPluginFile(plugin) || !hasPluginEnding(plugin)) continue;
    try {
      const loaded = await loadPlugin(resolve(base, plugin), { ...time, onStray: () => {} });
      problems.push(...wrongOptions(document, path, options, loaded.plugin.schema));
      loaded.dispose();
    } catch (error) {
      problems.push(document.at(path, { code: 'PLUGIN_SETUP', message: messageOf(error) }));
    }
  }
  return problems;
}

/** A reading that is refused, with what its plugin files say as well; one that is sound, as it is. */
export async function withPluginProblems(
  reading: LoadResult,
  file: string | undefined,
  shell: Shell,
): Promise<LoadResult> {
  if (reading.ok) return reading;
  const told = await pluginProblems(reading, file, shell);
  return { ...reading, diagnostics: sortDiagnostics([...reading.diagnostics, ...told]) };
}
