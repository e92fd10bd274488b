// Options that say nothing, or what can never be: each is refused at its place, with a word on what to do.
import { describe, expect, test } from 'bun:test';
import ratelimit from '../../../plugins/ratelimit.ts';
import { Home } from '../../unit/cli/child.ts';

const issuesOf = (options: unknown): string[] =>
  (ratelimit.schema.safeParse(options).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );
const one = (more: object) => issuesOf({ rate: '60/m', ...more });

const WRONG: Record<string, [options: object, issue: string]> = {
  'no limit': [{}, ': a limit needs "rate", "quota" or "concurrency"'],
  'two kinds in one': [
    { rate: '1/s', quota: '1/day' },
    'quota: a limit has one of "rate" and "quota": make two of it',
  ],
  'a rate without a time': [{ rate: '60' }, 'rate: not an amount per time: write 60/m, 10/s or 1000/day'],
  'a rate of nothing': [{ rate: '0/m' }, 'rate: not an amount per time: write 60/m, 10/s or 1000/day'],
  'a burst of a quota': [{ quota: '9/day', burst: 3 }, 'burst: "burst" says nothing with "quota"'],
  'a queue of a rate': [{ rate: '9/s', queue: {} }, 'queue: "queue" says nothing with "rate"'],
  'a queue of streams': [
    { concurrency: 2, of: 'streams', queue: {} },
    'queue: streams do not wait: a client begins another one when it likes',
  ],
  'a cost that can never be paid': [
    { rate: '60/m', burst: 5, cost: 6 },
    'cost: a cost of 6 is more than the limit ever has (5)',
  ],
  'one of the table': [
    { quota: '10/day', cost: { cheap: 10, 'dear_*': 11 } },
    'cost.dear_*: a cost of 11 is more than the limit ever has (10)',
  ],
  'failures of somebody': [
    { rate: '5/m', count: 'failures' },
    'count: who was not let in is nobody: count failures per address',
  ],
  'two of one name': [
    {
      limits: [
        { name: 'a', rate: '1/s' },
        { name: 'a', quota: '1/day' },
      ],
    },
    'limits.1.name: two limits have this name',
  ],
  'a field beside the list': [
    { burst: 3, limits: [{ name: 'a', rate: '1/s' }] },
    'burst: "burst" belongs to one of the limits below "limits"',
  ],
  'one of the list': [
    { limits: [{ name: 'a', rate: '1/s', share: '50%' }] },
    'limits.0.share: "share" says nothing with "rate"',
  ],
};

describe('refused', () => {
  for (const [what, [options, issue]] of Object.entries(WRONG))
    test(what, () => expect(issuesOf(options)).toEqual([issue]));

  test('what is counted by something nobody knows', () => {
    expect(one({ per: 'user' })).toEqual([
      'per: not an expression: Unknown variable: user (known are principal, tenant, upstream, tool, client, address, endpoint, all, and expressions)',
    ]);
    expect(one({ per: 'tenent' })).toEqual([
      'per: not an expression: Unknown variable: tenent (did you mean "tenant"?)',
    ]);
    expect(one({ per: ['principal', 'prinzipal.id'] })[0]).toStartWith('per.1: not an expression');
  });

  test('an expression that is none, knows no such thing, or gives something else', () => {
    expect(one({ cost: 'size(args.ids' })[0]).toMatch(/^cost: .*not an expression/s);
    expect(one({ cost: 'ms / 10' })[0]).toMatch(/Unknown variable: ms/);
    expect(one({ cost: 'tool' })[0]).toMatch(/gives string: it has to give a number/);
    expect(one({ per: 'principal.groups' })[0]).toMatch(/gives list<string>: it has to give a text/);
    expect(one({ cost_after: 'cost + nothing' })[0]).toMatch(/Unknown variable: nothing/);
  });

  test('an expression that could take for ever', () => {
    expect(one({ cost: 'tool.matches("(a+)+b") ? 2 : 1' })[0]).toMatch(/"matches" may take for ever/);
    const nested = 'principal.groups.exists(g, principal.scopes.exists(s, s == g)) ? 2 : 1';
    expect(one({ cost: nested })[0]).toMatch(/stands within another macro/);
    expect(one({ cost: `1${' + 1'.repeat(300)}` })[0]).toMatch(
      /longer than 1000 characters|not an expression/,
    );
    expect(one({ cost: `${'('.repeat(90)}1${')'.repeat(90)}` })[0]).toMatch(/not an expression/);
  });
});

describe('taken', () => {
  const GOOD: readonly object[] = [
    { rate: '60/m' },
    { rate: '5/10s', burst: 50, cost: 50 },
    { quota: '1000/day', per: 'all', cost: { '*': 3 } },
    { concurrency: 4, queue: {}, share: '50%', per: ['tenant', 'upstream'] },
    { concurrency: 2, of: 'streams' },
    { rate: '10/m', per: 'address', count: 'failures' },
    { rate: '1/s', cost: 'has(args.n) ? int(args.n) : 1', cost_after: { bytes: '10KiB', duration: '1s' } },
    { rate: '1/s', per: 'principal.tenant + "/" + tool' },
    { limits: [{ name: 'a', rate: '1/s' }], store: { redis: 'redis://h', replicas: 3 }, status: 429 },
    { rate: '1/s', store: 'sqlite' },
  ];
  for (const options of GOOD) test(JSON.stringify(options), () => expect(issuesOf(options)).toEqual([]));
});

test('sluice check says it at the line', async () => {
  await using home = new Home();
  home.write(
    'gateway.yaml',
    `version: 1
upstreams: { demo: { builtin: demo } }
pipeline:
  - ratelimit:
      limits:
        - { name: a, rate: 60/m, burst: 5 }
        - name: b
          rate: 10/s
          cost:
            echo: 11
        - name: c
          rate: 10/s
          per: principal.idd
`,
  );
  const { code, out, err } = await home.run(['check']);
  expect(code).toBe(78);
  expect(out + err).toContain('gateway.yaml:10:19');
  expect(out + err).toContain('a cost of 11 is more than the limit ever has (10)');
  expect(out + err).toContain('gateway.yaml:13:16');
  expect(out + err).toContain('No such key: idd');
});
