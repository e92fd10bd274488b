// Whom one link serves, how many there are, and when they go: sessions over HTTP and processes.
import { describe, expect, test } from 'bun:test';
import { clientOf, codeOf, exchange, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, event, type Hit, json, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec, serverSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';
import { able, one, startAsking, stateOf } from './asking.ts';

const run = running({ idle: false });

const form = { elicitation: {} };
const url = { elicitation: { url: {} } };
const old = (session: string, changes: Parameters<typeof clientOf>[0] = {}) =>
  clientOf({ era: '2025', session, ...changes });
const sessionOf = (hit: Hit) => String(hit.headers['mcp-session-id']);

async function overHttp(sessions: Parameters<typeof httpSpec>[1] = {}) {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit, sessionOf(hit))), { era: '2025' });
  const upstream = run.upstream(httpSpec(rogue.url, sessions));
  const call = async (client = clientOf()) =>
    textOf(await upstream.handle(toolCall('a', {}, { client }), nobody));
  return { rogue, upstream, call };
}

describe('sessions over HTTP', () => {
  test('a thousand clients of 2026 with capabilities of their own, all of which can be asked the same, share one', async () => {
    const { rogue, upstream, call } = await overHttp();
    for (let n = 0; n < 1_000; n++) {
      const capabilities = { experimental: { n }, elicitation: n % 2 ? {} : { form: { n } }, [`x${n}`]: {} };
      expect(await call(clientOf({ capabilities }))).toBe('session-1');
    }
    expect(rogue.of('initialize').length).toBe(1);
    expect(upstream.state().links).toBe(1);
    const [initialize] = rogue.of('initialize');
    expect(initialize?.message.params?.capabilities).toEqual({ elicitation: { form: {} } });
  });

  test.each([
    ['session', [1, 2, 1, 3, 3, 4, 5]],
    ['principal', [1, 1, 1, 1, 1, 2, 3]],
    ['request', [1, 2, 3, 4, 5, 6, 7]],
    ['shared', [1, 1, 1, 1, 1, 1, 1]],
  ] as const)('per %s', async (per, expected) => {
    const { call } = await overHttp({ sessions: { per } });
    const clients = [
      old('s1'),
      old('s2'),
      old('s1'),
      clientOf(),
      clientOf({ capabilities: { other: {} } }),
      clientOf({ capabilities: form }),
      clientOf({ principal: 'eve' }),
    ];
    const sessions = [];
    for (const client of clients) sessions.push(await call(client));
    expect(sessions).toEqual(expected.map((n) => `session-${n}`));
  });

  test('per request: ended after it, also when it fails or nobody waits for it', async () => {
    const { rogue, upstream, call } = await overHttp({ sessions: { per: 'request' } });
    await call();
    expect(sessionOf(await rogue.nth('DELETE'))).toBe('session-1');
    const abort = new AbortController();
    const aborted = upstream.handle(toolCall('a', {}, { signal: abort.signal }), nobody);
    abort.abort();
    expect(codeOf(await aborted)).toBe('CANCELLED');
    expect(sessionOf(await rogue.nth('DELETE', 2))).toBe('session-2');
    await until(() => upstream.state().links === 0);
  });

  test('per request: greetings and subscriptions share one for the principal', async () => {
    const { rogue, upstream } = await overHttp({ sessions: { per: 'request' } });
    for (const session of ['s1', 's2', 's3']) await upstream.hello(old(session));
    const abort = new AbortController();
    const listening = upstream.handle(exchange('subscriptions/listen', {}, { signal: abort.signal }), nobody);
    await upstream.hello(clientOf());
    abort.abort();
    await listening;
    expect(rogue.of('initialize').length).toBe(1);
  });

  test('per request: a parked call keeps its own until it is over', async () => {
    const told = Promise.withResolvers<void>();
    const rogue = await run.rogue(
      async (hit, res) => {
        if (hit.message.method === undefined) {
          told.resolve();
          return status(res, 202);
        }
        stream(res);
        res.write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: {} }));
        await told.promise;
        return res.end(event(answer(hit, sessionOf(hit))));
      },
      { era: '2025' },
    );
    const upstream = run.upstream(httpSpec(rogue.url, { sessions: { per: 'request', idle: 1 } }));
    const client = clientOf({ capabilities: form });
    const first = await upstream.handle(toolCall('a', {}, { client }), nobody);
    expect(upstream.state()).toMatchObject({ links: 1, parked: 1 });
    const params = {
      name: 'a',
      arguments: {},
      requestState: stateOf(first),
      inputResponses: { user_input: {} },
    };
    expect(textOf(await upstream.handle(exchange('tools/call', params, { client }), nobody))).toBe(
      'session-1',
    );
    await until(() => upstream.state().links === 0);
    expect(rogue.of('DELETE').map(sessionOf)).toEqual(['session-1']);
  });

  test('beyond the limit the one unused for longest goes; a client’s own session never does', async () => {
    const { rogue, upstream, call } = await overHttp({ sessions: { max: 3 } });
    expect(await call(old('s'))).toBe('session-1');
    expect(await call(clientOf({ principal: 'ada' }))).toBe('session-2');
    expect(await call(clientOf({ principal: 'eve' }))).toBe('session-3');
    expect(await call(clientOf({ principal: 'ada' }))).toBe('session-2');
    expect(await call(clientOf({ principal: 'ivy' }))).toBe('session-4');
    expect(sessionOf(await rogue.nth('DELETE'))).toBe('session-3');
    expect(await call(clientOf({ principal: 'ada' }))).toBe('session-2');
    expect(await call(old('s'))).toBe('session-1');
    await until(() => upstream.state().links === 3);
    expect(await upstream.host.figure('limitHits', { limit: 'upstream_sessions' })).toBe(1);
  });

  test('beyond the limit, when all are in use, a call is refused', async () => {
    const { upstream, call } = await overHttp({ sessions: { max: 2 } });
    await call(old('s1'));
    await call(old('s2'));
    const refused = await upstream.handle(toolCall('a', {}, { client: old('s3') }), nobody);
    expect(codeOf(refused)).toBe('BUSY');
    expect(refused.raw.string('message')).toBe(
      'The upstream "up" has as many sessions as sessions.max allows.',
    );
  });

  test('one that is unused is ended, unless it is a client’s own; the next call begins another', async () => {
    const { rogue, upstream, call } = await overHttp({ sessions: { idle: 1 } });
    expect(await call(old('s'))).toBe('session-1');
    expect(await call()).toBe('session-2');
    expect(sessionOf(await rogue.nth('DELETE'))).toBe('session-2');
    await until(() => upstream.state().links === 1);
    expect(await call()).toBe('session-3');
    expect(await call(old('s'))).toBe('session-1');
  });

  test('one that somebody listens on is in use', async () => {
    const { rogue, upstream, call } = await overHttp({ sessions: { idle: 1 } });
    const abort = new AbortController();
    const heard = Promise.withResolvers<void>();
    const params = { notifications: { resourceSubscriptions: ['a://b'] } };
    const listening = upstream.handle(
      exchange('subscriptions/listen', params, { signal: abort.signal }),
      (() => heard.resolve()) as never,
    );
    await heard.promise;
    // Another becomes idle and goes meanwhile.
    expect(await call(clientOf({ principal: 'eve' }))).toBe('session-2');
    expect(sessionOf(await rogue.nth('DELETE'))).toBe('session-2');
    expect(await call()).toBe('session-1');
    abort.abort();
    await listening;
    expect(sessionOf(await rogue.nth('DELETE', 2))).toBe('session-1');
  });
});

