// Which values of a configuration no text may show.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import { looksSecret } from '../../../src/config/revealed.ts';
import { accepted, load } from './world.ts';

const secretsOf = (text: string, env?: Record<string, string>) =>
  [...accepted(text, env).document.secrets()].sort();

const upstream = (fields: string) => `upstreams: { u: { url: http://x/, ${fields} } }`;
const command = (fields: string) => `upstreams: { u: { command: x, ${fields} } }`;
const basic = Buffer.from('user:pass-4711').toString('base64');

const CASES: readonly [what: string, text: string, wanted: readonly string[]][] = [
  ['a secret in a header', upstream('headers: { A: "${secret:api}" }'), ['canary-secret-4713']],
  ['a file in a header', upstream('headers: { A: "${file:token.txt}" }'), ['canary-file-4712']],
  ['a variable in a header', upstream('headers: { A: "${env:TOKEN}" }'), ['canary-env-4711']],
  ['a default', upstream('headers: { A: "${env:GONE:-literal-4714}" }'), ['literal-4714']],
  [
    'a bearer token',
    upstream('headers: { A: Bearer literal-4714 }'),
    ['Bearer literal-4714', 'literal-4714'],
  ],
  [
    'a password of Basic',
    upstream(`headers: { A: Basic ${basic} }`),
    [`Basic ${basic}`, basic, 'pass-4711', 'user:pass-4711'],
  ],
  ['a header by its name', upstream('headers: { X-Api-Key: letters }'), ['letters']],
  ['a variable of a process', command('env: { X: literal-4714 }'), ['literal-4714']],
  ['one by its name', command('env: { DB_PASSWORD: letters }'), ['letters']],
  [
    'a reference in one',
    command('env: { X: "v=${secret:api}" }'),
    ['canary-secret-4713', 'v=canary-secret-4713'],
  ],
  ['an option of a plugin', 'pipeline: [{ audit: { x: "${secret:api}" } }]', ['canary-secret-4713']],
  ['one by its name', 'pipeline: [{ audit: { deep: [{ clientSecret: letters }] } }]', ['letters']],
  ['a number by its name', 'pipeline: [{ audit: { password: 12345678 } }]', ['12345678']],
  ['a parameter of a URL', 'upstreams: { u: { url: "http://x/?api_key=letters&b=c" } }', ['letters']],
  ['one by its look', 'upstreams: { u: { url: "http://x/?a=literal-4714&b=c" } }', ['literal-4714']],
  ['a password in an argument', command('args: ["db://me:s%2Fcret@host/x"]'), ['s%2Fcret', 's/cret']],
  [
    'an argument after its flag',
    command('args: [--api-key, letters, --token=more, --port, "8080"]'),
    ['letters', 'more'],
  ],
];

test.each(CASES)('%s', (_, text, wanted) => {
  expect(secretsOf(text)).toEqual([...wanted].sort());
});

test('what is written for people to see is none', () => {
  const text = `
upstreams:
  u: { url: "http://x.example.com:8080/mcp", headers: { X-Tenant: acme, X-Format: application/json } }
  c:
    command: x
    env: { NODE_ENV: production, HOME: /srv/data-1/x, API: "https://api-1.example.com/v2", PGHOST: db-1.example.com }
pipeline:
  - audit: { to: ./audit-2027.jsonl, every: 100ms, path: "\${env:HOST}" }
`;
  expect(secretsOf(text)).toEqual([]);
});

test('who, what for and until when are none, but what a reference stands for is', () => {
  const entry = (id: string) => `{ id: ${id}, principal: nightly-4711, not_after: "2027-01-08T00:00:00Z" }`;
  const all = `region: eu-central-1, client_id: 0oa1b2c3d4e5f6, keys: [${entry('key-of-2026-11')}]`;
  expect(secretsOf(`pipeline: [{ audit: { ${all} } }]`)).toEqual([]);
  expect(secretsOf(`pipeline: [{ audit: { keys: [${entry('"${secret:api}"')}] } }]`)).toEqual([
    'canary-secret-4713',
  ]);
  expect(secretsOf('pipeline: [{ audit: { headers: { id: literal-4714 } } }]')).toEqual(['literal-4714']);
});

test('variables that stand for fields are judged where they stand', () => {
  const env = { MCP_UPSTREAM_URL: 'https://u.example.com/mcp', MCP_API_KEY: 'letters-only' };
  expect(secretsOf('pipeline: []', env)).toEqual(['letters-only']);
});

test('a configuration with errors has its secrets, too', () => {
  const result = load(`nonsense: 1\n${upstream('headers: { A: "${secret:api}" }')}`);
  expect(result.ok).toBe(false);
  expect([...(result.document?.secrets() ?? [])]).toEqual(['canary-secret-4713']);
});

test('by its look', () => {
  const secret = [
    'ghp_16charsAtLeast1',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOi1.eyJzdWIiOi1.c2lnbmF0dXJl',
    '0a1b2c3d4e5f',
  ];
  expect(secret.filter((text) => !looksSecret(text))).toEqual([]);
  const plain = [
    'short1',
    'production-environment',
    '8080',
    '/usr/lib/x86_64',
    './a-1-file.txt',
    'https://a1b2c3.example.com',
  ];
  expect([...plain, 'db-1.example.com:5432', 'two words 12345'].filter(looksSecret)).toEqual([]);
});

test('a time is no secret, whatever the option is called', () => {
  const times = ['2026-11-21T08:44:00Z', '2026-11-21T08:44:00.125+02:00'];
  expect(times.map(looksSecret)).toEqual([false, false]);
  expect(looksSecret('2026-11-21Tk3y08x44')).toBe(true);
});
