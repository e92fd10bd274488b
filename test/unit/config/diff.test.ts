// What a reload would change, and how it reads.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import { type Plan, planReload, renderPlan, sameEntry, sameUpstream } from '../../../src/config/diff.ts';
import { accepted } from './world.ts';

const BASE = `
listeners: [{ http: { listen: 127.0.0.1:7420 } }]
upstreams:
  github: { url: https://api.example.com/mcp, headers: { Authorization: "Bearer \${env:TOKEN}", X-A: one } }
  old: { builtin: demo }
pipeline:
  - audit: { to: ./audit }
  - progress: { every: 100ms }
    mode: shadow
limits: { body: 4MiB }
`;

function plan(before: string, after: string, env: Record<string, string> = {}): Plan {
  return planReload(accepted(before), accepted(after, env));
}

/** The lines of a plan below its headline. */
function lines(before: string, after: string, env: Record<string, string> = {}): string[] {
  const view = { color: false, file: 'gateway.yaml', fromGeneration: 1, toGeneration: 2 };
  return renderPlan(plan(before, after, env), view)
    .split('\n')
    .slice(1);
}

test('nothing changes', () => {
  expect(plan(BASE, BASE)).toEqual({
    changes: [],
    upstreams: { added: [], removed: [], changed: [], kept: ['github', 'old'] },
    ignored: [],
  });
  expect(lines(BASE, BASE)).toEqual(['  = nothing changes']);
});

test.each([
  ['another way to write the same size', 'body: 4MiB', 'body: 4096KiB'],
  ['a default written out', 'limits:', 'drain: 30s\nlimits:'],
  ['a comment', 'limits:', '# hello\nlimits:'],
  ['an empty map of options', '- audit: { to: ./audit }', '- audit: { "to": "./audit" }'],
])('%s is no change', (_, from, to) => {
  expect(plan(BASE, BASE.replace(from, to)).changes).toEqual([]);
});

test('an empty map that comes or goes is told', () => {
  const keys = BASE.replace('{ to: ./audit }', '{ to: ./audit, keys: {} }');
  expect(lines(BASE, keys)).toEqual(['  ~ pipeline.audit.keys  default → {}']);
  expect(lines(keys, BASE)).toEqual(['  ~ pipeline.audit.keys  {} → default']);
});

test('one of everything, as it is shown', () => {
  const after = BASE.replace('every: 100ms', 'every: 250ms')
    .replace('mode: shadow', 'mode: enforce')
    .replace('  old: { builtin: demo }', '  jira: { builtin: demo }')
    .replace('X-A: one', 'X-A: two')
    .replace('127.0.0.1:7420', '127.0.0.1:9000')
    .replace('{ body: 4MiB }', '{ body: 8MiB, depth: 32 }');
  const view = {
    color: false,
    file: 'gateway.yaml',
    fromGeneration: 7,
    toGeneration: 8,
    ms: 14.4,
    inFlight: 14,
  };
  expect(renderPlan(plan(BASE, after, { TOKEN: 'rotated' }), view)).toBe(
    [
      'reloaded gateway.yaml in 14 ms · generation 7 → 8',
      '  ~ pipeline.progress.mode                  shadow → enforce  ⚠ now blocks',
      '  ~ pipeline.progress.every                 100ms → 250ms',
      '  ~ upstreams.github.headers.Authorization  Bearer ${env:TOKEN} (changed)',
      '  ~ upstreams.github.headers.X-A            •••• (changed)',
      '  + upstreams.jira',
      '  - upstreams.old',
      '  ~ limits.body                             4MiB → 8MiB',
      '  ~ limits.depth                            default → 32',
      '  ! listeners changed: needs a restart, ignored',
      '  = 14 in-flight calls finish on generation 7',
    ].join('\n'),
  );
});

test('a plan that was not carried out says so, and one call is one', () => {
  const view = { color: false, file: 'f.yaml', fromGeneration: 1, toGeneration: 2, inFlight: 1 };
  expect(renderPlan(plan(BASE, BASE), view)).toBe(
    'f.yaml would be reloaded · generation 1 → 2\n  = nothing changes\n  = 1 in-flight call finishes on generation 1',
  );
});

test('colour marks the headline and what is ignored', () => {
  const after = `${BASE}admin: { listen: off }\nstate: { dir: x }\n`;
  const view = { color: true, file: 'f', fromGeneration: 1, toGeneration: 2 };
  const text = renderPlan(plan(BASE, after), view);
  expect(text).toStartWith('\u001b[1mf would be reloaded');
  expect(text).toContain('\u001b[33m  ! admin changed: needs a restart, ignored\u001b[0m');
  expect(plan(BASE, after).ignored).toEqual(['admin', 'state']);
});

test('entries are paired by id; adding one moves none', () => {
  const after = BASE.replace('  - progress:', '  - ratelimit: { rate: 1/s }\n  - progress:');
  expect(lines(BASE, after)).toEqual(['  + pipeline.ratelimit']);
  expect(lines(after, BASE)).toEqual(['  - pipeline.ratelimit']);
});

test('order is a change of its own', () => {
  const after = BASE.replace('  - audit: { to: ./audit }\n', '').replace(
    'limits:',
    '  - audit: { to: ./audit }\nlimits:',
  );
  expect(lines(BASE, after)).toEqual(['  ~ pipeline order  [audit, progress] → [progress, audit]']);
});

test('an id may change its plugin', () => {
  const after = BASE.replace('- audit: { to: ./audit }', '- ratelimit: { rate: 1/s }\n    id: audit');
  expect(lines(BASE, after)).toEqual(['  ~ pipeline.audit  audit → ratelimit']);
});