describe('processes', () => {
  async function pids(spec: Parameters<typeof serverSpec>[1], flags = ['--era', '2025']) {
    const upstream = run.upstream(serverSpec(flags, spec));
    const pid = async (client = clientOf()): Promise<number> =>
      JSON.parse(textOf(await upstream.handle(toolCall('pid', {}, { client }), nobody))).pid;
    return { upstream, pid };
  }

  test.each([
    ['auto', '2025', [0, 1, 0, 3, 3]],
    ['session', '2025', [0, 1, 2, 3, 3]],
    ['session', '2026', [0, 1, 2, 3, 3]],
    ['principal', '2025', [0, 1, 2, 1, 1]],
    ['principal', '2026', [0, 0, 2, 0, 0]],
    ['request', '2025', [0, 1, 2, 3, 4]],
    ['shared', '2025', [0, 0, 0, 0, 0]],
    ['shared', '2026', [0, 0, 0, 0, 0]],
    ['auto', '2026', [0, 0, 0, 0, 0]],
  ] as const)('per %s, of a server of %s', async (per, era, expected) => {
    const { pid } = await pids({ instances: { per } }, ['--era', era]);
    const clients = [
      old('s1'),
      old('s2', { capabilities: form }),
      old('s3', { principal: 'eve' }),
      clientOf({ capabilities: form }),
      clientOf({ capabilities: { elicitation: { form: {} }, x: {} } }),
    ];
    const found: number[] = [];
    for (const client of clients) found.push(await pid(client));
    const firsts = found.map((each) => found.indexOf(each));
    expect(firsts).toEqual([...expected]);
  });

  test('beyond the limit the one unused for longest makes room, and is gone before the next starts', async () => {
    const { upstream, pid } = await pids({ instances: { per: 'principal', max: 2 } });
    const client = (principal: string) => clientOf({ principal });
    const [ada, eve] = [await pid(client('ada')), await pid(client('eve'))];
    expect(await pid(client('ada'))).toBe(ada);
    await pid(client('ivy'));
    expect(() => process.kill(eve, 0)).toThrow('ESRCH');
    expect(upstream.state().links).toBe(2);
    expect(await pid(client('ada'))).toBe(ada);
    expect(await upstream.host.figure('limitHits', { limit: 'instances' })).toBe(1);
  });

  test('of several callers count: there are never more than allowed', async () => {
    const { upstream, pid } = await pids({ instances: { per: 'auto', max: 3 } });
    const clients = [
      clientOf(),
      clientOf({ principal: 'ada', capabilities: form }),
      clientOf({ principal: 'eve', capabilities: form }),
      clientOf({ principal: 'ivy', capabilities: url }),
    ];
    const found = await Promise.all(clients.map(pid));
    expect(upstream.state().links).toBe(3);
    // Who got none of their own share one, in which they can be asked.
    expect(found.map((each) => found.indexOf(each))).toEqual([0, 1, 2, 2]);
  });

  test('unused for long end, but not while a call waits for answers', async () => {
    const { ask, retry, upstream, host } = startAsking(run, { instances: { idle: 1 } });
    const state = stateOf(await ask(one));
    const eve = clientOf({ principal: 'eve', capabilities: able });
    await upstream.handle(toolCall('echo', {}, { client: eve }), nobody);
    await host.logged('link ended');
    expect(upstream.state()).toMatchObject({ links: 1, parked: 1 });
    expect((await retry(state, one, { user_input: { action: 'decline' } })).kind).toBe('complete');
    await host.logged('link ended', 2);
    expect(upstream.state()).toMatchObject({ links: 0 });
    expect(await host.figure('upstreamRestarts')).toBe(0);
  });

  test('leave no trace when they are gone', async () => {
    const { upstream, pid } = await pids({ instances: { per: 'request' } });
    const found = new Set(await Promise.all(Array.from({ length: 8 }, () => pid())));
    expect(found.size).toBe(8);
    await until(() => upstream.state().links === 0);
    for (const each of found) await until(() => isGone(each));
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
