// Whatever callers do and an upstream answers: what is private reaches nobody but whom it was answered to.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { errorResult } from '../../../src/core/errors.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, type ExchangeOptions } from '../../fixtures/exchanges.ts';
import { keeping } from './kept.ts';

const ada = clientOf({ principal: 'ada' });
/** All of another authorization context, though four are called ada. */
const CALLERS: readonly ExchangeOptions[] = [
  { client: ada },
  { client: clientOf({ principal: 'bob' }) },
  { client: { ...ada, principal: { id: 'ada', scopes: ['write'] } } },
  { client: { ...ada, principal: { id: 'ada', tenant: 'north', scopes: [] } } },
  { client: { ...ada, principal: { id: 'ada', scopes: [], groups: ['ops'] } } },
  { client: ada, headers: { authorization: 'Bearer other' } },
];

const REQUESTS: readonly (readonly [method: string, params: object])[] = [
  ['tools/list', {}],
  ['resources/list', {}],
  ['resources/list', { cursor: 'c1' }],
  ['resources/read', { uri: 'test://a' }],
];

const NOTES = ['notifications/tools/list_changed', 'notifications/resources/list_changed'];

const answer = fc.record({
  ttlMs: fc.constantFrom(0, 10, 1_000, -1, 'x'),
  cacheScope: fc.constantFrom('public', 'private', 'none'),
  kind: fc.constantFrom('complete', 'complete', 'complete', 'question', 'cursor', 'away'),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ who: fc.nat(CALLERS.length - 1), what: fc.nat(REQUESTS.length - 1), answer }),
  },
  { weight: 3, arbitrary: fc.record({ answerUpTo: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ turn: fc.constantFrom(5, 10, 2_000) }) },
  { weight: 1, arbitrary: fc.record({ tell: fc.constantFrom(...NOTES) }) },
  { weight: 1, arbitrary: fc.record({ leave: fc.nat(20) }) },
);

type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

const callerOf = ({ client, inbound }: Exchange): number =>
  CALLERS.findIndex(
    (each) => each.client === client && !each.headers === !inbound.headers.has('authorization'),
  );

function said({ kind, ...hints }: Answer, owner: number): McpResult {
  const { raw } = McpResult.complete({ resultType: 'complete', owner, ...hints });
  if (kind === 'question') return new McpResult('input_required', raw);
  if (kind === 'cursor') return McpResult.error({ code: -32602, message: 'no such cursor', data: { owner } });
  return kind === 'away'
    ? errorResult('UPSTREAM_UNAVAILABLE', undefined, { owner })
    : new McpResult('complete', raw);
}

test('in any order', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const open: (() => void)[] = [];
      let next: Answer | undefined;
      const kept = keeping((x) => {
        const { promise, resolve } = Promise.withResolvers<McpResult>();
        const result = said(next as Answer, callerOf(x));
        open.push(() => resolve(result));
        return promise;
      });
      const got: { who: number; leaver: AbortController; result: Promise<McpResult> }[] = [];
      for (const each of steps) {
        if ('who' in each) {
          const [method, params] = REQUESTS[each.what] ?? ['tools/list', {}];
          const leaver = new AbortController();
          next = each.answer;
          const result = kept.call(method, params, { ...CALLERS[each.who], signal: leaver.signal });
          got.push({ who: each.who, leaver, result });
        } else if ('turn' in each) kept.host.turn(each.turn);
        else if ('tell' in each) kept.tell(each.tell);
        else if ('leave' in each) got[each.leave]?.leaver.abort();
        else {
          for (const finish of open.splice(0, each.answerUpTo)) finish();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      let settled = 0;
      for (const { result } of got) void result.then(() => settled++);
      // Who is not given a result of somebody else asks for itself, maybe only now.
      while (settled < got.length) {
        for (const finish of open.splice(0)) finish();
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const { who, result } of got) {
        const { kind, value, raw } = await result;
        const owner = kind === 'error' ? raw.object('data')?.get('owner') : value.owner;
        const isForAll = kind === 'complete' && value.cacheScope === 'public';
        if (owner !== undefined && !isForAll) expect(owner).toBe(who);
      }
      const { values } = await kept.host.metrics.cacheRequests.get();
      for (const { labels } of values) outcomes.add(String(labels.outcome));
    }),
    { numRuns: 400 },
  );
  // It was not for want of anything kept.
  expect([...outcomes].toSorted()).toEqual(['hit', 'joined', 'miss', 'stale']);
});

test('where callers have credentials of their own, nothing is for everybody, whatever the upstream says', async () => {
  const { call } = keeping(({ principal }) => ({ owner: principal.id, ttlMs: 1_000, cacheScope: 'public' }), {
    perCaller: true,
  });
  for (const id of ['ada', 'bob', 'ada']) {
    const client = { ...clientOf({ principal: id }), era: '2026' as const };
    const { value } = await call('resources/read', { uri: 'test://a' }, { client });
    expect(value).toMatchObject({ owner: id, cacheScope: 'private' });
  }
});
