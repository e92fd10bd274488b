// Plugin files: what they may import, that every load is a fresh one, and what a broken one says.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z as zod } from 'zod';
import { loadPlugin, PluginFileError, setUp } from '../../../src/gateway/load.ts';
import { cacheGraph, type OpenGraph, openGraph } from '../../../src/gateway/modules.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { exchangeOf } from '../../../src/testing/call.ts';
import { BARE_HOST } from '../../fixtures/plugin-host.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-load-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes files into a folder of their own. */
function folder(files: Record<string, string>): string {
  const dir = mkdtempSync(join(root, 'p-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const onStray = (error: unknown): never => {
  throw error;
};
const x = exchangeOf({ method: 'tools/call' }, 'x1', new AbortController().signal, 0);

/** A plugin that answers with the JSON of an expression. */
const plugin = (imports: string, expression: string) => `
import { definePlugin, McpResult, z } from 'sluice/plugin';
${imports}
export default definePlugin({
  name: 'p', api: 1, about: 'Answers.', schema: z.object({}),
  setup: () => ({ onRequest: async () => McpResult.complete({ value: ${expression} }) }),
});`;

async function answerOf(path: string, open: OpenGraph): Promise<McpResult> {
  const loaded = await loadPlugin(path, { onStray, open });
  const hooks = await setUp(loaded, {}, BARE_HOST);
  const answer = await hooks.onRequest?.(new McpRequest('tools/call', undefined), x, () => undefined);
  loaded.dispose();
  return answer as McpResult;
}

const RICH = {
  'p.ts': plugin(
    `import { near } from './lib/near.ts';
     import pad from 'pad';
     import { typed } from '@acme/typed/deep';
     import data from './data.json';
     import * as all from 'zod';
     import preset, { z as other } from 'zod';
     enum Colour { Red = 'red' }
     let calls = 0;`,
    `[near, pad('x'), typed, data.version, Colour.Red as string, ++calls, z === other, all.z === z, preset.string === z.string]`,
  ),
  'lib/near.ts': `export const near: string = 'near 1';`,
  'data.json': '{ "version": 1 }',
  'node_modules/pad/package.json': '{ "name": "pad", "main": "lib/main.js" }',
  'node_modules/pad/lib/main.js': `const { dots } = require('./dots'); module.exports = (text) => dots + text;`,
  'node_modules/pad/lib/dots.js': `exports.dots = '..';`,
  'node_modules/@acme/typed/package.json':
    '{ "name": "@acme/typed", "exports": { "./deep": "./src/deep.ts" } }',
  'node_modules/@acme/typed/src/deep.ts': `export const typed: string = 'typed 1';`,
};

for (const [name, open] of Object.entries({ ModuleGraph: openGraph, 'the module cache': cacheGraph })) {
  describe(`with ${name}`, () => {
    test('a plugin has its own files and packages, and the gateway’s API and zod', async () => {
      const answer = await answerOf(join(folder(RICH), 'p.ts'), open);
      expect(answer).toBeInstanceOf(McpResult);
      expect(answer.value.value).toEqual(['near 1', '..x', 'typed 1', 1, 'red', 1, true, true, true]);
    });

    test('the gateway’s API and zod win over packages of these names beside the plugin', async () => {
      const dir = folder({
        'p.ts': plugin(`import { z as other } from 'zod';`, `other === z`),
        'node_modules/zod/package.json': '{ "name": "zod", "main": "i.js" }',
        'node_modules/zod/i.js': `exports.z = 'another zod';`,
        'node_modules/sluice/package.json': '{ "name": "sluice" }',
        'node_modules/sluice/plugin.js': `export const definePlugin = () => 'another sluice';`,
      });
      const loaded = await loadPlugin(join(dir, 'p.ts'), { onStray, open });
      expect(loaded.plugin.schema).toBeInstanceOf(zod.ZodType);
      loaded.dispose();
      expect((await answerOf(join(dir, 'p.ts'), open)).value).toEqual({ value: true });
    });

    test('a load reads everything anew and shares no state with the one before', async () => {
      const dir = folder(RICH);
      await answerOf(join(dir, 'p.ts'), open);
      const again = {
        'lib/near.ts': RICH['lib/near.ts'],
        'data.json': RICH['data.json'],
        'node_modules/@acme/typed/src/deep.ts': RICH['node_modules/@acme/typed/src/deep.ts'],
      };
      for (const [path, text] of Object.entries(again))
        writeFileSync(join(dir, path), text.replace('1', '2'));
      writeFileSync(join(dir, 'node_modules/pad/lib/dots.js'), `exports.dots = '::';`);
      const { value } = (await answerOf(join(dir, 'p.ts'), open)).value as { value: unknown };
      expect(value).toEqual(['near 2', '::x', 'typed 2', 2, 'red', 1, true, true, true]);
    });

    test('a file that was mended loads', async () => {
      const dir = folder({
        'p.ts': plugin(`import { a } from './a.ts';`, 'a'),
        'a.ts': 'export const a = = 1;',
      });
      await expect(loadPlugin(join(dir, 'p.ts'), { onStray, open })).rejects.toThrow('a.ts:1:18');
      writeFileSync(join(dir, 'a.ts'), 'export const a = 1;');
      expect((await answerOf(join(dir, 'p.ts'), open)).value).toEqual({ value: 1 });
    });

    test('the kit for tests can be had, too', async () => {
      const dir = folder({
        'p.ts': plugin(`import { testPlugin } from 'sluice/testing';`, 'typeof testPlugin'),
      });
      expect((await answerOf(join(dir, 'p.ts'), open)).value).toEqual({ value: 'function' });
    });
  });
}

describe('a file that does not load says why', () => {
  const messageOf = async (files: Record<string, string>, deadline = 5_000): Promise<string> => {
    const dir = folder(files);
    const path = join(dir, 'p.ts');
    const error: unknown = await loadPlugin(path, { onStray, deadline }).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(PluginFileError);
    const { message, path: said } = error as PluginFileError;
    expect([said, message.includes('\n')]).toEqual([path, false]);
    return message.replaceAll(dir, '');
  };
  const body = `name: 'p', api: 1, about: '', schema: z.object({}), setup: () => ({})`;
  const cases: Record<string, [files: Record<string, string>, message: string]> = {
    'no file': [{}, 'there is no file /p.ts'],
    'a folder': [{ 'p.ts/x.ts': '' }, 'there is no file /p.ts'],
    'a syntax error': [
      { 'p.ts': `export const a = 1;\n  const b = = 2;\n` },
      '/p.ts:2:13 Unexpected = in `const b = = 2;`',
    ],
    'a syntax error in a file it imports': [
      { 'p.ts': `import './q.ts';`, 'q.ts': 'export {' },
      '/q.ts:1:8 Expected identifier but found end of file in `export {`',
    ],
    'a package that is missing': [
      { 'p.ts': `// first\nimport x from '@acme/not-there/deep';\nexport default x;` },
      '/p.ts:2:16 imports the package "@acme/not-there", which is not installed in  or above',
    ],
    'a file that is missing': [
      { 'p.ts': `import x from "./gone.ts";\nexport default x;` },
      '/p.ts:1:16 imports "./gone.ts", which does not exist',
    ],
    'a name that is not exported': [
      { 'p.ts': `import { gone } from './q.ts';\nexport default gone;`, 'q.ts': 'export const here = 1;' },
      `/p.ts throws while it loads: SyntaxError: Export named 'gone' not found in module '/q.ts'.`,
    ],
    'an error while it runs': [
      { 'p.ts': `import './q.ts';\nexport default 1;`, 'q.ts': `\nthrow new RangeError('no luck');` },
      '/q.ts:2:11 throws while it loads: RangeError: no luck',
    ],
    'no default export': [
      { 'p.ts': `export const plugin = {};` },
      '/p.ts exports no default plugin (use `export default definePlugin({...})`)',
    ],
    'another default export': [
      { 'p.ts': `export default () => ({});` },
      '/p.ts exports a function by default, not a plugin (use `export default definePlugin({...})`)',
    ],
    'half a plugin': [
      { 'p.ts': `export default { name: 'p', api: 1, setup() {} };` },
      '/p.ts exports a plugin without about (text), schema (a zod 4 schema) (use `export default definePlugin({...})`)',
    ],
    'another api': [
      { 'p.ts': `import { z } from 'zod'; export default { ${body.replace('api: 1', 'api: 2')} };` },
      '/p.ts is written for plugin api 2, this is 1',
    ],
  };
  for (const [what, [files, message]] of Object.entries(cases)) {
    test(what, async () => expect(await messageOf(files)).toBe(message));
  }

  test('one that never finishes', async () => {
    const files = { 'p.ts': `await new Promise(() => {});\nexport default 1;` };
    expect(await messageOf(files, 50)).toBe(
      '/p.ts did not finish loading within 50 ms (does it await something at the top level?)',
    );
  });

  test('a hook whose name is misspelt is no hook', async () => {
    const hooks = body.replace('=> ({})', '=> ({ onReqest() {} })');
    const dir = folder({ 'p.ts': `import { z } from 'zod'; export default { ${hooks} };` });
    const loaded = await loadPlugin(join(dir, 'p.ts'), { onStray });
    await expect(setUp(loaded, {}, BARE_HOST)).rejects.toThrow(
      'returns a hook "onReqest" from setup, which nobody calls',
    );
  });
});
