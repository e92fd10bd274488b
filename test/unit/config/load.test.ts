// Loading as a whole: never throws, agrees with itself, and stays cheap on hostile files.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { z } from 'zod';
import { CODES } from '../../../src/config/codes.ts';
import { renderDiagnostics, report, summary } from '../../../src/config/diagnostic.ts';
import { BUILT_IN, VARIABLES } from '../../../src/config/env.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { accepted, inputs, load } from './world.ts';

const PIECE = fc.constantFrom(
  ...[
    'upstreams',
    'pipeline',
    'listeners',
    'http',
    'listen',
    'url',
    'command',
    'headers',
    'env',
    'when',
    'drain',
    'x',
  ],
  ...[
    ': ',
    ':\n',
    '\n',
    '\n  ',
    '\n    - ',
    '- ',
    '{ ',
    ' }',
    '[',
    ']',
    ', ',
    '"',
    "'",
    '|\n',
    '&a ',
    '*a',
    '!t ',
    '# ',
    '\t',
    '<<: *a',
  ],
  ...[
    '${env:HOST}',
    '${secret:api}',
    '${',
    '$${x}',
    '127.0.0.1:1',
    'https://x/',
    'demo',
    '5',
    '5s',
    'null',
    'true',
    '---\n',
    '__proto__',
    '\u0000',
    '日本',
  ],
);

test('no text makes it throw, and every diagnostic is well placed', () => {
  fc.assert(
    fc.property(fc.array(PIECE, { maxLength: 40 }), (pieces) => {
      const text = pieces.join('');
      const result = load(text);
      if (result.ok) return;
      const lines = text.split('\n').length;
      expect(result.diagnostics.length).toBeGreaterThan(0);
      for (const { line, column, length, code, message, frame } of result.diagnostics) {
        expect(line).toBeWithin(1, lines + 1);
        expect(column).toBeGreaterThan(0);
        expect(length).toBeGreaterThan(0);
        expect(Object.hasOwn(CODES, code)).toBe(true);
        expect(message).not.toBe('');
        expect(frame.length).toBeLessThanOrEqual(2);
      }
      expect(renderDiagnostics(result.diagnostics, { color: false })).toEndWith(summary(result.diagnostics));
    }),
    { numRuns: 500 },
  );
});

test('diagnostics come in the order of the file', () => {
  const result = load('drain: 1\nlimits: { body: 1 }\nzzz: 1\nupstreams: { a: {} }\n');
  if (result.ok) throw new Error('accepted');
  const lines = result.diagnostics.map(({ line }) => line);
  expect(lines).toEqual([1, 2, 3, 4]);
});

