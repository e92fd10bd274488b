// Words that may stand in some places only: what touches the process, prints, names an old revision or stays undone.
import { expect, test } from 'bun:test';
import { findLines, readTree, type Tree, withoutComments } from './tree.ts';

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly in: RegExp;
  readonly notIn?: RegExp;
  /** Comments are looked at as well. */
  readonly comments?: true;
}

const code = /^(src|plugins)\//;
const rules: readonly Rule[] = [
  {
    name: 'only src/main.ts and src/cli/ read or change the process',
    // Ending the group of a child has no other way than this one import.
    pattern: /\bprocess\.\w|\bBun\.(env|argv)\b|^import (?!\{ kill \}).*['"](node:)?process['"]/,
    in: code,
    notIn: /^src\/(main\.ts$|cli\/)/,
  },
  {
    name: 'only src/cli/ prints',
    pattern: /\bconsole\.\w/,
    in: code,
    notIn: /^src\/cli\//,
  },
  {
    name: 'the old protocol revisions stay at the edges',
    pattern: /2025|2024-/,
    in: code,
    notIn: /^src\/(protocol\/|demo\/|listeners\/|upstreams\/|testing\/|config\/(schema|sections\/))/,
  },
  {
    name: 'nothing is left undone',
    pattern: new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`),
    in: /./,
    comments: true,
  },
  {
    name: 'no test is switched off or singled out',
    pattern: /\b(test|it|describe)(\.\w+)*\.(skip|only|todo)\b/,
    in: /^test\/(?!house\/words\.test\.ts)/,
  },
];

function violations(rule: Rule, tree: Tree): string[] {
  return [...tree]
    .filter(([path]) => rule.in.test(path) && !rule.notIn?.test(path))
    .flatMap(([path, text]) => findLines(path, rule.comments ? text : withoutComments(text), rule.pattern));
}

const tree = readTree('src', 'plugins', 'test', 'scripts', 'examples');

for (const rule of rules) {
  test(rule.name, () => {
    expect(violations(rule, tree)).toEqual([]);
  });
}

test('`any` is written once: where the options of a plugin are not known yet', () => {
  const sources = [...readTree('src', 'plugins')];
  const found = sources.flatMap(([path, text]) =>
    findLines(path, withoutComments(text), /(\bas|[:<>|&,(=])\s*any\b(?!\s*(\|\||&&|[.(?]))/),
  );
  expect(found.slice(1)).toEqual([]);
});

test('every file opens with what it is', () => {
  const sources = [...readTree('src', 'plugins', 'scripts')];
  expect(sources.flatMap(([path, text]) => (/^(#!.*\n)?\/[/*]/.test(text) ? [] : [path]))).toEqual([]);
});

test('each rule catches its sample', () => {
  const undone = `// ${'TO' + 'DO'}: later`;
  const sample = new Map([
    ['src/core/a.ts', 'const home = process.env.HOME;\n// process.env is not read here'],
    ['src/cli/a.ts', 'console.log(process.argv);'],
    ['src/router/a.ts', "if (era === '2025') console.log(1);\n/* 2025 */"],
    ['src/upstreams/park.ts', "const era = '2025';"],
    ['src/lib/a.ts', undone],
    ['test/unit/a.test.ts', "test.skip('x', () => {});\ntest.skipIf(isMac)('y', () => {});"],
  ]);
  expect(rules.map((rule) => violations(rule, sample))).toEqual([
    ['src/core/a.ts:1  const home = process.env.HOME;'],
    ["src/router/a.ts:1  if (era === '2025') console.log(1);"],
    ["src/router/a.ts:1  if (era === '2025') console.log(1);"],
    [`src/lib/a.ts:1  ${undone}`],
    ["test/unit/a.test.ts:1  test.skip('x', () => {});"],
  ]);
});
