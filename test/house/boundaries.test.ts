// Which folder may import which: the arrows of ARCHITECTURE.md, read from the import statements themselves.
import { expect, test } from 'bun:test';
import { circles, importsOf } from './imports.ts';
import { readTree, type Tree } from './tree.ts';

const base = ['core', 'protocol', 'lib'];

/** Area → the areas it may import besides itself. An area is a folder of src/, or one file beside them. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  protocol: ['lib'],
  core: ['protocol', 'lib'],
  config: base,
  listeners: base,
  router: base,
  upstreams: base,
  demo: [],
  admin: base,
  gateway: ['config', 'listeners', 'router', 'upstreams', 'demo', 'plugin.ts', 'testing.ts', ...base],
  cli: ['gateway', 'config', 'admin', ...base],
  'main.ts': ['cli', 'plugins'],
  'plugin.ts': base,
  'testing.ts': ['testing', ...base],
  testing: base,
};

function mayImport(from: string, to: string): boolean {
  if (from.startsWith('plugins/')) return mayPluginImport(from, to);
  const area = areaOf(from);
  return area === areaOf(to) || (arrows[area]?.includes(areaOf(to)) ?? false);
}

/** What several plugins need: folders that belong to none of them, and import none. */
const SHARED = ['remote', 'signatures', 'sqlite'];

/** A plugin is a file, or a file and a folder of its name. Only the index knows them all. */
function mayPluginImport(from: string, to: string): boolean {
  if (to === 'src/plugin.ts') return true;
  if (!to.startsWith('plugins/')) return false;
  return from === 'plugins/index.ts' || [pluginOf(from), ...SHARED].includes(pluginOf(to));
}

function pluginOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

/** `src/router/names.ts` → `router`, `src/main.ts` → `main.ts`, `plugins/auth.ts` → `plugins`. */
function areaOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'src' ? second : top;
}

function violations(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) =>
    importsOf(path, text)
      .filter(({ target }) => /^(\.\.|src\/|plugins\/|test\/|scripts\/)/.test(target))
      .filter(({ target }) => !mayImport(path, target))
      .map(({ target }) => `${path} may not import ${target}`),
  );
}

const tree = readTree('src', 'plugins');

test('imports follow the arrows', () => {
  expect(violations(tree)).toEqual([]);
});

test('every folder of src/ has its arrows', () => {
  const areas = new Set([...tree.keys()].filter((path) => path.startsWith('src/')).map(areaOf));
  expect([...areas].filter((area) => !(area in arrows))).toEqual([]);
});

test('no files import each other in a circle at run time', () => {
  expect(circles(tree)).toEqual([]);
});

test('a forbidden import is caught, however it is written', () => {
  const sample = new Map([
    ['src/router/bad.ts', "import type { Park } from '../upstreams/park.ts';"],
    ['src/lib/bad.ts', "export {\n  a,\n  type B,\n} from '../core/errors.ts';"],
    ['src/core/bad.ts', "const late = await import('../../plugins/auth.ts');"],
    ['src/gateway/bad.ts', "import '../cli/run.ts';"],
    ['plugins/auth.ts', "import { x } from './audit.ts';\nimport { z } from 'sluice/plugin';"],
    ['plugins/auth/good.ts', "import { Nonces } from '../signatures/nonces.ts';"],
    ['plugins/signatures/bad.ts', "import type { Method } from '../auth/attempt.ts';"],
    ['plugins/audit.ts', "import * as all from '../src/core/exchange.ts';"],
    [
      'src/main.ts',
      "import plugins from '../plugins/index.ts';\nimport { readTree } from '../test/house/tree.ts';",
    ],
    ['src/config/good.ts', "// import { x } from '../router/route.ts';\nimport { z } from 'zod';"],
  ]);
  expect(violations(sample)).toEqual([
    'src/router/bad.ts may not import src/upstreams/park.ts',
    'src/lib/bad.ts may not import src/core/errors.ts',
    'src/core/bad.ts may not import plugins/auth.ts',
    'src/gateway/bad.ts may not import src/cli/run.ts',
    'plugins/auth.ts may not import plugins/audit.ts',
    'plugins/signatures/bad.ts may not import plugins/auth/attempt.ts',
    'plugins/audit.ts may not import src/core/exchange.ts',
    'src/main.ts may not import test/house/tree.ts',
  ]);
});

test('a circle is caught, one of types alone is none', () => {
  const circle = new Map([
    ['src/lib/a.ts', "import { b } from './b.ts';"],
    ['src/lib/b.ts', "import { c } from './c.ts';"],
    ['src/lib/c.ts', "import { b } from './b.ts';\nimport type { A } from './a.ts';"],
  ]);
  expect(circles(circle)).toEqual(['src/lib/b.ts → src/lib/c.ts → src/lib/b.ts']);
});
