// Documents that cannot lie: the files, folders, commands, errors, fields and figures they name are there.
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../../package.json';
import { plugins } from '../../plugins/index.ts';
import { helpPages } from '../../src/cli/program.ts';
import { CODES } from '../../src/config/codes.ts';
import { VARIABLES } from '../../src/config/env.ts';
import { loadConfig } from '../../src/config/load.ts';
import { catalogue } from '../../src/core/errors.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { importsOf } from './imports.ts';
import { readTree, root } from './tree.ts';

type Pages = ReadonlyMap<string, string>;

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const paths = ['*.md', 'docs/**/*.md', 'examples/**/*.md'].flatMap((glob) => [
  ...new Bun.Glob(glob).scanSync({ cwd: root }),
]);
const pages: Pages = new Map(paths.sort().map((path) => [path, read(path)]));
const architecture = read('ARCHITECTURE.md');

/** `path: what` for each match that is not as it should be. */
function wrong(within: Pages, pattern: RegExp, isRight: (found: string, path: string) => boolean): string[] {
  return [...within].flatMap(([path, text]) => {
    const found = [...text.matchAll(pattern)].map(([all, first]) => first ?? all);
    return [...new Set(found)].filter((each) => !isRight(each, path)).map((each) => `${path}: ${each}`);
  });
}

/** A file as a document names it: from the root, or from src/. */
function isThere(path: string): boolean {
  return [path, `src/${path}`].some((each) => existsSync(join(root, each)));
}

const FILE = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|yaml|json|md)|\w+\.ts)`/g;
const LINK = /\]\(([^)\s]+)\)/g;

function isLink(target: string, from: string): boolean {
  const [path = '', anchor] = target.split('#');
  if (/^[a-z]+:/.test(path)) return true;
  const file = path === '' ? from : join(dirname(from), path);
  if (!existsSync(join(root, file))) return false;
  if (anchor === undefined || statSync(join(root, file)).isDirectory()) return anchor === undefined;
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => slug(text));
  return headings.includes(anchor);
}

/** The anchor of a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

test('no page holds both sides of a merge', () => {
  expect(wrong(pages, /^(?:<{7}|>{7}) .*$/gm, () => false)).toEqual([]);
});

test('ARCHITECTURE.md names files that exist', () => {
  const page = new Map([['ARCHITECTURE.md', architecture]]);
  expect(wrong(page, FILE, isThere)).toEqual([]);
});

test('ARCHITECTURE.md names every folder of src/, and every file that a message passes', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  expect(folders.map(({ name }) => name).filter((name) => !architecture.includes(`| \`${name}\` |`))).toEqual(
    [],
  );
  // What holds the word Handler, carries messages.
  const handlers = [...readTree('src/listeners', 'src/router', 'src/upstreams')].filter(([, text]) =>
    /^import .*\bHandler\b/m.test(text),
  );
  const unnamed = handlers
    .map(([path]) => path.slice('src/'.length))
    .filter((path) => !architecture.includes(path));
  expect(unnamed.filter((path) => !/\/(source|serving)\.ts$/.test(path))).toEqual([]);
});

test('the arrows of ARCHITECTURE.md cover every import', () => {
  const rows = [...architecture.matchAll(/^\| `(\w+)` \| ([^|]*)\|/gm)];
  const arrows = new Map(
    rows.map(([, from = '', to = '']) => [from, [...to.matchAll(/`([\w.]+)`/g)].map((m) => m[1])]),
  );
  const missing = [...readTree('src')].flatMap(([path, text]) => {
    const [, from = '', file] = path.split('/');
    if (file === undefined) return [];
    const targets = importsOf(path, text).map(({ target }) => target.split('/'));
    const areas = targets.filter(([top]) => top === 'src').map(([, area = '']) => area);
    return areas
      .filter((area) => area !== from && !arrows.get(from)?.includes(area))
      .map((to) => `${from} → ${to}`);
  });
  expect([...new Set(missing)]).toEqual([]);
});

test('links lead somewhere', () => {
  expect(wrong(pages, LINK, isLink)).toEqual([]);
});

const COMMAND = /(?:^|[`(|] ?|exec )(?:\.\/)?sluice ([a-z]+)\b/gm;
const commands = new Set(helpPages().map(({ command }) => command.split(' ')[0]));

test('commands are those of the command line', () => {
  expect(wrong(pages, COMMAND, (name) => commands.has(name))).toEqual([]);
  const isScript = (name: string): boolean => name in manifest.scripts;
  expect(wrong(pages, /npm run (?:--silent )?([a-z:]+)/g, isScript)).toEqual([]);
});

test('errors, fields and figures are those of the code', () => {
  const names: readonly string[] = [
    ...Object.keys(catalogue),
    ...Object.keys(CODES),
    ...Object.keys(VARIABLES),
  ];
  const foreign =
    /^(MCP|SLUICE|XDG|BUN|INITIALIZE|STATELESS|REMOTE|BRIDGE|SHARED|NO|NODE|FORCE|CREDENTIALS)_/;
  expect(
    wrong(pages, /`([A-Z]+(?:_[A-Z]+)+)`/g, (name) => names.includes(name) || foreign.test(name)),
  ).toEqual([]);
  const reference = read('docs/configuration.md');
  const isField = (field: string): boolean => reference.includes(`\`${field}\``);
  expect(wrong(pages, /`((?:limits|admin|state|telemetry)\.[a-z_.]+)`/g, isField)).toEqual([]);
  const { registry } = createMetrics();
  const figures = registry.getMetricsAsArray().map(({ name }) => name);
  const isFigure = (name: string): boolean =>
    figures.some((known) => name.replace(/_(bucket|sum|count)$/, '') === known);
  expect(
    wrong(pages, /\b(sluice_[a-z_]+)/g, (name) => isFigure(name) || name === 'sluice_build_info'),
  ).toEqual([]);
});

test('the configurations shown are sound', () => {
  const inputs = {
    env: { HOME: '/home/you' },
    readFile: () => 'x',
    baseDir: '/',
    plugins: Object.keys(plugins),
  };
  for (const path of ['README.md', 'docs/start.md']) {
    const shown = [...(pages.get(path) ?? '').matchAll(/```yaml\n([\s\S]*?)```/g)];
    expect(shown.length).toBeGreaterThan(0);
    for (const [, text = ''] of shown)
      expect(loadConfig({ file: path, text }, inputs)).toMatchObject({ ok: true });
  }
});

test('decisions are numbered without a gap, and say context, decision and cost', () => {
  const files = readdirSync(join(root, 'docs/decisions')).sort();
  files.forEach((file, at) => {
    const number = String(at + 1).padStart(4, '0');
    expect(file).toStartWith(number);
    expect(file).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
    const headings = [...read(`docs/decisions/${file}`).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text);
    expect(headings[0]).toStartWith(`${number} `);
    expect(headings.slice(1)).toEqual(['Context', 'Decision', 'Cost']);
  });
});

test('each rule catches its sample', () => {
  const text = 'See `router/gone.ts`, [this](gone.md).\nsluice run\nsluice walk';
  const sample = new Map([['docs/sample.md', text]]);
  expect(wrong(sample, FILE, isThere)).toEqual(['docs/sample.md: router/gone.ts']);
  expect(wrong(sample, LINK, isLink)).toEqual(['docs/sample.md: gone.md']);
  expect(wrong(sample, COMMAND, (name) => commands.has(name))).toEqual(['docs/sample.md: walk']);
  expect(isLink('errors.md#busy', 'docs/eras.md')).toBe(true);
  expect(isLink('errors.md#gone', 'docs/eras.md')).toBe(false);
});
