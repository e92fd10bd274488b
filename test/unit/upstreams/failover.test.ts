// One upstream over HTTP in several places, and in one: what calls see when a place stops working.
import { describe, expect, test } from 'bun:test';
import { McpNotification, type McpResult } from '../../../src/protocol/message.ts';
import { ACKNOWLEDGED } from '../../../src/upstreams/listen.ts';
import type { TargetOptions } from '../../../src/upstreams/targets.ts';
import {
  clientOf,
  codeOf,
  collector,
  exchange,
  nobody,
  testHost,
  textOf,
  toolCall,
} from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, event, json, type Rogue, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const run = running();
const eras = ['2025', '2026'] as const;
type Era = (typeof eras)[number];

const breaker = { failures: 3, open: 1_000, openMax: 1_000 };

/** A server that says its name, or does what it is told to do instead. */
async function replica(name: string, era: Era, forms: 'json' | 'sse' = 'json') {
  const state: { instead: Behaviour | undefined } = { instead: undefined };
  const say: Behaviour = (hit, res) =>
    forms === 'json' ? json(res, answer(hit, name)) : (stream(res, event(answer(hit, name))) ?? res.end());
  const rogue = await run.rogue(say, {
    era,
    before(hit, res, self) {
      if (state.instead && state.instead(hit, res, self) !== false) return true;
      return hit.method === 'GET' ? stream(res, ': here\n\n') : false;
    },
  });
  return Object.assign(rogue, { break: (how?: Behaviour) => (state.instead = how) });
}

type Replica = Awaited<ReturnType<typeof replica>>;

function upstreamOf(replicas: readonly Rogue[], targets: Partial<TargetOptions> = {}, host = testHost()) {
  const upstream = run.upstream(
    httpSpec(
      replicas.map(({ url }) => url),
      { targets: { breaker, health: { probe: 'off', timeout: 20_000, path: undefined }, ...targets } },
    ),
    host,
  );
  const call = (era: Era, session?: string): Promise<McpResult> =>
    upstream.handle(
      toolCall('tool', {}, { client: clientOf({ era, ...(session === undefined ? {} : { session }) }) }),
      nobody,
    );
  return { upstream, host, call };
}

const fail: Behaviour = (_, res) => status(res, 500);
/** Until it heals: calls alone fail. */
const failCalls: Behaviour = (hit, res) => (hit.message.method === 'tools/call' ? status(res, 500) : false);

for (const era of eras) {
  describe(`one target, ${era}`, () => {
    test('after so many failures calls are refused without being sent, and one finds out', async () => {
      const one = await replica('one', era);
      const { call, host } = upstreamOf([one]);
      expect(textOf(await call(era))).toBe('one');
      one.break(failCalls);
      for (let n = 0; n < 3; n++) expect((await call(era)).raw.text).toContain('answered 500');
      const sent = one.hits.length;
      const refused = await Promise.all(Array.from({ length: 50 }, () => call(era)));
      for (const result of refused) {
        expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
        expect(result.http).toBe(503);
        expect(result.raw.object('data')?.get('retryAfterMs')).toBeGreaterThan(0);
        expect(result.raw.string('message')).toContain('"up" is not called for now: 3 calls in a row failed');
      }
      expect(one.hits.length).toBe(sent);
      one.break();
      host.turn(1_000);
      expect(textOf(await call(era))).toBe('one');
      expect(textOf(await call(era))).toBe('one');
    });

    test('answers of the server never count, whatever they say', async () => {
      const one = await replica('one', era);
      const { call, upstream } = upstreamOf([one]);
      expect(textOf(await call(era))).toBe('one');
      const error = { code: -32603, message: 'theirs' };
      const answers: Behaviour[] = [
        (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, error }),
        (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, error }, 500),
        (_, res) => status(res, 401),
        (_, res) => status(res, 429),
        (_, res) => status(res, 302, { location: 'https://elsewhere.example/' }),
        (hit, res) => json(res, { ...answer(hit), result: { ...answer(hit).result, isError: true } }),
      ];
      for (const instead of answers) {
        one.break((hit, res, self) =>
          hit.message.method === 'tools/call' ? instead(hit, res, self) : false,
        );
        for (let n = 0; n < 4; n++) await call(era);
        expect(upstream.state().targets).toMatchObject([{ state: 'closed' }]);
      }
    });

    test('what comes that is no answer counts', async () => {
      const wrong: Behaviour[] = [
        (_, res) => res.socket?.destroy(),
        (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>'),
        (_, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc"'),
      ];
      for (const instead of wrong) {
        const one = await replica('one', era);
        const { call, upstream } = upstreamOf([one]);
        await call(era);
        one.break((hit, res, self) =>
          hit.message.method === 'tools/call' ? instead(hit, res, self) : false,
        );
        for (let n = 0; n < 3; n++) await call(era);
        expect(upstream.state().targets).toMatchObject([{ state: 'open' }]);
      }
    });
  });

  describe(`two targets, ${era}`, () => {
    const break_: [string, (one: Replica) => unknown][] = [
      ['is gone', (one) => one.stop()],
      ['answers 500 to everything', (one) => one.break(fail)],
    ];
    test.each(break_)('a call that opens a link goes to the other when the first %s', async (_, breaks) => {
      const [one, two] = [await replica('one', era), await replica('two', era)];
      const { call } = upstreamOf([one, two], { balance: 'first' });
      await breaks(one);
      for (let n = 0; n < 10; n++) expect(textOf(await call(era))).toBe('two');
    });

    test('a call whose connection is refused was not sent: it goes to the other, whatever it does', async () => {
      const [one, two] = [await replica('one', era), await replica('two', era)];
      const { call } = upstreamOf([one, two], { balance: 'first', breaker: 'off' });
      expect(textOf(await call(era))).toBe('one');
      await one.stop();
      // Connections that were kept take a few along, which may have been sent.
      await until(async () => (await call(era)).kind === 'complete');
      for (let n = 0; n < 5; n++) expect(textOf(await call(era))).toBe('two');
    });

    test('a call that was sent and not answered is not sent again', async () => {
      const [one, two] = [await replica('one', era), await replica('two', era)];
      const { call } = upstreamOf([one, two], { balance: 'first' });
      expect(textOf(await call(era))).toBe('one');
      one.break((hit, res) => (hit.message.method === 'tools/call' ? res.socket?.destroy() : false));
      expect(codeOf(await call(era))).toBe('UPSTREAM_UNAVAILABLE');
      expect(one.of('tools/call').length).toBe(2);
      expect(two.hits).toEqual([]);
    });

    test('one that is tripped gets no calls, and gets them again', async () => {
      const [one, two] = [await replica('one', era), await replica('two', era)];
      const { call, host, upstream } = upstreamOf([one, two], { balance: 'first' });
      expect(textOf(await call(era))).toBe('one');
      one.break(failCalls);
      for (let n = 0; n < 3; n++) expect(codeOf(await call(era))).toBe('UPSTREAM_UNAVAILABLE');
      const calls = one.of('tools/call').length;
      const results = await Promise.all(Array.from({ length: 200 }, () => call(era)));
      expect(new Set(results.map(textOf))).toEqual(new Set(['two']));
      expect(one.of('tools/call').length).toBe(calls);
      one.break();
      host.turn(1_000);
      // A list is what loses nothing.
      if (era === '2026') {
        await upstream.handle(exchange('tools/list'), nobody);
        expect(textOf(await call(era))).toBe('one');
      }
    });
  });
}

