// Runs test/config/*.txt: a configuration, a line of dashes, then what is made of it. Leading comments may say
// `# env: NAME=value` or `# no file`. `UPDATE=1 bun test cases` writes the second halves anew: read the diff.
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODES } from '../../../src/config/codes.ts';
import { renderDiagnostics } from '../../../src/config/diagnostic.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { bareEndpoint } from '../../../src/config/settle.ts';
import { PREFIX } from '../../../src/lib/name-template.ts';
import { accepted, CANARIES, inputs } from './world.ts';

const DIRECTORY = join(import.meta.dir, '../../config');
const RULE = '----------\n';
const FILES = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.txt'))
  .sort();

const PRESET = accepted(`
upstreams: { b: { builtin: demo }, u: { url: http://x/ }, c: { command: x } }
pipeline: [progress]
`).config;

/** What differs from the defaults; the rest would drown it. */
function prune(value: unknown, preset: unknown): unknown {
  if (typeof value !== 'object' || typeof preset !== 'object' || value === null || preset === null)
    return value;
  if (Array.isArray(value)) return value;
  const kept = Object.entries(value).flatMap(([key, held]) => {
    const usual = (preset as Record<string, unknown>)[key];
    return Bun.deepEquals(held, usual) ? [] : [[key, prune(held, usual)]];
  });
  return Object.fromEntries(kept);
}

function normalise(config: Config): string {
  const plain = JSON.parse(JSON.stringify(config)) as Config;
  const preset = JSON.parse(JSON.stringify(PRESET)) as Config;
  const entries = (list: Config['pipeline']): unknown =>
    list.map((entry) => ({
      plugin: entry.plugin,
      ...(prune(entry, { ...preset.pipeline[0], id: entry.plugin, path: entry.path }) as object),
    }));
  const upstreams = plain.upstreams.map((upstream) => {
    const usual = preset.upstreams.find(({ kind }) => kind === upstream.kind);
    const { pipeline, ...rest } = upstream;
    const pruned = prune(rest, { ...usual, kind: '', path: upstream.path }) as object;
    return pipeline.length === 0 ? pruned : { ...pruned, pipeline: entries(pipeline) };
  });
  const { pipeline, upstreams: _, endpoints, ...rest } = plain;
  const names = plain.upstreams.map(({ name }) => name);
  const [only, ...more] = endpoints;
  const isUsual = more.length === 0 && Bun.deepEquals(only, usualEndpoint('/mcp', names, '/sse'));
  const shown = endpoints.map(({ path, upstreams, sse, ...given }) => {
    const { path: _path, upstreams: _all, sse: _sse, ...usual } = usualEndpoint(path, upstreams, sse);
    return { path, upstreams, ...(prune(given, usual) as object), sse };
  });
  const others = { ...(prune(rest, preset) as object), ...(isUsual ? {} : { endpoints: shown }) };
  return JSON.stringify({ ...others, upstreams, pipeline: entries(pipeline) }, null, 2);
}

/** As JSON has it. */
function usualEndpoint(
  path: string,
  upstreams: readonly string[],
  sse: string | undefined,
): Config['endpoints'][number] {
  const isPrefixed = upstreams.length > 1;
  const template = isPrefixed ? PREFIX : undefined;
  return JSON.parse(
    JSON.stringify({ ...bareEndpoint(path, ''), upstreams, template, shortNames: isPrefixed, sse }),
  );
}

/** What loading a case gives, as text. */
function outcome(text: string): string {
  const env = Object.fromEntries(
    [...text.matchAll(/^# env: (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
  const source = /^# no file$/m.test(text) ? undefined : { file: 'gateway.yaml', text };
  const result = loadConfig(source, inputs(env));
  if (!result.ok) return `${renderDiagnostics(result.diagnostics, { color: false })}\n`;
  const warnings =
    result.warnings.length > 0 ? `${renderDiagnostics(result.warnings, { color: false })}\n` : '';
  return `${warnings}${normalise(result.config)}\n`;
}

test.each(FILES)('%s', (name) => {
  const path = join(DIRECTORY, name);
  const [text = '', expected = ''] = readFileSync(path, 'utf8').split(RULE);
  const actual = outcome(text);
  for (const canary of CANARIES) expect(actual).not.toContain(canary);
  if (Bun.env.UPDATE === '1') writeFileSync(path, `${text}${RULE}${actual}`);
  else expect(actual).toBe(expected);
});

test('there are cases, and every code a configuration alone can cause has one', () => {
  const all = FILES.map((name) => readFileSync(join(DIRECTORY, name), 'utf8').split(RULE)[1] ?? '').join(
    '\n',
  );
  // Options are judged by plugins and addresses by the system, both after loading: options.test.ts, gateway.
  // A secret that is there and cannot be read: unit/cli/secrets.test.ts.
  const later = [
    'SECRET_UNREADABLE',
    'PLUGIN_OPTIONS',
    'PLUGIN_SETUP',
    'PLUGIN_INTEGRITY',
    'PINS_UNREADABLE',
    'FIELD_MISSING',
    'LISTEN_FAILED',
  ];
  expect(Object.keys(CODES).filter((code) => !later.includes(code) && !all.includes(`  ${code}\n`))).toEqual(
    [],
  );
  expect(FILES.length).toBeGreaterThanOrEqual(40);
});
