// `sluice plugin new`: names, places, and that what it writes is what a person would have written.
import { expect, test } from 'bun:test';
import { newPlugin } from '../../src/cli/plugin-new.ts';

test('a plugin, its test and a page, below the folder', () => {
  const { files } = newPlugin('rate-card', 'plugins');
  expect(files.map(({ path }) => path)).toEqual([
    'plugins/rate-card.ts',
    'plugins/rate-card.test.ts',
    'plugins/rate-card.md',
  ]);
  expect(files[0]?.text).toContain("name: 'rate-card'");
  expect(files[1]?.text).toContain("from './rate-card.ts'");
  expect(files[2]?.text).toContain('- ./plugins/rate-card.ts: {');
});

test('no placeholder is left, and lines are short', () => {
  for (const { text } of newPlugin('x', '.').files) {
    expect(text).not.toMatch(/\b(?:NAME|ENTRY)\b/);
    expect(text.split('\n').filter((line) => line.length > 110)).toEqual([]);
    expect(text).toEndWith('\n');
  }
});

test('the entry is a path gateway.yaml takes', () => {
  const entry = (dir: string) => /- (\S+): \{/.exec(newPlugin('x', dir).files[2]?.text ?? '')?.[1];
  expect([entry('.'), entry('./a/b/'), entry('..'), entry('/etc/sluice'), entry('a\\b')]).toEqual([
    ...['./x.ts', './a/b/x.ts', '../x.ts', '/etc/sluice/x.ts', './a/b/x.ts'],
  ]);
});

test('a name that is none is refused', () => {
  for (const name of ['', 'Redact', '1st', '../x', 'a b', 'x.ts', '-x', 'x'.repeat(64)]) {
    expect(() => newPlugin(name, 'plugins')).toThrow(`"${name}" is no name for a plugin`);
  }
});