test('options appear and vanish, shorthand and long form meet', () => {
  const shorthand = BASE.replace('- audit: { to: ./audit }', '- audit');
  expect(lines(BASE, shorthand)).toEqual(['  ~ pipeline.audit.to  ./audit → default']);
  expect(lines(shorthand, BASE)).toEqual(['  ~ pipeline.audit.to  default → ./audit']);
});

test('items of lists are called by their names, and one that comes or goes moves no other', () => {
  const auth = (issuers: string) =>
    BASE.replace('- audit: { to: ./audit }', `- auth: { issuers: ${issuers} }`);
  const one = '{ issuer: https://a.example, audiences: [x] }';
  const two = '{ issuer: https://b.example }';
  expect(lines(auth(`[${one}, ${two}]`), auth(`[${two}]`))).toEqual([
    '  - pipeline.auth.issuers[https://a.example]',
  ]);
  expect(lines(auth(`[${two}]`), auth(`[${one}, ${two}]`))).toEqual([
    '  + pipeline.auth.issuers[https://a.example]',
  ]);
  const more = one.replace('[x]', '[x, y]');
  expect(lines(auth(`[${two}, ${one}]`), auth(`[${more}, ${two}]`))).toEqual([
    '  ~ pipeline.auth.issuers[https://a.example].audiences  [x] → [x, y]',
  ]);
});

test('items of one name are numbered', () => {
  const auth = (keys: string) =>
    BASE.replace('- audit: { to: ./audit }', `- auth: { api_keys: { keys: [${keys}] } }`);
  const key = (id: string, tenant: string) => `{ key: "\${env:TOKEN}", id: ${id}, tenant: ${tenant} }`;
  expect(lines(auth(key('ci', 'a')), auth(key('ci', 'b')))).toEqual([
    '  ~ pipeline.auth.api_keys.keys[ci].tenant  a → b',
  ]);
  expect(lines(auth(`${key('ci', 'a')}, ${key('ci', 'b')}`), auth(key('ci', 'b')))).toEqual([
    '  ~ pipeline.auth.api_keys.keys[ci].tenant  a → b',
    '  - pipeline.auth.api_keys.keys[ci #2]',
  ]);
});

test('the pipeline of one upstream', () => {
  const leg = (every: string): string =>
    BASE.replace(
      'old: { builtin: demo }',
      `old: { builtin: demo, pipeline: [{ progress: { every: ${every} } }] }`,
    );
  expect(lines(leg('1s'), leg('2s'))).toEqual(['  ~ upstreams.old.pipeline.progress.every  1s → 2s']);
  expect(lines(BASE, leg('1s'))).toEqual(['  + upstreams.old.pipeline.progress']);
  expect(plan(BASE, leg('1s')).upstreams.changed).toEqual(['old']);
});

test('another kind of upstream under the same name', () => {
  const after = BASE.replace('old: { builtin: demo }', 'old: { command: server, args: [a, b] }');
  expect(lines(BASE, after)).toEqual([
    '  ~ upstreams.old.builtin  demo → default',
    '  ~ upstreams.old.command  default → server',
    '  ~ upstreams.old.args     default → [a, b]',
  ]);
});

test('endpoints that follow a new upstream are not written anywhere, so they are not shown', () => {
  const after = BASE.replace('  old:', '  more: { builtin: demo }\n  old:');
  expect(lines(BASE, after)).toEqual(['  + upstreams.more']);
});

test('the environment counts as much as the file', () => {
  expect(lines(BASE, BASE, { MCP_DRAIN_TIMEOUT: '5s' })).toEqual([
    '  ~ drain  default → ${env:MCP_DRAIN_TIMEOUT}',
  ]);
});

test('sameUpstream looks at values, secrets included, and not at places', () => {
  const [a] = accepted(BASE).config.upstreams;
  const [b] = accepted(`# a line more\n${BASE}`).config.upstreams;
  const [rotated] = accepted(BASE, { TOKEN: 'rotated' }).config.upstreams;
  const [elsewhere] = accepted(BASE.replace('${env:TOKEN}', '${env:HOST}'), { HOST: 'canary-env-4711' })
    .config.upstreams;
  if (!a || !b || !rotated || !elsewhere) throw new Error('no upstream');
  expect(sameUpstream(a, b)).toBe(true);
  expect(sameUpstream(a, rotated)).toBe(false);
  expect(sameUpstream(a, elsewhere)).toBe(true);
});

test('sameEntry looks at options, mode and the rest, and not at places', () => {
  const entry = (text: string, index = 0) => {
    const found = accepted(`upstreams: { d: { builtin: demo } }\npipeline:\n${text}`).config.pipeline[index];
    if (found === undefined) throw new Error('no entry');
    return found;
  };
  expect(
    sameEntry(
      entry('  - audit: { a: [1, { b: 2 }] }'),
      entry('  - progress\n  - audit: { a: [1, { b: 2 }] }', 1),
    ),
  ).toBe(true);
  expect(sameEntry(entry('  - audit: { a: [1, { b: 2 }] }'), entry('  - audit: { a: [1, { b: 3 }] }'))).toBe(
    false,
  );
  expect(sameEntry(entry('  - audit: { a: {} }'), entry('  - audit: { a: [] }'))).toBe(false);
  expect(sameEntry(entry('  - audit: { path: x }'), entry('  - audit: { path: y }'))).toBe(false);
  expect(sameEntry(entry('  - audit: { path: [x] }'), entry('  - audit: { path: [y] }'))).toBe(false);
  expect(sameEntry(entry('  - audit'), entry('  - audit\n    '))).toBe(true);
  expect(sameEntry(entry('  - audit: {}'), entry('  - audit: {}\n    timeout: 1s'))).toBe(false);
});
