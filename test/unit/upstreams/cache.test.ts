// What is kept of an upstream's results, for whom, and until when.
import { describe, expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import { isKept, wantsFresh } from '../../../src/core/fresh.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, exchange, nobody } from '../../fixtures/exchanges.ts';
import { keeping, TOOLS } from './kept.ts';

const ada = { client: clientOf({ principal: 'ada' }) };
const bob = { client: clientOf({ principal: 'bob' }) };
const hints = (ttlMs: unknown, cacheScope: unknown = 'private') =>
  ({ ...TOOLS, ttlMs, cacheScope }) as object;

describe('a result is good', () => {
  test('as long as its upstream says, with what is left of that', async () => {
    const { list, asked, host, outcomes } = keeping(() => hints(1_000));
    expect((await list()).value).toEqual({ ...TOOLS, ttlMs: 1_000, cacheScope: 'private' });
    host.turn(999);
    expect((await list()).value).toEqual({ ...TOOLS, ttlMs: 1, cacheScope: 'private' });
    expect(asked.length).toBe(1);
    host.turn(1);
    expect((await list()).value).toMatchObject({ ttlMs: 1_000 });
    expect(asked.length).toBe(2);
    expect([await outcomes('miss'), await outcomes('hit')]).toEqual([2, 1]);
  });

  test.each([[0], [-5], ['60000'], [1.5], [null], [1e300], [undefined]])(
    'not at all when it says %p',
    async (ttl) => {
      const { list, asked } = keeping(() => hints(ttl));
      await list();
      await list();
      expect(asked.length).toBe(2);
    },
  );

  test('no longer than the longest time, though its client is told what the upstream said', async () => {
    const { list, asked, host } = keeping(() => hints(7_200_000), { limits: { cacheTtl: 3_600_000 } });
    await list();
    host.turn(3_599_000);
    expect((await list()).value).toMatchObject({ ttlMs: 3_601_000 });
    host.turn(1_000);
    await list();
    expect(asked.length).toBe(2);
  });

  test('no longer when the clock is set back', async () => {
    const { list, asked, host } = keeping(() => hints(1_000));
    await list();
    host.turn(-3_600_000);
    await list();
    expect(asked.length).toBe(2);
  });

  test('for a client of sessions too, which is told no time', async () => {
    const session = { client: clientOf({ era: '2025', session: 's1' }) };
    const { list, asked } = keeping(() => hints(1_000, 'public'));
    await list(session);
    expect((await list(session)).value).toEqual(TOOLS);
    expect(asked.length).toBe(1);
  });
});

test('who made it stays settled', async () => {
  const { list } = keeping(
    () =>
      new McpResult('complete', McpResult.complete(hints(1_000) as never).raw, undefined, undefined, true),
  );
  expect([(await list()).signed, (await list()).signed]).toEqual([true, true]);
});

describe('it is for', () => {
  test('everybody, where it is public', async () => {
    const { list, asked } = keeping(() => hints(1_000, 'public'));
    await list(ada);
    expect((await list(bob)).value).toMatchObject({ cacheScope: 'public' });
    expect(asked.length).toBe(1);
  });

  test.each([['private'], ['Public'], [undefined], [true]])('its caller, where it is %p', async (scope) => {
    const { list, asked } = keeping(() => hints(1_000, scope));
    await list(ada);
    expect((await list(ada)).value).toMatchObject({ cacheScope: 'private' });
    expect(asked.length).toBe(1);
    await list(bob);
    expect(asked.length).toBe(2);
  });

  test('no other rights, tenant or credential', async () => {
    const { list, asked } = keeping(() => hints(1_000));
    const base = clientOf({ principal: 'ada' });
    const as = (principal: object) => ({
      client: { ...base, principal: { id: 'ada', scopes: [], ...principal } },
    });
    const callers = [
      as({}),
      as({ scopes: ['read'] }),
      as({ scopes: ['read', 'write'] }),
      as({ tenant: 't' }),
      { ...as({}), headers: { authorization: 'Bearer one' } },
      { ...as({}), headers: { authorization: 'Bearer two' } },
    ];
    for (const caller of callers) await list(caller);
    expect(asked.length).toBe(callers.length);
    await list(as({ scopes: ['write', 'read'] }));
    for (const caller of callers) await list(caller);
    expect(asked.length).toBe(callers.length);
  });

  test('no client that declared something else, and none of another revision', async () => {
    const { list, asked } = keeping(() => hints(1_000, 'public'));
    await list({ client: clientOf({ capabilities: { roots: {}, sampling: {} } }) });
    await list({ client: clientOf({ capabilities: { sampling: {} } }) });
    await list({ client: clientOf({ era: '2025', capabilities: { sampling: {} } }) });
    expect(asked.length).toBe(3);
    await list({ client: clientOf({ capabilities: { sampling: {}, roots: {} } }) });
    expect(asked.length).toBe(3);
  });

  test('one session, where its link is of one session', async () => {
    const { list, asked } = keeping(() => hints(1_000), { ownLinks: true });
    const of = (session: string) => ({ client: clientOf({ era: '2025', session }) });
    await list(of('s1'));
    await list(of('s2'));
    await list(of('s1'));
    expect(asked.length).toBe(2);
  });

  test('nobody else, where a link turned out to be of one session that was thought to be for all', async () => {
    const { list, asked } = keeping(() => hints(1_000, 'public'), {
      ownLinks: true,
      session: () => undefined,
    });
    await list({ client: clientOf({ era: '2025', session: 's1' }) });
    await list({ client: clientOf({ era: '2025', session: 's1' }) });
    expect(asked.length).toBe(2);
  });

  test('those alone for whom the same plugins send, and who look the same to them', async () => {
    const { list, asked } = keeping(() => hints(1_000));
    const [one, other] = [() => undefined, () => undefined];
    const callers = [
      {},
      { senders: [one] },
      { senders: [other] },
      { senders: [one, other] },
      { senders: [one], headers: { 'x-api-key': 'k1' } },
      { senders: [one], headers: { 'x-api-key': 'k2' } },
      { senders: [one], client: clientOf({ era: '2026', session: 's1' }) },
    ];
    for (let round = 0; round < 2; round++) for (const caller of callers) await list(caller);
    expect(asked.length).toBe(callers.length);
    await list({ senders: [one], headers: { 'x-request-id': 'another', 'mcp-method': 'tools/list' } });
    expect(asked.length).toBe(callers.length);
  });
});

describe('it answers', () => {
  const meta = (members: object) => ({
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', ...members },
  });

  test('the same request, whatever says nothing of what is asked', async () => {
    const { list, asked } = keeping(() => hints(1_000));
    await list({}, {});
    await list({ token: '1' }, meta({ progressToken: 1, traceparent: '00-1-2-01', baggage: 'a=b' }));
    await list({ logLevel: 'debug' }, meta({ 'io.modelcontextprotocol/logLevel': 'debug' }));
    expect(asked.length).toBe(1);
  });

  test('no other page, URI, parameter or member of _meta', async () => {
    const { call, asked } = keeping(() => hints(1_000));
    const others: [string, object][] = [
      ['resources/list', {}],
      ['resources/templates/list', {}],
      ['prompts/list', {}],
      ['resources/list', { cursor: '' }],
      ['resources/list', { cursor: '1' }],
      ['resources/list', { filter: 9007199254740993n.toString() }],
      ['resources/list', meta({ 'com.example/tenant': 'a' })],
      ['resources/list', meta({ 'com.example/tenant': 'b' })],
      ['resources/read', { uri: 'test://a' }],
      ['resources/read', { uri: 'test://A' }],
    ];
    for (let round = 0; round < 2; round++) for (const [method, params] of others) await call(method, params);
    expect(asked.length).toBe(others.length);
  });

  test('no rounds of a call, which are not kept either', async () => {
    const { call, asked, outcomes } = keeping(() => hints(1_000));
    const round = { uri: 'test://a', requestState: 's' };
    await call('resources/read', round);
    await call('resources/read', round);
    await call('resources/read', { uri: 'test://a' });
    await call('resources/read', { uri: 'test://a', inputResponses: {} });
    expect(asked.length).toBe(4);
    expect(await outcomes('bypass')).toBe(3);
  });

  test('nobody who wants a fresh one', async () => {
    const { cache, list, asked } = keeping(() => hints(1_000));
    await list();
    const x = exchange('tools/list', {});
    x.set(wantsFresh, true);
    await cache.handle(x, nobody);
    expect(asked.length).toBe(2);
  });

  test('says of itself that it is kept, also when it stands in', async () => {
    let isAway = false;
    const { cache, host } = keeping(() => (isAway ? errorResult('UPSTREAM_UNAVAILABLE') : hints(1_000)));
    const wasKept = async () => {
      const x = exchange('tools/list', {});
      await cache.handle(x, nobody);
      return x.get(isKept) === true;
    };
    expect([await wasKept(), await wasKept()]).toEqual([false, true]);
    host.turn(1_000);
    isAway = true;
    expect(await wasKept()).toBe(true);
  });
});

test.each([
  [
    'a question',
    () => new McpResult('input_required', McpResult.complete({ requestState: 's', ttlMs: 9_000 }).raw),
  ],
  ['an error', () => McpResult.error({ code: -32603, message: 'no' })],
  ['a failure', () => errorResult('UPSTREAM_UNAVAILABLE')],
])('%s is not kept', async (_what, answer) => {
  const { call, asked } = keeping(answer);
  await call('resources/read', { uri: 'test://a' });
  await call('resources/read', { uri: 'test://a' });
  expect(asked.length).toBe(2);
});
