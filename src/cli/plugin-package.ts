// Makes the folder `node_modules/sluice` that plugin authors work with: code for tests, types for editors.
// Runs in a checkout alone: at build time, whose binary carries the result, and for `bun src/main.ts plugin types`.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

export interface TextFile {
  /** With `/`, relative to the folder it is written to. */
  readonly path: string;
  readonly text: string;
}

/** Modules a plugin may import: `sluice/NAME` is `src/NAME.ts`. */
const MODULES = ['plugin', 'testing'];

/**
 * The files below `node_modules/sluice`, from the sources below `root`. Equal sources give equal files.
 * @throws Error when the sources do not compile
 */
export async function makePluginPackage(root: string): Promise<TextFile[]> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const manifest = {
    name: 'sluice',
    version,
    description: 'What plugins of the Sluice gateway import. Written by `sluice plugin types`.',
    type: 'module',
    exports: Object.fromEntries(
      MODULES.map((name) => [`./${name}`, { types: `./${name}.d.ts`, default: `./${name}.js` }]),
    ),
  };
  const files = [...(await code(root)), ...(await types(root)), ...zodTypes(join(root, 'node_modules/zod'))];
  return [{ path: 'package.json', text: `${JSON.stringify(manifest, null, 2)}\n` }, ...files];
}

/** The modules and what they share, zod included: a plugin's test needs nothing else. */
async function code(root: string): Promise<TextFile[]> {
  const built = await Bun.build({
    entrypoints: MODULES.map((name) => join(root, `src/${name}.ts`)),
    target: 'bun',
    format: 'esm',
    splitting: true,
    minify: { whitespace: true, syntax: true },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return Promise.all(
    built.outputs.map(async (output) => ({ path: posix.normalize(output.path), text: await output.text() })),
  );
}

/** The declarations of the modules and of all they mention, as tsc writes them. */
async function types(root: string): Promise<TextFile[]> {
  const out = mkdtempSync(join(tmpdir(), 'sluice-types-'));
  try {
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        outDir: join(out, 'types'),
        rootDir: join(root, 'src'),
        typeRoots: [join(root, 'node_modules')],
      },
      include: [],
      files: MODULES.map((name) => join(root, `src/${name}.ts`)),
    };
    writeFileSync(join(out, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const child = Bun.spawn([Bun.argv[0] ?? 'bun', tsc, '-p', out], { stdout: 'pipe', stderr: 'inherit' });
    const [said, code] = await Promise.all([child.stdout.text(), child.exited]);
    if (code !== 0) throw new Error(`tsc ended with code ${code}\n${said}`);
    return reachable(
      MODULES.map((name) => `${name}.d.ts`),
      join(out, 'types'),
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const RELATIVE = /(\b(?:from|import)\s*\(?\s*['"])(\.[^'"]*)\.(?:ts|js)(?=['"])/g;

/** Files and all that they import by relative paths, whose ending becomes `.js`: `.ts` has to be allowed first. */
function reachable(entries: readonly string[], folder: string): TextFile[] {
  const found = new Map<string, string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    const text = readFileSync(join(folder, path), 'utf8');
    for (const [, , target] of text.matchAll(RELATIVE))
      open.push(posix.join(posix.dirname(path), `${target}.d.ts`));
    found.set(path, text.replace(RELATIVE, '$1$2.js'));
  }
  return [...found].map(([path, text]) => ({ path, text })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** zod's types in a folder of their own: `sluice/plugin` exports `z`, whatever zod the author has or has not. */
function zodTypes(zod: string): TextFile[] {
  const { version } = JSON.parse(readFileSync(join(zod, 'package.json'), 'utf8')) as { version: string };
  const manifest = { name: 'zod', version, license: 'MIT', type: 'module', types: './index.d.ts' };
  const license = readdirSync(zod).find((name) => name === 'LICENSE');
  const files = reachable(['index.d.ts'], zod);
  files.push({ path: 'package.json', text: `${JSON.stringify(manifest, null, 2)}\n` });
  if (license) files.push({ path: license, text: readFileSync(join(zod, license), 'utf8') });
  return files.map(({ path, text }) => ({ path: `node_modules/zod/${path}`, text }));
}
