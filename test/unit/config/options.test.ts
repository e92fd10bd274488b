// Options of a plugin: judged by its own schema, placed in the file, read as the schema wants them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import { z } from 'zod';
import { renderDiagnostics } from '../../../src/config/diagnostic.ts';
import { optionDiagnostics, readOptions } from '../../../src/config/options.ts';
import { accepted } from './world.ts';

const SCHEMA = z.strictObject({
  rate: z.string().regex(/^\d+\/[smh]$/),
  burst: z.int().min(1).default(1),
  strict: z.boolean().optional(),
  per: z.enum(['principal', 'address']).optional(),
  deep: z.strictObject({ list: z.array(z.strictObject({ name: z.string() })) }).optional(),
});

function read(entry: string) {
  const loaded = accepted(`upstreams: { d: { builtin: demo } }\npipeline:\n${entry}`);
  const [first] = loaded.config.pipeline;
  if (first === undefined) throw new Error('no entry');
  return { loaded, entry: first, result: readOptions(loaded.document, first, SCHEMA) };
}

/** The diagnostics as text. */
function refused(entry: string): string {
  const { result } = read(entry);
  if (result.ok) throw new Error('accepted');
  return renderDiagnostics(result.diagnostics, { color: false });
}

test('good options come back as the schema makes them', () => {
  expect(read('  - ratelimit: { rate: 60/m }').result).toEqual({
    ok: true,
    value: { rate: '60/m', burst: 1 },
  });
});

test('whole references become numbers and booleans where they are wanted, and stay text elsewhere', () => {
  const { result } = read(
    '  - ratelimit: { rate: "${env:EIGHT}/s", burst: "${env:EIGHT}", strict: "${env:YES}" }',
  );
  expect(result).toEqual({ ok: true, value: { rate: '8/s', burst: 8, strict: true } });
  expect(refused('  - ratelimit: { rate: 1/s, strict: "${env:EIGHT}" }')).toContain(
    'true or false is wanted, not a text',
  );
});

test('a secret is never read as a number', () => {
  const text = refused('  - ratelimit: { rate: 1/s, burst: "${secret:api}" }');
  expect(text).toContain('a number is wanted, not a text');
});

test('every problem at its place, with a suggestion', () => {
  expect(
    refused(
      '  - ratelimit:\n      rat: 60/m\n      burst: 0\n      per: adress\n      deep: { list: [{ nam: x }] }',
    ),
  ).toBe(
    [
      'gateway.yaml:3:5  "rate" is missing                                FIELD_MISSING',
      '  2 │ pipeline:',
      '  3 │   - ratelimit:',
      '    │     ^^^^^^^^^',
      'gateway.yaml:4:7  unknown field "rat"                              FIELD_UNKNOWN',
      '  3 │   - ratelimit:',
      '  4 │       rat: 60/m',
      '    │       ^^^  did you mean "rate"?',
      'gateway.yaml:5:14  must be at least 1                             PLUGIN_OPTIONS',
      '  3 │   - ratelimit:',
      '  5 │       burst: 0',
      '    │              ^',
      'gateway.yaml:6:12  not one of principal, address                  PLUGIN_OPTIONS',
      '  3 │   - ratelimit:',
      '  6 │       per: adress',
      '    │            ^^^^^^  did you mean "address"?',
      'gateway.yaml:7:22  "name" is missing                               FIELD_MISSING',
      '  3 │   - ratelimit:',
      '  7 │       deep: { list: [{ nam: x }] }',
      '    │                      ^^^^^^^^^^',
      'gateway.yaml:7:24  unknown field "nam"                             FIELD_UNKNOWN',
      '  3 │   - ratelimit:',
      '  7 │       deep: { list: [{ nam: x }] }',
      '    │                        ^^^  did you mean "name"?',
      '6 errors',
    ].join('\n'),
  );
});

test.each(['  - ratelimit', '  - ratelimit:', '  - ratelimit: {}'])(
  'without options the plugin is to blame: %p',
  (entry) => {
    expect(refused(entry)).toContain('gateway.yaml:3:5  "rate" is missing');
  },
);

test('options of an upstream’s own pipeline', () => {
  const { document, config } = accepted(
    'upstreams:\n  d:\n    builtin: demo\n    pipeline:\n      - ./x.ts: { rat: 1 }\n',
  );
  const entry = config.upstreams[0]?.pipeline[0];
  if (entry === undefined) throw new Error('no entry');
  const error = SCHEMA.safeParse(entry.options).error;
  if (error === undefined) throw new Error('accepted');
  const found = optionDiagnostics(document, entry.path, error);
  expect(found.map(({ line, column, code }) => [line, column, code])).toEqual([
    [5, 9, 'FIELD_MISSING'],
    [5, 19, 'FIELD_UNKNOWN'],
  ]);
});

test('a plugin that fails to start is shown at its entry', () => {
  const { loaded, entry } = read('  - ratelimit: { rate: 1/s }');
  const diagnostic = loaded.document.at(entry.path, {
    code: 'PLUGIN_SETUP',
    message: 'port is taken',
    on: 'key',
  });
  expect(renderDiagnostics([diagnostic], { color: false })).toStartWith('gateway.yaml:3:5  port is taken');
});

test('options look and behave like plain data', () => {
  const { entry } = read('  - ratelimit: { rate: "${env:EIGHT}/s", burst: 2 }');
  expect(Object.entries(entry.options ?? {})).toEqual([
    ['rate', '8/s'],
    ['burst', 2],
  ]);
  expect({ ...entry.options }).toEqual({ rate: '8/s', burst: 2 });
  expect(JSON.stringify(entry.options)).toBe('{"rate":"${env:EIGHT}/s","burst":2}');
});

test('a member that says which of several forms is meant: what is wrong with it, and with that form alone', () => {
  const forms = z.discriminatedUnion('scheme', [
    z.strictObject({ scheme: z.literal('hmac-v1'), key: z.string() }),
    z.strictObject({ scheme: z.literal('api-key'), name: z.string() }),
  ]);
  const told = (options: string): string => {
    const { loaded, entry } = read(`  - ratelimit: ${options}`);
    const result = readOptions(loaded.document, entry, forms);
    return result.ok ? '' : renderDiagnostics(result.diagnostics, { color: false });
  };
  expect(told('{ scheme: hmac-v1, key: k }')).toBe('');
  expect(told('{ scheme: hmac }')).toMatch(
    /^gateway.yaml:3:26 {2}not one of hmac-v1, api-key +PLUGIN_OPTIONS$/m,
  );
  expect(told('{}')).toMatch(/"scheme" is missing +FIELD_MISSING$/m);
  expect(told('{ scheme: api-key }')).toMatch(/"name" is missing +FIELD_MISSING$/m);
});