test('a place that denies the era of the others is the one at fault', async () => {
  const [one, two] = [await replica('one', '2026'), await replica('two', '2026')];
  const { call, host, upstream } = upstreamOf([one, two], { balance: 'first' });
  expect(textOf(await call('2026'))).toBe('one');
  one.break((_, res) => status(res, 404));
  for (let n = 0; n < 5; n++) expect(textOf(await call('2026'))).toBe('two');
  expect(upstream.state()).toMatchObject({
    eras: ['2026'],
    targets: [{ state: 'open' }, { state: 'closed' }],
  });
  expect([one, two].flatMap((each) => each.of('initialize'))).toEqual([]);
  // Where all of them do, it is the era.
  two.break((_, res) => status(res, 404));
  expect(codeOf(await call('2026'))).toBe('UPSTREAM_INVALID');
  one.break();
  two.break();
  host.turn(1_000);
  await upstream.handle(exchange('tools/list'), nobody);
  expect(textOf(await call('2026'))).toBe('one');
});

describe('a session of 2025', () => {
  test('stays on its target, and is opened anew on another when that fails', async () => {
    const [one, two] = [await replica('one', '2025'), await replica('two', '2025')];
    const { call } = upstreamOf([one, two], { balance: 'round_robin' });
    const of = async (session: string): Promise<string[]> => {
      const said: string[] = [];
      for (let n = 0; n < 4; n++) said.push(textOf(await call('2025', session)));
      return [...new Set(said)];
    };
    expect([await of('a'), await of('b')]).toEqual([['one'], ['two']]);
    one.break(failCalls);
    for (let n = 0; n < 3; n++) await call('2025', 'a');
    expect(await of('a')).toEqual(['two']);
    expect([one.of('initialize').length, two.of('initialize').length]).toEqual([1, 2]);
    expect(await of('b')).toEqual(['two']);
    // What is left there is ended.
    await one.nth('DELETE');
  });

  test('a subscription goes on at another target', async () => {
    const [one, two] = [await replica('one', '2025'), await replica('two', '2025')];
    const { call, upstream } = upstreamOf([one, two], { balance: 'first' });
    await call('2025', 'a');
    const end = new AbortController();
    const client = clientOf({ era: '2025', session: 'a' });
    const { notes, emit, heard } = collector();
    const wanted = { notifications: { resourcesListChanged: true } };
    const listening = upstream.handle(
      exchange('subscriptions/listen', wanted, { client, signal: end.signal }),
      emit,
    );
    await heard(1);
    expect(notes[0]?.method).toBe(ACKNOWLEDGED);
    one.break(failCalls);
    for (let n = 0; n < 3; n++) await call('2025', 'a');
    // It may have missed something on the way.
    await heard(2);
    expect(notes[1]).toBeInstanceOf(McpNotification);
    expect(notes[1]?.method).toBe('notifications/resources/list_changed');
    expect(two.of('initialize').length).toBe(1);
    end.abort();
    await listening;
  });
});
