// `sluice plugin new` and `sluice plugin types`: writes the files that plugin-new.ts and plugin-types.ts make.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { display } from './config.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { newPlugin } from './plugin-new.ts';
import type { TextFile } from './plugin-package.ts';
import { pluginTypes } from './plugin-types.ts';
import type { Shell } from './shell.ts';

/** Writes a plugin to begin with; a file that is there already stops it before anything is written. */
export function pluginNew(
  shell: Shell,
  name: string,
  options: { readonly dir?: string | undefined },
): number {
  const files = filesOf(name, options.dir ?? 'plugins');
  const there = files.find(({ path }) => existsSync(resolve(shell.cwd, path)));
  if (there !== undefined)
    throw new CliError(
      EXIT.failed,
      `${there.path} exists and is left as it is`,
      'choose another name or --dir',
    );
  write(shell.cwd, files);
  for (const { path } of files) shell.out.write(`${display(resolve(shell.cwd, path), shell.cwd)}\n`);
  shell.err.write('name the .ts file in the pipeline of gateway.yaml, then `sluice check`\n');
  return EXIT.ok;
}

/** Writes `node_modules/sluice` into the working directory, in place of an older one. */
export async function pluginTypesHere(shell: Shell): Promise<number> {
  const files = await pluginTypes();
  rmSync(join(shell.cwd, 'node_modules', 'sluice'), { recursive: true, force: true });
  write(shell.cwd, files);
  shell.err.write('wrote node_modules/sluice\n');
  return EXIT.ok;
}

function filesOf(name: string, dir: string): readonly TextFile[] {
  try {
    return newPlugin(name, dir).files;
  } catch (error) {
    throw new CliError(EXIT.usage, error instanceof Error ? error.message : String(error));
  }
}

function write(cwd: string, files: readonly TextFile[]): void {
  for (const { path, text } of files) {
    const file = resolve(cwd, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    } catch (error) {
      throw new CliError(EXIT.failed, `cannot write ${path}: ${systemCode(error) ?? String(error)}`);
    }
  }
}
