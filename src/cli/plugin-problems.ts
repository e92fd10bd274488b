// What plugin files say of a configuration, whatever else is wrong with it: so that every problem is told at once.

import { dirname, resolve } from 'node:path';
import { type Diagnostic, sortDiagnostics } from '../config/diagnostic.ts';
import { type WrittenEntry, writtenEntries } from '../config/entries.ts';
import type { LoadResult } from '../config/load.ts';
import { judgeOptions } from '../config/options.ts';
import { hasPluginEnding, isPluginFile } from '../config/relations/pipeline.ts';
import { messageOf } from '../core/errors.ts';
import { type CheckWorld, checkEntry } from '../gateway/entry-check.ts';
import { loadPlugin } from '../gateway/load.ts';
import { stateDir } from './paths.ts';
import type { Shell } from './shell.ts';

/**
 * Loads the plugin files and checks their options, and has every plugin look at its own; what schemas of built-in
 * plugins say is told by the reading. Sets nothing up.
 * @param connect whether plugins may ask servers that their options name
 */
export async function pluginProblems(
  reading: LoadResult,
  file: string | undefined,
  shell: Shell,
  connect = false,
): Promise<Diagnostic[]> {
  const { document } = reading;
  if (document === undefined) return [];
  const config = reading.ok ? reading.config : undefined;
  const world = {
    document,
    // Where that is, only a whole configuration says.
    stateDir: config && stateDir(shell, config.state.dir),
    now: Date.now,
    connect,
    time: config?.limits.pluginSetup ?? USUAL_TIME,
  };
  const base = file === undefined ? shell.cwd : dirname(file);
  const problems: Diagnostic[] = [];
  for (const entry of writtenEntries(document))
    if (!entry.isOff) problems.push(...(await problemsOf(entry, base, world, shell)));
  return problems;
}

/** `limits.plugin_setup` where nobody can tell it. */
const USUAL_TIME = 10_000;

async function problemsOf(
  { path, plugin: name, options }: WrittenEntry,
  base: string,
  world: CheckWorld,
  shell: Shell,
): Promise<readonly Diagnostic[]> {
  const { document } = world;
  const upstream = path[0] === 'upstreams' ? String(path[1]) : undefined;
  const builtIn = Object.hasOwn(shell.plugins, name) ? shell.plugins[name] : undefined;
  if (builtIn) {
    const judged = judgeOptions(document, path, options, builtIn.schema);
    return judged.ok ? checkEntry({ path, plugin: builtIn, options: judged.value, upstream }, world) : [];
  }
  if (!isPluginFile(name) || !hasPluginEnding(name)) return [];
  try {
    const loaded = await loadPlugin(resolve(base, name), { deadline: world.time, onStray: () => {} });
    const { plugin, run } = loaded;
    const judged = judgeOptions(document, path, options, plugin.schema);
    const told = judged.ok
      ? await checkEntry({ path, plugin, options: judged.value, upstream, run }, world)
      : judged.diagnostics;
    loaded.dispose();
    return told;
  } catch (error) {
    return [document.at(path, { code: 'PLUGIN_SETUP', message: messageOf(error) })];
  }
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
