// `bun run gen` writes every generated file. With --check it writes nothing and fails when one is stale.
import { join } from 'node:path';
import { generated as configFiles } from './gen-config.ts';
import { cliPage, errorsPage } from './gen-docs.ts';

const root = join(import.meta.dir, '..');

/** Path from the root of the project → text, for everything that is made from code. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map(Object.entries(configFiles()));
  files.set('docs/errors.md', errorsPage());
  const commands = await cliPage();
  if (commands !== undefined) files.set('docs/cli.md', commands);
  return files;
}

/** Of these files, the paths whose text on disk is another one. */
export async function stalePaths(files: ReadonlyMap<string, string>): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of files) {
    const file = Bun.file(join(root, path));
    if (!(await file.exists()) || (await file.text()) !== text) stale.push(path);
  }
  return stale;
}

if (import.meta.main) {
  const files = await generatedFiles();
  const stale = await stalePaths(files);
  if (process.argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is stale: run \`bun run gen\``);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else if (process.argv.includes('--list')) {
    for (const path of files.keys()) console.log(path);
  } else {
    for (const path of stale) {
      await Bun.write(join(root, path), files.get(path) ?? '');
      console.log(`wrote ${path}`);
    }
  }
}
