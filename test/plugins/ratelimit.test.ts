// The plugin `ratelimit` through the kit: what is let in, what is refused and how that is told.
import { describe, expect, test } from 'bun:test';
import ratelimit from '../../plugins/ratelimit.ts';
import { McpResult, refuse } from '../../src/plugin.ts';
import { testPlugin } from '../../src/testing.ts';

const call = (name = 'echo', more: object = {}) => ({
  method: 'tools/call',
  params: { name, arguments: {} },
  route: { kind: 'one', upstream: 'up', name, asked: name } as const,
  ...more,
});
type Bench = Awaited<ReturnType<typeof testPlugin>>;
const outcomes = async (bench: Bench, calls: Parameters<Bench['call']>[0][]) => {
  const kinds: string[] = [];
  for (const each of calls) kinds.push((await bench.call(each)).result.kind);
  return kinds.map((kind) => (kind === 'error' ? 'no' : 'yes')).join(' ');
};

describe('a rate', () => {
  test('lets its burst through at once, and the rest evenly', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '60/m', burst: 3 });
    expect(await outcomes(bench, [call(), call(), call(), call()])).toBe('yes yes yes no');
    await bench.advance(1_000);
    expect(await outcomes(bench, [call(), call()])).toBe('yes no');
  });

  test('is told in words, in data and in headers', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '60/m', burst: 1 });
    const first = await bench.call(call());
    expect(first.headers).toEqual({ 'ratelimit-policy': '"calls";q=60;w=60', ratelimit: '"calls";r=0;t=1' });
    await bench.advance(300);
    const { result, headers, request } = await bench.call(call());
    expect(result.value).toEqual({
      code: 1429,
      message: 'Limit "calls" of 60 per minute is reached: try again in 1 s.',
      data: { code: 'RATE_LIMITED', retryAfterMs: 700, limit: 'calls', policy: '60 per minute' },
    });
    expect([result.http, result.headers]).toEqual([200, { 'retry-after': '1' }]);
    expect(headers).toEqual({ 'ratelimit-policy': '"calls";q=60;w=60', ratelimit: '"calls";r=0;t=1' });
    expect(request).toBeUndefined();
  });

  test('is a 429 where that is configured', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', status: 429 });
    await bench.call(call());
    const { result } = await bench.call(call());
    expect([result.http, result.headers]).toEqual([429, { 'retry-after': '3600' }]);
  });

  test('what was refused makes nobody wait longer', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/s', burst: 1 });
    expect(await outcomes(bench, Array(20).fill(call()))).toStartWith('yes no no');
    await bench.advance(1_000);
    expect(await outcomes(bench, [call()])).toBe('yes');
  });
});

describe('what a limit is counted by', () => {
  const as = (id: string, more: object = {}) => call('echo', { principal: id, ...more });

  test('is the principal: none uses what another has', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h' });
    expect(await outcomes(bench, [as('ada'), as('ada'), as('bob'), as('bob')])).toBe('yes no yes no');
  });

  test('tenants may give the same id, and ids may hold whatever separates', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', per: ['tenant', 'principal'] });
    const of = (tenant: string, id: string) => call('echo', { principal: { id, tenant } });
    const all = [of('a', 'b'), of('c', 'b'), of('a:b', 'c'), of('a', 'b:c'), of('a","b', 'c')];
    expect(await outcomes(bench, all)).toBe('yes yes yes yes yes');
    expect(await outcomes(bench, all)).toBe('no no no no no');
  });

  const EVASIONS: Record<string, object> = {
    'another name of the client': { client: { info: { name: 'other', version: '9' } } },
    'X-Forwarded-For': { headers: { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' } },
    'another address': { remote: '203.0.113.9' },
    'another session': { headers: { 'mcp-session-id': 'other' } },
    'another endpoint': { inbound: { endpoint: '/other' } },
    'another era': { client: { era: '2025' } },
    'a pipe': { client: { transport: 'stdio' } },
    'another tool': { params: { name: 'other' } },
    'another method': { method: 'tools/list', params: {} },
  };
  for (const [how, more] of Object.entries(EVASIONS))
    test(`${how} gets no second budget`, async () => {
      await using bench = await testPlugin(ratelimit, { rate: '1/h' });
      expect(await outcomes(bench, [as('ada'), { ...as('ada'), ...more }])).toBe('yes no');
    });

  test('an address is that of the connection: of IPv6 its network, whatever a header says', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', per: 'address' });
    const from = (remote: string, forwarded = '') =>
      call('echo', { remote, headers: { 'x-forwarded-for': forwarded } });
    expect(
      await outcomes(bench, [
        from('192.0.2.1'),
        from('::ffff:192.0.2.1', '198.51.100.1'),
        from('2001:db8:1:2::1'),
        from('2001:db8:1:2:ffff::9'),
        from('2001:db8:1:3::1'),
      ]),
    ).toBe('yes no yes no yes');
  });

  test('a tool is the same one under every name', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', per: ['principal', 'tool'] });
    const named = (asked: string) =>
      call(asked, { route: { kind: 'one', upstream: 'up', name: 'search', asked } });
    expect(await outcomes(bench, [named('up__search'), named('find'), call('other')])).toBe('yes no yes');
  });

  test('may be an expression', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '1/h',
      per: 'principal.groups.exists(g, g == "staff") ? "staff" : principal.id',
    });
    const staff = (id: string) => call('echo', { principal: { id, groups: ['staff'] } });
    expect(await outcomes(bench, [staff('ada'), staff('bob'), as('eve')])).toBe('yes no yes');
  });

  test('of a limit that others share nobody is told how it stands', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', per: 'upstream' });
    expect((await bench.call(as('ada'))).headers).toEqual({});
    const { result, headers } = await bench.call(as('bob'));
    expect([headers, result.value]).toEqual([
      {},
      {
        code: 1429,
        message: 'Too much is asked of what this call needs: try again in 60 min.',
        data: { code: 'RATE_LIMITED', retryAfterMs: 3_600_000 },
      },
    ]);
  });
});