test('a deep file and a long one end in diagnostics', () => {
  for (const text of [
    '['.repeat(5_000),
    `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
    `a: ${'x'.repeat(500_000)}`,
    '- '.repeat(2_000),
  ]) {
    const result = load(text);
    expect(result.ok).toBe(false);
  }
});

test('the built-in configurations are sound', () => {
  for (const { file, text } of Object.values(BUILT_IN))
    expect(loadConfig({ file, text }, inputs()).ok).toBe(true);
  const demo = loadConfig(undefined, inputs());
  expect(demo.ok && demo.document.file).toBe('built-in demo');
});

test('every variable has its place in the schema', () => {
  const values: Record<string, string> = {
    MCP_UPSTREAM_URL: 'https://x/',
    MCP_API_KEY: 'k',
    MCP_API_SECRET: 's',
    MCP_SIGNING_SCHEME: 'api-key',
    MCP_LISTEN_ADDR: '127.0.0.1:1',
    MCP_ADMIN_ADDR: 'off',
    MCP_LOG_LEVEL: 'debug',
  };
  // Those with a file exclude these: test/config/env-files.txt.
  const names = Object.keys(VARIABLES).filter((name) => !name.endsWith('_FILE'));
  const env = Object.fromEntries(names.map((name) => [name, values[name] ?? '1s']));
  const result = loadConfig(undefined, { ...inputs(), env });
  expect(result.ok).toBe(true);
  // Each of them changes something.
  for (const name of Object.keys(env).filter((name) => name !== 'MCP_UPSTREAM_URL')) {
    const without = loadConfig(undefined, { ...inputs(), env: { ...env, [name]: '' } });
    expect(result.ok && JSON.stringify(result.config)).not.toBe(without.ok && JSON.stringify(without.config));
  }
});

test('the key of the environment is a secret like any other', () => {
  const { config } = accepted('', { MCP_UPSTREAM_URL: 'https://x/', MCP_API_KEY: 'k-1' });
  const [upstream] = config.upstreams;
  expect(upstream?.kind === 'url' && upstream.headers['X-API-Key']?.reveal()).toBe('k-1');
  expect(JSON.stringify(config)).not.toContain('k-1');
});

test('a value of the environment is taken as it is: references in it are not read', () => {
  const { config } = accepted('', { MCP_UPSTREAM_URL: 'https://x/', MCP_API_KEY: '${env:TOKEN}' });
  const [upstream] = config.upstreams;
  expect(upstream?.kind === 'url' && upstream.headers['X-API-Key']?.reveal()).toBe('${env:TOKEN}');
});

test('what a reference holds is never read as YAML', () => {
  const env = { EVIL: 'x", url: "http://evil/\n- a: b' };
  const { config } = accepted('upstreams: { d: { command: x, args: ["${env:EVIL}"] } }', env);
  expect(config.upstreams[0]).toMatchObject({ kind: 'command', args: [env.EVIL] });
});

test('diagnostics as data', () => {
  const result = load('drain: 5\n');
  if (result.ok) throw new Error('accepted');
  expect(report(result.diagnostics)).toEqual({
    version: 1,
    errors: 1,
    warnings: 1,
    diagnostics: [
      {
        severity: 'warning',
        code: 'UPSTREAM_NONE',
        message: 'no upstream',
        hint: 'for a first try: upstreams: { demo: { builtin: demo } }',
        file: 'gateway.yaml',
        line: 1,
        column: 1,
        length: 1,
        frame: [{ line: 1, text: 'drain: 5' }],
      },
      {
        severity: 'error',
        code: 'DURATION_INVALID',
        message: '5 has no unit',
        hint: 'write 5ms or 5s',
        file: 'gateway.yaml',
        line: 1,
        column: 8,
        length: 1,
        frame: [{ line: 1, text: 'drain: 5' }],
      },
    ],
  });
});

test('colour is in the text only when asked for', () => {
  const result = load('drain: 5\n');
  if (result.ok) throw new Error('accepted');
  const plain = renderDiagnostics(result.diagnostics, { color: false });
  const coloured = renderDiagnostics(result.diagnostics, { color: true });
  expect(plain).not.toContain('\u001b');
  expect(coloured).toContain('\u001b[31m^\u001b[0m');
  expect(Bun.stripANSI(coloured)).toBe(plain);
});

test('a document places what is found later, and shows no more than the file', () => {
  const { document } = accepted('upstreams: { d: { builtin: demo } }\n');
  const here = document.at(['upstreams', 'd', 'nothing', 'below'], { code: 'FIELD_MISSING', message: 'm' });
  expect([here.line, here.column, here.length]).toEqual([1, 14, 1]);
  expect(document.at([], { code: 'FIELD_MISSING', message: 'm', on: 'key' })).toMatchObject({
    line: 1,
    column: 1,
  });
  expect(document.redacted()).toEqual({ upstreams: { d: { builtin: 'demo' } } });
});

describe('options of built-in plugins', () => {
  const optionSchemas = { progress: z.strictObject({ every: z.string().optional() }) };

  test('are told together with everything else that is wrong', () => {
    const text =
      'upstreams: { demo: { builtin: demo } }\nlistners: []\npipeline:\n  - progress: { evry: 100ms }\n';
    const result = loadConfig({ file: 'gateway.yaml', text }, { ...inputs(), optionSchemas });
    const codes = result.ok ? [] : result.diagnostics.map(({ code, line }) => `${line} ${code}`);
    expect(codes).toEqual(['2 FIELD_UNKNOWN', '4 FIELD_UNKNOWN']);
  });

  test('of a leg are looked at, too', () => {
    const text = 'upstreams:\n  demo: { builtin: demo, pipeline: [{ progress: { every: 5 } }] }\n';
    const result = loadConfig({ file: 'gateway.yaml', text }, { ...inputs(), optionSchemas });
    expect(result.ok ? [] : result.diagnostics.map(({ line }) => line)).toEqual([2]);
  });
});
