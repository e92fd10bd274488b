// No secret is printed by anything: dumps, inspectors, diagnostics, plans.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import { renderDiagnostics, report } from '../../../src/config/diagnostic.ts';
import { planReload, renderPlan } from '../../../src/config/diff.ts';
import type { LoadResult } from '../../../src/config/load.ts';
import { readOptions } from '../../../src/config/options.ts';
import { Secret } from '../../../src/config/secret.ts';
import { accepted, CANARIES, load } from './world.ts';

const LITERAL = 'canary-literal-4714';
const ALL = [...CANARIES, LITERAL];

const FULL = `
upstreams:
  api:
    url: https://api.example.com/mcp?api_key=${LITERAL}
    headers:
      A: \${env:TOKEN}
      B: "Bearer \${file:token.txt}"
      C: \${secret:api}
      D: ${LITERAL}
      E: "${LITERAL} \${env:GONE:-${LITERAL}}"
  cmd:
    command: server
    env: { A: "\${env:TOKEN}", B: ${LITERAL}, C: "\${secret:api}" }
    pipeline:
      - ./sign.ts: { secret: ${LITERAL}, deep: [{ api_key: ${LITERAL}, apiKey: "${LITERAL}" }] }
pipeline:
  - audit:
      a: \${env:TOKEN}
      b: ["\${file:token.txt}", { c: "x-\${secret:api}" }]
      password: ${LITERAL}
`;

/** Everything a text can be made of it with. */
function dumps(value: unknown): string[] {
  return [
    JSON.stringify(value),
    JSON.stringify(value, null, 2),
    inspect(value, { depth: 20, showHidden: false }),
    Bun.inspect(value, { depth: 20 }),
    String(value),
    `${value}`,
  ];
}

function clean(texts: readonly string[]): void {
  for (const text of texts) for (const canary of ALL) expect(text).not.toContain(canary);
}

test('a secret shows its reference, and reveals its value only when asked', () => {
  const secret = Secret.of(LITERAL, '${env:X}');
  expect(dumps(secret)).toEqual(['"${env:X}"', '"${env:X}"', '${env:X}', '${env:X}', '${env:X}', '${env:X}']);
  expect(secret.reveal()).toBe(LITERAL);
  expect(String(Secret.of(LITERAL))).toBe('••••');
  expect(Object.keys(secret)).toEqual([]);
  expect({ ...secret } as object).toEqual({});
  expect(secret.equals(Secret.of(LITERAL, 'other'))).toBe(true);
  expect(secret.equals(Secret.of('x', '${env:X}'))).toBe(false);
});

test('a loaded configuration, its document and its redacted tree show none', () => {
  const loaded = accepted(FULL);
  // The URL of an upstream is what it is; a key in its query shows in the configuration, but in no document.
  const { upstreams, ...rest } = loaded.config;
  const withoutUrls = upstreams.map((upstream) => ({ ...upstream, urls: [] }));
  clean(dumps({ ...rest, upstreams: withoutUrls }));
  clean(dumps(loaded.document));
  clean(dumps(loaded.document.redacted()));
  clean(Object.values(loaded.document).map(String));
});

test('the values are there for those who need them', () => {
  const { config } = accepted(FULL);
  const [api, cmd] = config.upstreams;
  if (api?.kind !== 'url' || cmd?.kind !== 'command') throw new Error('wrong kinds');
  const revealed = Object.values(api.headers).map((secret) => secret.reveal());
  expect(revealed).toEqual([
    CANARIES[0],
    `Bearer ${CANARIES[1]}`,
    CANARIES[2],
    LITERAL,
    `${LITERAL} ${LITERAL}`,
  ]);
  expect(cmd.env.C?.reveal()).toBe(CANARIES[2]);
  const options = config.pipeline[0]?.options;
  expect(options?.a).toBe(CANARIES[0]);
  expect(options?.b).toEqual([CANARIES[1], { c: `x-${CANARIES[2]}` }]);
  expect(cmd.pipeline[0]?.options?.secret).toBe(LITERAL);
});