describe('several limits', () => {
  const limits = [
    { name: 'burst', rate: '10/s' as const, burst: 5 },
    { name: 'day', quota: '3/day' as const },
    { name: 'dear', rate: '1/h' as const, when: { tools: ['dear_*'] } },
  ];

  test('a call takes of all that are about it, or of none; the tightest one is told', async () => {
    await using bench = await testPlugin(ratelimit, { limits });
    const first = await bench.call(call('dear_one'));
    expect(first.headers).toEqual({
      'ratelimit-policy': '"dear";q=1;w=3600',
      ratelimit: '"dear";r=0;t=3600',
    });
    const refused = await bench.call(call('dear_two'));
    expect(refused.result.value.data).toMatchObject({ limit: 'dear', retryAfterMs: 3_600_000 });
    const next = await bench.call(call('echo'));
    expect(next.headers.ratelimit).toBe('"day";r=1;t=57600');
    expect(await outcomes(bench, [call('echo'), call('echo')])).toBe('yes no');
    await bench.advance(57_600_000);
    expect(await outcomes(bench, [call('echo')])).toBe('yes');
  });

  test('one in shadow counts and reports, and refuses nobody', async () => {
    await using bench = await testPlugin(ratelimit, {
      limits: [{ name: 'tried', rate: '1/h', shadow: true }],
    });
    expect(await outcomes(bench, [call(), call(), call()])).toBe('yes yes yes');
    expect(bench.counts.get('would_refuse{kind=tried}')).toBe(2);
    expect((await bench.call(call())).headers).toEqual({});
  });

  test('an entry in shadow does neither refuse nor tell', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h' }, { mode: 'shadow' });
    expect(await outcomes(bench, [call(), call()])).toBe('yes yes');
    expect((await bench.call(call())).headers).toEqual({});
    expect(bench.counts.get('refused{kind=calls}')).toBe(2);
  });
});

describe('what costs nothing', () => {
  for (const method of ['ping', 'GET', 'DELETE', 'POST'])
    test(`${method}, unless a limit names it`, async () => {
      await using bench = await testPlugin(ratelimit, { rate: '1/h' });
      expect(await outcomes(bench, [{ method }, { method }, { method }])).toBe('yes yes yes');
      await using named = await testPlugin(ratelimit, { rate: '1/h', when: { methods: [method] } });
      expect(await outcomes(named, [{ method }, { method }])).toBe('yes no');
    });

  test('what the gateway asks by itself', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h' });
    const own = call('echo', { inbound: { isOwn: true } });
    expect(await outcomes(bench, [own, own, call(), own])).toBe('yes yes yes yes');
  });
});

test('figures: what was admitted and refused by each limit, and how many keys there are', async () => {
  await using bench = await testPlugin(ratelimit, { rate: '1/h' });
  await outcomes(
    bench,
    ['ada', 'ada', 'bob'].map((principal) => call('echo', { principal })),
  );
  expect([...bench.counts]).toEqual([
    ['admitted{kind=calls}', 2],
    ['refused{kind=calls}', 1],
  ]);
  expect(bench.levels.get('keys')).toBe(2);
});

describe('a reload', () => {
  test('goes on with what was used, by the name of a limit', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '2/h' });
    await bench.call(call());
    await bench.reload();
    expect(await outcomes(bench, [call(), call()])).toBe('yes no');
    await bench.reload({ limits: [{ name: 'calls', rate: '3/h' }] });
    expect(await outcomes(bench, [call(), call()])).toBe('yes no');
  });
});

describe('callers who are not let in', () => {
  const from = (remote: string, refused: boolean) =>
    call('echo', {
      remote,
      result: refused ? refuse('UNAUTHENTICATED') : { content: [] },
      inbound: { answer: undefined },
    });

  test('are counted by their address alone, and stopped before anybody looks at their proof', async () => {
    await using bench = await testPlugin(ratelimit, {
      rate: '60/m',
      burst: 2,
      per: 'address',
      count: 'failures',
    });
    const good = from('192.0.2.1', false);
    const bad = from('192.0.2.1', true);
    expect(await outcomes(bench, [good, good, good, bad, good])).toBe('yes yes yes no yes');
    const last = await bench.call(bad);
    expect(last.result.value.data).toMatchObject({ code: 'UNAUTHENTICATED' });
    const stopped = await bench.call(good);
    expect([stopped.result.http, stopped.result.value.data, stopped.request]).toEqual([
      429,
      expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 1_000 }),
      undefined,
    ]);
    expect(await outcomes(bench, [from('192.0.2.2', false)])).toBe('yes');
    await bench.advance(1_000);
    expect(await outcomes(bench, [good])).toBe('yes');
  });

  test('are not those whose upstream says so', async () => {
    await using bench = await testPlugin(ratelimit, { rate: '1/h', per: 'address', count: 'failures' });
    const data = { code: 'UNAUTHENTICATED' };
    const answered = call('echo', {
      remote: '192.0.2.1',
      result: McpResult.error({ code: -32_001, message: 'who?', data }),
      inbound: { answer: undefined },
    });
    for (const _ of [1, 2, 3]) expect((await bench.call(answered)).result.value.data).toEqual(data);
  });
});
