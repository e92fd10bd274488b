// docs/writing-plugins.md does what it says: every block of code in it is run, as an author with only the binary would.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { plugins } from '../../plugins/index.ts';
import { newPlugin } from '../../src/cli/plugin-new.ts';
import { pluginTypes } from '../../src/cli/plugin-types.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readOptions } from '../../src/config/options.ts';
import { loadPlugin } from '../../src/gateway/load.ts';

const root = join(import.meta.dir, '../..');
const page = readFileSync(join(root, 'docs/writing-plugins.md'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'sluice-author-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Block {
  readonly language: string;
  readonly file: string;
  readonly text: string;
}
const blocks: Block[] = [...page.matchAll(/^```(\w*) ?(\S*)\n(.*?)^```$/gms)].map(
  ([, language = '', file = '', text = '']) => ({ language, file, text }),
);
const typescript = blocks.filter(({ language }) => language === 'ts');

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

/** Runs a program in the author's folder. */
async function run(...command: string[]): Promise<{ code: number; said: string }> {
  const child = Bun.spawn([process.execPath, ...command], { cwd: dir, stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, said: out + err };
}

/** The problems of a gateway.yaml in the author's folder, those of plugin options included. */
async function problems(text: string): Promise<string[]> {
  const loaded = loadConfig(
    { file: 'gateway.yaml', text },
    {
      env: { BILLING_KEY: '0123456789abcdef' },
      readFile: () => '',
      baseDir: dir,
      plugins: Object.keys(plugins),
    },
  );
  if (!loaded.ok) return loaded.diagnostics.map(({ message }) => message);
  const { config, document } = loaded;
  const entries = [...config.pipeline, ...config.upstreams.flatMap(({ pipeline }) => pipeline)];
  const found: string[] = [];
  for (const entry of entries) {
    const plugin = plugins[entry.plugin] ?? (await loadPlugin(entry.plugin, { onStray() {} })).plugin;
    const options = readOptions(document, entry, plugin.schema);
    if (!options.ok) found.push(...options.diagnostics.map(({ message }) => message));
  }
  return found;
}

/** What the commands in the page stand for in this test, where there is no binary. */
const commands: Readonly<Record<string, () => Promise<void>>> = {
  'sluice plugin new guard': async () => {
    for (const { path, text } of newPlugin('guard', 'plugins').files) write(path, text);
  },
  'sluice check': async () => {
    const text = blocks.find(({ file }) => file === 'gateway.yaml')?.text ?? '';
    expect(await problems(text)).toEqual([]);
  },
  'sluice run': async () => {},
  'sluice plugin types': async () => {
    for (const { path, text } of await pluginTypes()) write(path, text);
  },
  'bun test': async () => expect((await run('test')).said).not.toContain('(fail)'),
  'BUN_BE_BUN=1 sluice test': async () => {},
};

beforeAll(async () => {
  await commands['sluice plugin types']?.();
  for (const { file, text } of typescript) write(file, text);
});

test('every block says what it is, and none is left out', () => {
  expect(blocks.filter(({ language }) => !['sh', 'ts', 'yaml'].includes(language))).toEqual([]);
  expect(blocks.filter(({ language, file }) => language !== 'sh' && file === '')).toEqual([]);
  expect(page.split('\n').filter((line) => line.startsWith('```')).length).toBe(blocks.length * 2);
});

describe('commands', () => {
  const lines = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split('\n'));
  for (const line of lines) {
    test(line, async () => {
      expect(Object.keys(commands)).toContain(line);
      await commands[line]?.();
    });
  }
});

test('`sluice plugin new` writes what the page shows', () => {
  const files = newPlugin('guard', 'plugins').files;
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.ts'))) {
    expect(typescript.find(({ file }) => file === path)?.text).toBe(text);
  }
});

describe('configurations', () => {
  for (const { file, text } of blocks.filter(({ language }) => language === 'yaml')) {
    test(`${file}: ${text.split('\n').find((line) => line.includes('.ts'))}`, async () => {
      expect(await problems(text)).toEqual([]);
    });
  }
});

describe('plugins', () => {
  for (const { file } of typescript.filter(({ file }) => !file.endsWith('.test.ts'))) {
    test(`${file} loads, and has a test in the page`, async () => {
      const loaded = await loadPlugin(join(dir, file), { onStray() {} });
      expect(file).toEndWith(`/${loaded.plugin.name}.ts`);
      loaded.dispose();
      expect(typescript.map((block) => block.file)).toContain(file.replace('.ts', '.test.ts'));
    });
  }
});

test('the tests in the page pass, on nothing but the files beside them', async () => {
  const { code, said } = await run('test');
  expect(said).toContain(' 0 fail');
  expect(said).toContain(`Ran ${page.match(/^test\('/gm)?.length} tests`);
  expect(code).toBe(0);
});

describe('types', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const check = async (compilerOptions: Record<string, unknown>): Promise<string> => {
    const all = { strict: true, noEmit: true, target: 'esnext', types: ['bun-types'], ...compilerOptions };
    const typeRoots = [join(root, 'node_modules')];
    const options = { ...all, typeRoots, allowImportingTsExtensions: true, exactOptionalPropertyTypes: true };
    write('tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['plugins'] }));
    return (await run(tsc, '-p', '.')).said;
  };

  for (const [module, moduleResolution] of [
    ['esnext', 'bundler'],
    ['nodenext', 'nodenext'],
  ]) {
    test(`everything in the page is sound for an editor that resolves as ${moduleResolution}`, async () => {
      expect(await check({ module, moduleResolution })).toBe('');
    }, 120_000);
  }

  test('and mistakes are found', async () => {
    const body = `name: 'bad', api: 1, about: '', schema: z.strictObject({ n: z.int() })`;
    write(
      'plugins/bad.ts',
      `import { definePlugin, z } from 'sluice/plugin';
import { testPlugin } from 'sluice/testing';
const bad = definePlugin({ ${body}, setup: ({ m }) => ({}) });
export const no = definePlugin({ ${body}, setup: () => ({ onRequest: () => 'no' }) });
await testPlugin(bad, { n: 'one' });
export default definePlugin({ ${body}, setup: () => ({ onRequest(request) { request.params.name = 'x'; } }) });
`,
    );
    const said = await check({ module: 'esnext', moduleResolution: 'bundler' });
    rmSync(join(dir, 'plugins/bad.ts'));
    const places = [...said.matchAll(/^plugins\/bad\.ts\((\d+),/gm)].map(([, line]) => Number(line));
    expect(places).toEqual([3, 4, 5, 6]);
  }, 120_000);
});