test('redacted() shows references as they are written', () => {
  const { upstreams, pipeline } = accepted(FULL).document.redacted() as Record<string, never>;
  expect(upstreams).toEqual({
    api: {
      url: 'https://api.example.com/mcp?••••',
      headers: {
        A: '${env:TOKEN}',
        B: 'Bearer ${file:token.txt}',
        C: '${secret:api}',
        D: '••••',
        E: '••••${env:GONE:-••••}',
      },
    },
    cmd: {
      command: 'server',
      env: { A: '${env:TOKEN}', B: '••••', C: '${secret:api}' },
      pipeline: [{ './sign.ts': { secret: '••••', deep: [{ api_key: '••••', apiKey: '••••' }] } }],
    },
  } as never);
  expect(pipeline).toEqual([
    { audit: { a: '${env:TOKEN}', b: ['${file:token.txt}', { c: 'x-${secret:api}' }], password: '••••' } },
  ] as never);
});

/** A document full of secrets with one mistake each. */
const BROKEN: Readonly<Record<string, string>> = {
  'a type': FULL.replace('command: server', 'command: 5'),
  'a header name': FULL.replace('      D:', '      "D D":'),
  'a header twice': FULL.replace('      D:', '      a:'),
  'a number beside': FULL.replace('D: ', 'D: 5 #'),
  'user information': FULL.replace('https://', `https://u:${LITERAL}@`),
  'a misspelt map': FULL.replace('headers:', 'header:'),
  'a misspelt flow map': FULL.replace('env: {', 'enviroment: {').replace('env: { A', 'environment: { A'),
  'an unclosed quote': FULL.replace('C: ${secret:api}', `C: "${LITERAL}`),
  'an unclosed bracket': FULL.replace(', C: "${secret:api}" }', ''),
  'a tab': FULL.replace('      D:', '\t    D:'),
  'a stray word': FULL.replace('      D:', 'stray D:'),
  'a tag': FULL.replace('D: ', 'D: !secret '),
  'a key that is none': FULL.replace('D: ', '5: '),
  'a duplicate key': FULL.replace('      D:', '      A:'),
  'one line of JSON': `{"mcpServers": {"x": {"url": "https://x/", "headers": {"A": "${LITERAL}"}}}}`,
  'a broken line of JSON': `{"upstreams": {"x": {"headers": {"A": "${LITERAL}"}, "url": }}} }`,
};

test.each(Object.entries(BROKEN))('no diagnostic shows one: %s', (_, text) => {
  const result: LoadResult = load(text);
  if (result.ok) throw new Error('accepted');
  expect(result.diagnostics.length).toBeGreaterThan(0);
  clean([
    renderDiagnostics(result.diagnostics, { color: true }),
    JSON.stringify(report(result.diagnostics)),
    ...dumps(result),
  ]);
});

test('a plugin that quotes a value in its complaint is not believed', () => {
  const loaded = accepted(FULL);
  const [entry] = loaded.config.pipeline;
  if (entry === undefined) throw new Error('no entry');
  const schema = z.object({
    a: z.string().refine(() => false, { error: (issue) => `bad: ${String(issue.input)}` }),
  });
  const result = readOptions(loaded.document, entry, schema);
  if (result.ok) throw new Error('accepted');
  const text = renderDiagnostics(result.diagnostics, { color: false });
  expect(text).toContain('bad: ${env:TOKEN}');
  clean([text]);
});

test('no plan shows one', () => {
  const rotated = { TOKEN: 'canary-rotated-4715' };
  const plan = planReload(accepted(FULL), accepted(FULL.replaceAll(LITERAL, `${LITERAL}-new`), rotated));
  const text = renderPlan(plan, {
    color: false,
    file: 'gateway.yaml',
    fromGeneration: 1,
    toGeneration: 2,
    ms: 1,
  });
  clean([text, ...dumps(plan)]);
  expect(text).not.toContain(rotated.TOKEN);
  expect(text).toContain('~ upstreams.api.headers.A');
  expect(text).toContain('${env:TOKEN} (changed)');
  expect(text).toContain('•••• (changed)');
});
